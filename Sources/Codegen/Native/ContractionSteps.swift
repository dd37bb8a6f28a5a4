/// How strides move through the result of a contraction: its axes have merged where all accesses step through
/// them as through one, and are told apart here.
///
/// From the outermost to the innermost the result has the products of the batch, runs of rows that are products of
/// their own, rows, groups, columns. Products are numbered in another order: batch, groups, runs of rows.
struct ContractionSteps {
  /// An axis of the batch: the products in one step along it, and their distance.
  struct BatchAxis: Hashable {
    var products: Int
    var stride: Int
  }

  /// From the outermost axis to the innermost, whose steps are single products.
  let batch: [BatchAxis]
  let row: Int
  let column: Int

  /// Finds the steps, or nothing where rows or columns are not equally far apart.
  init?(_ strides: [Int], over domain: [Int], _ problem: ContractionProblem) {
    // A problem that was turned round has its rows where the result has columns.
    let (columns, groups) = (problem.n, problem.n * problem.groups)
    let rows = groups * problem.m
    let runs = rows * problem.rowRuns
    let all = problem.batch * problem.m * problem.n
    let axes = { (places: Range<Int>) in
      ContractionSteps.axes(places, strides, over: domain)
    }
    guard let column = axes(1..<columns), let group = axes(columns..<groups),
      let row = axes(groups..<rows), let run = axes(rows..<runs), let outer = axes(runs..<all),
      column.count <= 1, row.count <= 1
    else { return nil }
    (self.row, self.column) = (row.first?.stride ?? 0, column.first?.stride ?? 0)
    let products = { (count: Int, axes: [Axis]) in
      axes.map { BatchAxis(products: count * $0.steps, stride: $0.stride) }
    }
    batch =
      products(problem.groups * problem.rowRuns, outer) + products(problem.rowRuns, group)
      + products(1, run)
  }

  /// An axis of a domain, or a part of it.
  private struct Axis {
    /// The steps along those within that are one step along it.
    var steps: Int
    var stride: Int
  }

  /// Returns how strides move from one number of a domain's innermost places to another, or nothing where that is not
  /// so many whole steps along its axes.
  private static func axes(
    _ places: Range<Int>, _ strides: [Int], over domain: [Int]
  ) -> [Axis]? {
    var axes: [Axis] = []
    // The number of places in the axes so far, from the last one on.
    var inner = 1
    for (extent, stride) in zip(domain, strides).reversed() where extent != 1 {
      let outer = inner * extent
      let (first, end) = (max(inner, places.lowerBound), min(outer, places.upperBound))
      if first < end {
        guard first % inner == 0, end % first == 0, outer % end == 0 else { return nil }
        axes.insert(Axis(steps: first / places.lowerBound, stride: stride * (first / inner)), at: 0)
      }
      inner = outer
    }
    return axes
  }
}
