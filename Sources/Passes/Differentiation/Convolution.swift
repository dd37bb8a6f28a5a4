import DescentGraph

// A product of windows is linear in three: the operand x, the weights W, and the cotangent G with which the sum of its
// results is weighed. What belongs to one is made of the two others, whatever these are:
//
//   the result of x and W, or the gradient of G      x ∗ W
//   the gradient of W, made of x and G               each element of the windows of x times G, summed over windows
//   the gradient of x, made of W and G               every product handed back to the element it came from:
//
//   %d = pad(G ∗ W′) + …     places of the operand that are a stride apart find the same elements of their windows, W′:
//                            G under windows of these, turned round, which reach outside of it, channels and
//                            features changed over; then among the places of the others
//
// With a stride of 1 that is a single convolution. No product with the zeros between windows that lie apart is taken.
// Where the windows of x reach outside of it, nothing is handed back.

extension Convolution: Differentiable {
  package func gradient(at position: Int) -> GradientRule {
    switch (position, kernel) {
    case (0, nil): .rule { gradient(of: $0.x, weights: $0.y, $0.cotangent) }
    case (0, _): .rule { gradient(of: $0.x, weights: $0.cotangent, $0.y) }
    case (_, nil):
      .rule { $0.x.weightGradient(self, kernel: kernel($0.y.shape), $0.cotangent) }
    default: .rule { $0.x.convolved(with(kernel: nil), $0.cotangent) }
    }
  }

  /// Returns the gradient of the operand.
  private func gradient(of x: Tensor, weights: Tensor, _ cotangent: Tensor) -> Tensor {
    // Windows over zeros alone take nothing back.
    let zeros = { cotangent.builder.scalar(0, x.dataType).broadcast(to: x.shape) }
    guard !x.shape.extents.contains(0) else { return zeros() }
    let phases = (0..<spatialRank).map { axis in
      Phase.all(
        self, axis, kernel: weights.shape[axis].fixed ?? 0, extent: x.shape[axis + 1].fixed ?? 0,
        windows: cotangent.shape[axis + 1].fixed ?? 0)
    }
    let all = phases.reduce([[]]) { outer, next in
      outer.flatMap { first in next.map { first + [$0] } }
    }
    var parts = all.map { gradient(weights, cotangent, $0) }
    guard !parts.isEmpty else { return zeros() }
    for (axis, phases) in phases.enumerated().reversed() {
      parts = stride(from: 0, to: parts.count, by: phases.count).map { first in
        let among = phases.indices.map { parts[first + $0].among(phases[$0], axis: axis + 1) }
        return among.dropFirst().reduce(among[0]) { $0 + $1 }
      }
    }
    return parts[0]
  }

  /// Returns what the places of some phases are handed back.
  private func gradient(_ weights: Tensor, _ cotangent: Tensor, _ phases: [Phase]) -> Tensor {
    var (weights, cotangent) = (weights, cotangent)
    for (axis, phase) in phases.enumerated() {
      if phase.elementStride > 1 {
        weights = weights.slice(
          axis: axis, from: Extent(offset: phase.element), by: phase.elementStride)
      }
      // The outermost windows see nothing of x.
      let (first, last) = (min(phase.before, 0), min(phase.behind, 0))
      guard first < 0 || last < 0 else { continue }
      let count = (cotangent.shape[axis + 1].fixed ?? 0) + last
      cotangent = cotangent.slice(
        axis: axis + 1, from: Extent(offset: -first), to: Extent(offset: count))
    }
    let turned = Convolution(
      strides: strides.map { _ in 1 }, dilations: phases.map(\.dilation),
      low: phases.map { max($0.before, 0) }, high: phases.map { max($0.behind, 0) }, groups: groups)
    return cotangent.convolved(turned, weights.turned(groups: groups))
  }
}

extension Tensor {
  /// Returns the tensor with zeros for the places of other phases.
  fileprivate func among(_ phase: Phase, axis: Int) -> Tensor {
    guard phase.low > 0 || phase.high > 0 || phase.interior > 0 else { return self }
    let amounts = { (amount: Int) in (0..<rank).map { $0 == axis ? amount : 0 } }
    return apply(
      .movement(
        .pad(
          low: amounts(phase.low).map { Extent(offset: $0) },
          high: amounts(phase.high).map { Extent(offset: $0) }, interior: amounts(phase.interior),
          value: 0)))
  }
}

/// Places along an axis of an operand that find the same elements of windows: every so many from one on.
///
/// A window w finds element e at place i = w·stride + e·dilation − low. So places a stride apart find every
/// (stride / gcd)th element, in windows dilation / gcd apart, gcd that of stride and dilation.
private struct Phase {
  /// The first of the elements, and the distance to the next.
  let element: Int
  let elementStride: Int
  /// The distance between the windows that find neighbours of them.
  let dilation: Int
  /// How far windows of these elements reach before the cotangent, and behind it; less than 0 where not all of it is
  /// met.
  let before: Int
  let behind: Int
  /// How many places of the operand are before the first, behind the last and in between.
  let low: Int
  let high: Int
  let interior: Int

  /// Returns the phases of an axis that have places.
  static func all(
    _ convolution: Convolution, _ axis: Int, kernel: Int, extent: Int, windows: Int
  ) -> [Phase] {
    let common = gcd(convolution.strides[axis], convolution.dilations[axis])
    return (0..<min(kernel, convolution.strides[axis] / common)).compactMap {
      Phase(convolution, axis, common, $0, kernel: kernel, extent: extent, windows: windows)
    }
  }

  private init?(
    _ convolution: Convolution, _ axis: Int, _ common: Int, _ element: Int, kernel: Int,
    extent: Int, windows: Int
  ) {
    let stride = convolution.strides[axis]
    self.element = element
    elementStride = stride / common
    dilation = convolution.dilations[axis] / common
    // The phase's places are q·stride + start, and q is a window for the first of the elements.
    let start = element * convolution.dilations[axis] - convolution.low[axis]
    let reach = (kernel - 1 - element) / elementStride * dilation
    let first = start >= 0 ? 0 : (stride - 1 - start) / stride
    guard extent > start else { return nil }
    let last = min(windows - 1 + reach, (extent - 1 - start) / stride)
    guard first <= last else { return nil }
    (before, behind) = (reach - first, last - (windows - 1))
    (low, high) = (first * stride + start, extent - 1 - last * stride - start)
    interior = first == last ? 0 : stride - 1
  }

  private static func gcd(_ a: Int, _ b: Int) -> Int { b == 0 ? a : gcd(b, a % b) }
}
