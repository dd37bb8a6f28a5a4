import DescentGraph

extension Pass {
  /// Makes large matrix products of seven products of half their extents, where eight are the plain way.
  ///
  ///     %2 = contract(%0, %1)    →    %2 = slice(%0) …               quarters of the factors
  ///                                   …
  ///                                   %10 = add(%4, %5)              and four sums of each factor's
  ///                                   …
  ///                                   %18 = contract(%2, %6)         seven products, which add up to
  ///                                   …
  ///                                   %34 = concatenate(%32, %33)    the quarters of the result
  ///
  /// This is Strassen's method with the fifteen sums of Winograd's form (Higham, *Accuracy and Stability of Numerical
  /// Algorithms*, 2002, section 23.2.2), and the seven products may be made in the same way. Sums of results stand
  /// behind the products, in their kernels; sums of weights that no run changes are made once. What is left to pay are
  /// sums of the other factors and putting quarters together, so products have to be large (`StrassenEstimate`).
  ///
  /// Results differ by rounding (`Pass.fewerMultiplications`). Errors stay small beside the largest elements of both
  /// factors, not beside each result: for n×n factors and halving l times, no more than
  /// [18ˡ·(h² + 6h) − 6n]·2⁻²⁴ times the product of these elements' magnitudes, h = n / 2ˡ (Higham, section 23.2.2),
  /// against n² for the plain way. An element that is not finite spreads to other quarters, and sums of elements near
  /// the greatest finite number overflow.
  ///
  /// - Parameters:
  ///   - prepares: Whether what follows from unchanged parameters is computed once.
  ///   - levels: How often all factors are halved whose extents allow it; nil where that is estimated for each product.
  /// - Returns: The pass.
  package static func strassen(prepares: Bool = true, levels: Int? = nil) -> Pass {
    fewerMultiplications(
      "strassen", "makes large matrix products of seven products of their quarters", in: "quarters",
      prepares: prepares
    ) { node, types, changes, operands in
      guard case .contraction(let op) = node.op,
        let estimate = StrassenEstimate(op, types.map(\.shape), node.type, changes: changes),
        case let levels = estimate.levels(asked: levels), levels > 0
      else { return nil }
      let product = StrassenProduct(op, levels: levels)
      return (
        product.result(operands[0], operands[1], node.type.shape),
        "\(levels > 1 ? " of quarters" : ""): \(estimate.summary(levels))"
      )
    }
  }
}

/// What a matrix product costs, all at once or in quarters, in fused multiply-adds.
private struct StrassenEstimate {
  private let extents: Contraction.Extents
  /// Whether the factors differ from run to run.
  private let changes: [Bool]

  /// The most often that factors are halved: each time there are seven times as many kernels.
  private static let mostLevels = 2
  /// The fewest rows of a product of quarters: fewer do not make up for what is read of the other factor.
  private static let fewestRows = 64
  /// What the extents of a product of quarters are multiples of, so that vectors are full.
  private static let multiple = 16
  /// How much less must be estimated for quarters to be chosen: threads share the memory that moving takes, and with
  /// two of them nothing was gained from less.
  private static let worth = 0.9
  /// More products than anybody takes.
  private static let mostProducts = 0x1p53

  /// Looks at a product, or returns nil where it is one of a batch, of another type than `f32`, or computed once.
  init?(_ op: Contraction, _ operands: [Shape], _ result: TensorType, changes: [Bool]) {
    guard result.dataType == .f32, operands[1].rank == 2, changes.contains(true) else { return nil }
    extents = op.extents(operands[0], operands[1])
    self.changes = changes
    let products = Double(extents.m) * Double(extents.k) * Double(extents.n)
    guard products < StrassenEstimate.mostProducts else { return nil }
  }

  /// How often factors are halved: as often as is asked, if they can be, or as costs least; 0 is the plain way.
  func levels(asked: Int?) -> Int {
    guard let asked else { return bestLevels }
    return isDivisible(by: 1, asked) ? asked : 0
  }

  private var bestLevels: Int {
    var (best, least) = (0, StrassenEstimate.worth * cost(0))
    for levels in 1...StrassenEstimate.mostLevels
    where isDivisible(by: StrassenEstimate.multiple, levels)
      && extents.m >> levels >= StrassenEstimate.fewestRows
    {
      let cost = cost(levels)
      if cost < least { (best, least) = (levels, cost) }
    }
    return best
  }

  /// The products of quarters, and the multiplications that are left.
  func summary(_ levels: Int) -> String {
    let count = (0..<levels).reduce(1) { count, _ in 7 * count }
    let half = [extents.m, extents.k, extents.n].map { $0 >> levels }
    return "\(count) products of \(half[0])×\(half[1]) by \(half[1])×\(half[2]),"
      + " \(count * half[0] * half[1] * half[2]) multiplications rather than"
      + " \(extents.m * extents.k * extents.n)"
  }

  /// Whether extents halved so often are multiples of a number.
  private func isDivisible(by number: Int, _ levels: Int) -> Bool {
    [extents.m, extents.k, extents.n].allSatisfy { $0 > 0 && $0 % (number << levels) == 0 }
  }

  /// What the product costs when it is halved so often.
  private func cost(_ levels: Int) -> Double {
    var total = 0.0
    var (m, k, n, count) = (Double(extents.m), Double(extents.k), Double(extents.n), 1.0)
    for _ in 0..<levels {
      // Quarters are read, and sums of them written; those of the result are put together.
      let factors = (changes[0] ? m * k : 0) + (changes[1] ? k * n : 0)
      total += count * Moving.cost(2 * factors, 2 * m * n)
      (m, k, n, count) = (m / 2, k / 2, n / 2, 7 * count)
    }
    return total + count * (m * k * n + Moving.cost(m * k, k * n, m * n))
  }
}

/// Writes a product in quarters.
private struct StrassenProduct {
  let op: Contraction
  let levels: Int

  init(_ op: Contraction, levels: Int) {
    self.op = op
    self.levels = levels
  }

  /// The product of a left factor, all of whose rows meet the right one.
  func result(_ left: Tensor, _ right: Tensor, _ shape: Shape) -> Tensor {
    let rows = left.shape.extents.dropLast().reduce(1) { $0 * ($1.fixed ?? 0) }
    let isMatrix = left.shape.rank == 2
    let matrix =
      isMatrix
      ? left : left.reshaped([Extent(offset: rows), left.shape.extents[left.shape.rank - 1]])
    let product = product(matrix, right, levels).joined
    return isMatrix ? product : product.reshaped(shape)
  }

  private func product(_ left: Tensor, _ right: Tensor, _ levels: Int) -> Blocks {
    guard levels > 0 else { return Blocks(left.apply(.contraction(op), right)) }
    let a = quarters(left, isTransposed: op.transposeLeft)
    let b = quarters(right, isTransposed: op.transposeRight)
    let a1 = a[1][0] + a[1][1]
    let a2 = a1 - a[0][0]
    let a3 = a[0][0] - a[1][0]
    let a4 = a[0][1] - a2
    let b1 = b[0][1] - b[0][0]
    let b2 = b[1][1] - b1
    let b3 = b[1][1] - b[0][1]
    let b4 = b2 - b[1][0]
    func times(_ a: Tensor, _ b: Tensor) -> Blocks { product(a, b, levels - 1) }
    // Each sum stands right behind a product that it needs, so that it can be made in the product's kernel.
    let first = times(a[0][0], b[0][0])
    let topLeft = first + times(a[0][1], b[1][0])
    let second = first + times(a2, b2)
    let third = second + times(a3, b3)
    let other = times(a1, b1)
    let bottomRight = third + other
    let topRight = second + other + times(a4, b[1][1])
    let bottomLeft = third - times(a[1][1], b4)
    return Blocks(topLeft, topRight, bottomLeft, bottomRight)
  }

  /// The quarters of a factor, by halves of its rows and of its columns, which are the other way round where it is
  /// transposed; quarters lie like the factor.
  private func quarters(_ x: Tensor, isTransposed: Bool) -> [[Tensor]] {
    let half = x.shape.extents.map { ($0.fixed ?? 0) / 2 }
    return (0..<2).map { row in
      (0..<2).map { column in
        let place = isTransposed ? [column, row] : [row, column]
        let starts = zip(place, half).map { Extent(offset: $0 * $1) }
        let limits = zip(place, half).map { Extent(offset: ($0 + 1) * $1) }
        return x.apply(.movement(.slice(starts: starts, limits: limits, strides: [1, 1])))
      }
    }
  }
}

/// A matrix in blocks of equal extents, put together only when all sums are done.
private struct Blocks {
  private let rows: [[Tensor]]

  init(_ block: Tensor) {
    rows = [[block]]
  }

  private init(_ rows: [[Tensor]]) {
    self.rows = rows
  }

  init(_ topLeft: Blocks, _ topRight: Blocks, _ bottomLeft: Blocks, _ bottomRight: Blocks) {
    rows = zip(topLeft.rows, topRight.rows).map(+) + zip(bottomLeft.rows, bottomRight.rows).map(+)
  }

  static func + (a: Blocks, b: Blocks) -> Blocks {
    Blocks(zip(a.rows, b.rows).map { zip($0, $1).map(+) })
  }

  static func - (a: Blocks, b: Blocks) -> Blocks {
    Blocks(zip(a.rows, b.rows).map { zip($0, $1).map(-) })
  }

  /// The whole matrix.
  var joined: Tensor { join(rows.map { join($0, axis: 1) }, axis: 0) }

  private func join(_ parts: [Tensor], axis: Int) -> Tensor {
    guard parts.count > 1 else { return parts[0] }
    let builder = parts[0].builder
    return Tensor(builder, builder.add(.movement(.concatenate(axis: axis)), parts.map(\.value)))
  }
}
