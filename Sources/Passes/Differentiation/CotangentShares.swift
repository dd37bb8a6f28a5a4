import DescentGraph

/// What the users of one value hand back to it, as it is collected.
///
/// **Order.** Shares add in the order in which they come. Two kinds wait until all are there, are joined, and are added
/// behind the others:
/// - *Slices put back among zeros*, of one axis, that do not overlap. Zeros would be added to zeros once for each,
///   which for a tensor that is taken apart step by step is work in the square of the steps. They are laid side by
///   side.
/// - *Products that sum over few rows*, as there are for a matrix that meets each step of a recurrence. Writing and
///   reading the sum again for each would take longer than the product. Their rows are put one behind the other, in the
///   order of the users in the graph, and become one product.
struct CotangentShares {
  private var sum: Tensor?
  private var slices: [PaddedSlice] = []
  private var products: [RowProduct] = []

  /// Creates what there is before anything is handed back, or of a first share.
  init(_ sum: Tensor? = nil) { self.sum = sum }

  /// Adds a share.
  mutating func append(_ share: Tensor) {
    if let slice = PaddedSlice(share) {
      slices.append(slice)
    } else if let product = RowProduct(share) {
      products.append(product)
    } else {
      sum = sum.map { $0 + share } ?? share
    }
  }

  /// Returns the sum of all shares; nil where there are none.
  func total() -> Tensor? {
    var total = sum
    for share in joinedSlices() + joinedProducts() {
      share.enterOrigin()
      total = total.map { $0 + share } ?? share
    }
    return total
  }

  /// Returns the slices of each axis side by side; those that would overlap stand for themselves.
  private func joinedSlices() -> [Tensor] {
    var (joined, rest): ([Tensor], [PaddedSlice]) = ([], slices)
    while let axis = rest.first?.axis {
      var chosen: [PaddedSlice] = []
      for slice in rest.filter({ $0.axis == axis }).sorted(by: { $0.start < $1.start })
      where slice.start >= chosen.last?.end ?? 0 { chosen.append(slice) }
      joined.append(PaddedSlice.join(chosen))
      let values = Set(chosen.map(\.share.value))
      rest.removeAll { values.contains($0.share.value) }
    }
    return joined
  }

  private func joinedProducts() -> [Tensor] {
    products.isEmpty ? [] : [RowProduct.join(products.reversed())]
  }
}

/// A slice of one axis among zeros, as the gradient of a slice makes it.
private struct PaddedSlice {
  /// The whole, and the slice in it.
  let share: Tensor, slice: Tensor
  let axis: Int
  /// Where along the axis it begins, and where what is behind it does.
  let start: Int, end: Int

  init?(_ share: Tensor) {
    guard let node = share.node,
      case .movement(.pad(let low, let high, let interior, let fill)) = node.op,
      fill.bitPattern == 0, interior.allSatisfy({ $0 == 0 })
    else { return nil }
    let axes = low.indices.filter { low[$0] != 0 || high[$0] != 0 }
    guard axes.count == 1, let start = low[axes[0]].fixed, high[axes[0]].fixed != nil else {
      return nil
    }
    slice = Tensor(share.builder, node.operands[0])
    guard let count = slice.shape[axes[0]].fixed, count > 0 else { return nil }
    (self.share, self.axis, self.start, self.end) = (share, axes[0], start, start + count)
  }

  /// Returns slices in order side by side, with zeros where nothing is.
  static func join(_ slices: [PaddedSlice]) -> Tensor {
    let first = slices[0]
    guard slices.count > 1, let extent = first.share.shape[first.axis].fixed else {
      return first.share
    }
    first.share.enterOrigin()
    var parts: [Tensor] = []
    var end = 0
    func fill(to start: Int) {
      guard start > end else { return }
      var extents = first.share.shape.extents
      extents[first.axis] = Extent(offset: start - end)
      parts.append(first.share.number(0).broadcast(to: Shape(extents)))
    }
    for slice in slices {
      fill(to: slice.start)
      parts.append(slice.slice)
      end = slice.end
    }
    fill(to: extent)
    return concatenate(parts, axis: first.axis)
  }
}

/// A matrix that is a sum over the rows of two others, as the gradient of a product makes it.
private struct RowProduct {
  let share: Tensor
  let left: Tensor, right: Tensor

  /// Nothing but a product whose factors take less to copy than the result takes to be added to.
  init?(_ share: Tensor) {
    guard let node = share.node,
      node.op == .contraction(Contraction(transposeLeft: true, transposeRight: false))
    else { return nil }
    self.share = share
    (left, right) = (
      Tensor(share.builder, node.operands[0]), Tensor(share.builder, node.operands[1])
    )
    guard left.rank == 2, let rows = left.shape[0].fixed, let m = left.shape[1].fixed,
      let n = right.shape[1].fixed
    else { return nil }
    let (factors, overflow) = rows.multipliedReportingOverflow(by: m + n)
    guard !overflow, factors < m * n else { return nil }
  }

  /// Returns the sum of products as one product.
  static func join(_ products: [RowProduct]) -> Tensor {
    let first = products[0]
    guard products.count > 1 else { return first.share }
    first.share.enterOrigin()
    return concatenate(products.map(\.left), axis: 0).apply(
      .contraction(Contraction(transposeLeft: true)),
      concatenate(products.map(\.right), axis: 0))
  }
}

extension Tensor {
  /// The node that computes the tensor; nil for a placeholder.
  fileprivate var node: Node? { value.map { builder.nodes[Int($0.index)] } }

  /// Gives the nodes that follow the origin of this tensor's.
  fileprivate func enterOrigin() {
    if let node { builder.origin = node.origin }
  }
}
