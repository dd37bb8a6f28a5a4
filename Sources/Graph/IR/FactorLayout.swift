/// Where the elements of one factor of a contraction lie in memory, counted in elements.
///
/// The address of an element is the offset and, for each axis, its place times the stride. What is one axis to the
/// contraction may be several here: the rows of an image's windows are its images, and places down and across.
package struct FactorLayout: Hashable, Sendable, Codable {
  /// A run of places that are equally far apart.
  package struct Axis: Hashable, Sendable, Codable {
    package var extent: Int
    package var stride: Int

    package init(extent: Int, stride: Int) {
      self.extent = extent
      self.stride = stride
    }
  }

  /// Which factor of a contraction.
  package enum Side: Sendable { case left, right }

  /// The address of the first element.
  package var offset: Int
  /// The axes of the batch, from the outermost to the innermost; none is of extent 1, and none goes on evenly where
  /// another ends.
  package var batch: [Axis]
  /// The axes that the result keeps: rows of the left factor, columns of the right one.
  package var kept: [Axis]
  /// The axes that are summed over.
  package var summed: [Axis]

  package init(offset: Int = 0, batch: [Axis], kept: [Axis], summed: [Axis]) {
    self.offset = offset
    self.batch = batch
    self.kept = kept
    self.summed = summed
  }

  /// The greatest number of runs along one axis of a product: their addresses stand in a table.
  private static let maximumRuns = 1 << 16
  /// Addresses within a product are numbers of bytes with 32 bits, and so are those a few dozen places away.
  private static let maximumDistance = 1 << 28
  private static let maximumStride = 1 << 22

  /// Whether neighbours among what is kept lie side by side, and those among what is summed over.
  private var keptIsDense: Bool { (kept.last?.stride ?? 1) == 1 }
  private var summedIsDense: Bool { (summed.last?.stride ?? 1) == 1 }

  /// Whether a matrix is stored line after line, the lines equally far apart.
  package var isPlain: Bool {
    kept.count <= 1 && summed.count <= 1 && (keptIsDense || summedIsDense)
  }

  /// Whether contraction kernels read such a factor where it lies.
  ///
  /// - Parameters:
  ///   - side: Which factor it is.
  ///   - isVector: Whether it or the other factor is a single row or column; such products are read plainly only.
  ///   - chunk: How many terms are summed by themselves.
  /// - Returns: Whether no copy is needed.
  package func isReadable(as side: Side, isVector: Bool, chunk: Int) -> Bool {
    let all = batch + kept + summed
    guard !all.contains(where: { $0.extent == 0 }),
      (kept + summed).allSatisfy({
        abs($0.stride) * $0.extent < FactorLayout.maximumDistance
      }),
      [kept, summed].allSatisfy({ abs($0.last?.stride ?? 0) < FactorLayout.maximumStride }),
      FactorLayout.runCount(kept) <= FactorLayout.maximumRuns,
      FactorLayout.runCount(summed) <= FactorLayout.maximumRuns
    else { return false }
    if isVector { return isPlain }
    switch side {
    case .left: return keptIsDense || summedIsDense
    case .right:
      guard kept.count <= 1 else { return false }
      // What is transposed in squares must not end within one.
      let isCut = summed.reduce(1) { $0 * $1.extent } > chunk && chunk % 16 != 0
      let isWhole = summed.count <= 1 || !isCut && (summed.last?.extent ?? 0) % 16 == 0
      return summed.count <= 1 && keptIsDense || summedIsDense && isWhole
    }
  }

  /// The most columns of a group that fill no more than the widest vector.
  package static let narrowColumns = 16

  /// Whether the columns of groups, the only axis of the batch, follow one another without a gap.
  package func groupsLieSideBySide(columns: Int) -> Bool {
    guard batch.count == 1, batch[0].stride == columns else { return false }
    return columns == 1 ? kept.isEmpty : kept == [Axis(extent: columns, stride: 1)]
  }

  /// Returns how far each place of some axes is from the first, in row-major order.
  package static func distances(_ axes: [Axis]) -> [Int] {
    axes.reduce([0]) { outer, axis in
      outer.flatMap { first in (0..<axis.extent).map { first + $0 * axis.stride } }
    }
  }

  /// The number of runs of equally distant places.
  private static func runCount(_ axes: [Axis]) -> Int {
    axes.dropLast().reduce(1) { min($0, maximumRuns + 1) * $1.extent }
  }
}
