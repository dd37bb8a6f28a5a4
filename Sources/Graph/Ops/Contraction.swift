/// Batched matrix product: `[…, m, k]` times `[…, k, n]` is `[…, m, n]`.
///
/// All rows of an untransposed left operand may meet one matrix: `[…, k]` times `[k, n]` is `[…, n]`.
///
/// **Order.** The k axis is cut into chunks of `chunk` neighbours, the last perhaps shorter. Each starts at +0 and
/// takes its products in ascending order with one fused multiply-add each, rounded once; the chunks' sums then add in
/// ascending order. So the error of a sum of k terms grows with k / chunk + chunk rather than with k (Higham, *Accuracy
/// and Stability of Numerical Algorithms*, 2002, section 4.2).
public struct Contraction: Hashable, Sendable, Codable {
  /// Whether the left operand is stored as `[…, k, m]`.
  public let transposeLeft: Bool
  /// Whether the right operand is stored as `[…, n, k]`.
  public let transposeRight: Bool
  /// How many neighbours along the k axis are summed by themselves; part of the meaning, since it decides the order of
  /// sums.
  public let chunk: Int

  /// About as many terms as a tile of the result takes before its sums are put aside: that they start anew there costs
  /// next to nothing.
  public static let defaultChunk = 512

  /// Creates a contraction.
  public init(
    transposeLeft: Bool = false, transposeRight: Bool = false,
    chunk: Int = Contraction.defaultChunk
  ) {
    self.transposeLeft = transposeLeft
    self.transposeRight = transposeRight
    self.chunk = chunk
  }

  /// The extents of one contraction of bound operands.
  package struct Extents: Hashable, Sendable, Codable {
    /// The number of products, each of which has m rows and n columns.
    package let batch: Int
    /// How many neighbouring products of the batch lie side by side, so that a row of the result has n columns of each.
    package let groups: Int
    package let m: Int
    package let n: Int
    package let k: Int

    package init(batch: Int, groups: Int = 1, m: Int, n: Int, k: Int) {
      (self.batch, self.groups, self.m, self.n, self.k) = (batch, groups, m, n, k)
    }

    /// The elements of a row of the result.
    package var rowLength: Int { groups * n }

    /// The operations of all products, a fused multiply-add counted as two.
    package var flops: Int {
      // The arrays may be of possible size, and yet their product take more operations than can be counted.
      let limit = Int.max >> 10
      let flops = [batch, m, n, k].reduce(2) { product, extent in
        let (next, overflow) = product.multipliedReportingOverflow(by: extent)
        return overflow ? limit : next
      }
      return min(flops, limit)
    }
  }

  /// Returns the extents for bound operand shapes.
  package func extents(_ left: Shape, _ right: Shape) -> Extents {
    let (a, b) = (left.dimensions, right.dimensions)
    let n = b[b.count - (transposeRight ? 2 : 1)]
    let k = a[a.count - (transposeLeft ? 2 : 1)]
    guard !Contraction.isShared(left, right) else {
      return Extents(batch: 1, m: a.dropLast().reduce(1, *), n: n, k: k)
    }
    return Extents(
      batch: a.dropLast(2).reduce(1, *), m: a[a.count - (transposeLeft ? 1 : 2)], n: n, k: k)
  }

  /// Whether all rows of the left operand meet one matrix.
  package static func isShared(_ left: Shape, _ right: Shape) -> Bool {
    left.rank > 2 && right.rank == 2
  }
}

extension Contraction: OpDefinition {
  package var name: String { "contract" }

  package var summary: String { "batched matrix product, either operand transposed" }

  package var attributes: Attributes {
    var attributes = Attributes()
    if transposeLeft { attributes.append("transposeLeft", .word("true")) }
    if transposeRight { attributes.append("transposeRight", .word("true")) }
    if chunk != Contraction.defaultChunk {
      attributes.append("chunk", .extent(Extent(offset: chunk)))
    }
    return attributes
  }

  package func resultType(of operands: [TensorType]) throws(GraphError) -> TensorType {
    try expect(2, operands)
    let (left, right) = (operands[0], operands[1])
    guard left.dataType.isFloat, left.dataType == right.dataType else {
      throw GraphError("matmul: needs two operands of one float type, not \(left) and \(right)")
    }
    let (rank, rightRank) = (left.shape.rank, right.shape.rank)
    let isShared = Contraction.isShared(left.shape, right.shape) && !transposeLeft
    guard rank >= 2, rank == rightRank || isShared else {
      throw GraphError(
        "matmul: needs equally many axes, at least two, not \(left.shape) and \(right.shape)",
        hint: rank > 2 && rightRank == 2 ? "only an untransposed left operand may have more" : nil)
    }
    for axis in 0..<rightRank - 2 where left.shape[axis] != right.shape[axis] {
      throw GraphError("matmul: leading axes differ: \(left.shape) and \(right.shape)")
    }
    let inner = left.shape[rank - (transposeLeft ? 2 : 1)]
    let other = right.shape[rightRank - (transposeRight ? 1 : 2)]
    guard inner == other else {
      throw GraphError(
        "matmul: inner extents differ: \(inner) in \(left.shape) and \(other) in \(right.shape)")
    }
    guard chunk >= 1 else { throw GraphError("matmul: chunk is \(chunk), not at least 1") }
    let m = left.shape[rank - (transposeLeft ? 1 : 2)]
    let n = right.shape[rightRank - (transposeRight ? 2 : 1)]
    return try checked(
      TensorType(left.dataType, Shape(Array(left.shape.extents.dropLast(2)) + [m, n])))
  }

  package func cost(of operands: [TensorType], result: TensorType) -> Cost {
    let flops = extents(operands[0].shape, operands[1].shape).flops
    return Cost(flops: flops, operands: operands, result: result)
  }

  package static var samples: [Contraction] { [Contraction()] }

  package static func named(
    _ name: String, _ attributes: Attributes, type: TensorType
  ) throws(GraphError) -> Contraction? {
    guard name == "contract" else { return nil }
    return Contraction(
      transposeLeft: attributes["transposeLeft"] == .word("true"),
      transposeRight: attributes["transposeRight"] == .word("true"),
      chunk: attributes["chunk"] == nil ? defaultChunk : try attributes.integer("chunk"))
  }
}
