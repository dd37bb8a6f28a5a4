// The gradient of a convolution's operand: every product handed back to the element it came from.
//
//   few phases        pad(G ∗ W′) + …: places that are a stride apart find the same elements of their windows, W′; with
//                     a stride of 2, every other place finds the even elements. What they are handed back is a
//                     convolution of G with these, turned round, channels and features changed over. It is laid among
//                     the places of the others.
//   many, or windows  G·Wᵀ, the elements of each window, added up at its place: one product rather than one for each
//   that lie apart    phase
//
// With a stride of 1 there is one phase. No product is taken with the zeros between windows.

extension Tensor {
  /// Returns the gradient of a convolution's operand, this being the cotangent: numbers for each window times the
  /// weights, added to the places the window found.
  ///
  /// - Parameters:
  ///   - convolution: How windows lie, of `[batch, windows…, features]`.
  ///   - weights: `[kernel…, channels / groups, features]`.
  ///   - extents: Those of the spatial axes of the result `[batch, spatial…, channels]`.
  /// - Returns: The sums.
  package func operandGradient(
    _ convolution: Convolution, _ weights: Tensor, extents: [Int]
  ) -> Tensor {
    let channels = (weights.shape[weights.rank - 2].fixed ?? 0) * convolution.groups
    let result = Shape([shape[0]] + (extents + [channels]).map { Extent(offset: $0) })
    // Windows over zeros alone take nothing back.
    let zeros = { builder.scalar(0, dataType).broadcast(to: result) }
    guard !result.extents.contains(0), !shape.extents.contains(0) else { return zeros() }
    let kernel = convolution.kernel(weights.shape)
    guard !convolution.areApart(kernel), !convolution.hasManyPhases(kernel) else {
      return operandGradientByWindows(convolution, weights, extents: extents)
    }
    let phases = kernel.indices.map { axis in
      Phase.all(
        convolution, axis, kernel: kernel[axis], extent: extents[axis],
        windows: shape[axis + 1].fixed ?? 0)
    }
    let all = phases.reduce([[]]) { outer, next in
      outer.flatMap { first in next.map { first + [$0] } }
    }
    var parts = all.map { part(of: convolution, weights, $0) }
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
  private func part(of convolution: Convolution, _ weights: Tensor, _ phases: [Phase]) -> Tensor {
    var (weights, cotangent) = (weights, self)
    for (axis, phase) in phases.enumerated() {
      if phase.elementStride > 1 {
        weights = weights.slice(
          axis: axis, from: Extent(offset: phase.element), by: phase.elementStride)
      }
      // The outermost windows see nothing of x.
      let (first, last) = (Swift.min(phase.before, 0), Swift.min(phase.behind, 0))
      guard first < 0 || last < 0 else { continue }
      let count = (cotangent.shape[axis + 1].fixed ?? 0) + last
      cotangent = cotangent.slice(
        axis: axis + 1, from: Extent(offset: -first), to: Extent(offset: count))
    }
    let turned = Convolution(
      strides: phases.map { _ in 1 }, dilations: phases.map(\.dilation),
      low: phases.map { Swift.max($0.before, 0) }, high: phases.map { Swift.max($0.behind, 0) },
      groups: convolution.groups)
    return cotangent.convolved(turned, weights.turned(groups: convolution.groups))
  }

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

  /// Returns the elements of each window, added up at its place.
  private func operandGradientByWindows(
    _ convolution: Convolution, _ weights: Tensor, extents: [Int]
  ) -> Tensor {
    let axes = convolution.strides.indices
    let channels = (weights.shape[axes.count].fixed ?? 0) * convolution.groups
    let sides = shape.extents.dropLast() + weights.shape.extents.prefix(axes.count)
    // Each window's elements stand beside its place, axis by axis.
    var sum = windowElements(weights, groups: convolution.groups)
      .reshaped(Shape(sides + [Extent(offset: channels)]))
      .apply(
        .movement(
          .transpose(
            [0] + axes.flatMap { [$0 + 1, $0 + 1 + axes.count] } + [2 * axes.count + 1])))
    for axis in axes {
      let (low, extent) = (convolution.low[axis], extents[axis])
      let reach =
        ((shape[axis + 1].fixed ?? 0) - 1) * convolution.strides[axis]
        + ((weights.shape[axis].fixed ?? 0) - 1) * convolution.dilations[axis] + 1
      sum = sum.addingWindows(
        axis: axis + 1, to: Swift.max(low + extent, reach), stride: convolution.strides[axis],
        dilation: convolution.dilations[axis])
      guard low > 0 || reach > low + extent else { continue }
      sum = sum.slice(
        axis: axis + 1, from: Extent(offset: low), to: Extent(offset: low + extent))
    }
    return sum
  }

  /// Returns numbers for each window times transposed weights: for each place the elements of its window and, of each,
  /// the channels.
  private func windowElements(_ weights: Tensor, groups: Int) -> Tensor {
    let channels = weights.shape[weights.rank - 2]
    guard let places = Shape.product(shape.extents.dropLast()),
      let elements = Shape.product(weights.shape.extents.dropLast(2)),
      let rows = Shape.product([elements, channels]),
      let columns = Shape.product([rows, Extent(offset: groups)]),
      let features = weights.shape[weights.rank - 1].fixed
    else { return failure("the elements of \(shape) and \(weights.shape) cannot be counted") }
    guard groups > 1 else {
      let matrix = weights.reshaped(Shape([rows, Extent(offset: features)]))
      return apply(.contraction(Contraction(transposeRight: true)), matrix)
    }
    // Products in groups are those of windows of one element.
    let parts = [groups, features / groups].map { Extent(offset: $0) }
    let ones = [Int](repeating: 1, count: weights.rank - 2)
    let turned = weights.reshaped(Shape([elements, channels] + parts)).transpose([3, 2, 0, 1])
      .reshaped(Shape(ones.map { Extent(offset: $0) } + [parts[1], columns]))
    let convolution = Convolution(strides: ones, dilations: ones, groups: groups)
    return apply(.convolution(convolution), turned)
      .reshaped(Shape([places, parts[0], elements, channels])).transpose([0, 2, 1, 3])
  }
}

extension Convolution {
  /// The most phases for each of which there is a convolution.
  private static let mostPhases = 16

  /// Whether windows lie apart, so that none finds what another does.
  fileprivate func areApart(_ kernel: [Int]) -> Bool {
    groups == 1 && strides.contains { $0 > 1 }
      && kernel.indices.allSatisfy { axis in
        kernel[axis] == 1 || dilations[axis] == 1 && kernel[axis] <= strides[axis]
      }
  }

  fileprivate func hasManyPhases(_ kernel: [Int]) -> Bool {
    var count = 1
    for axis in kernel.indices {
      count *= Phase.elements(self, axis, kernel: kernel[axis]).count
      if count > Convolution.mostPhases { return true }
    }
    return false
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
    elements(convolution, axis, kernel: kernel).compactMap {
      Phase(convolution, axis, $0, kernel: kernel, extent: extent, windows: windows)
    }
  }

  /// The first elements of all phases of an axis.
  static func elements(_ convolution: Convolution, _ axis: Int, kernel: Int) -> Range<Int> {
    0..<Swift.min(kernel, convolution.strides[axis] / common(convolution, axis))
  }

  private init?(
    _ convolution: Convolution, _ axis: Int, _ element: Int, kernel: Int, extent: Int, windows: Int
  ) {
    let (stride, common) = (convolution.strides[axis], Phase.common(convolution, axis))
    self.element = element
    elementStride = stride / common
    dilation = convolution.dilations[axis] / common
    // The phase's places are q·stride + start, and q is a window for the first of the elements.
    let start = element * convolution.dilations[axis] - convolution.low[axis]
    let reach = (kernel - 1 - element) / elementStride * dilation
    let first = start >= 0 ? 0 : (stride - 1 - start) / stride
    guard extent > start else { return nil }
    let last = Swift.min(windows - 1 + reach, (extent - 1 - start) / stride)
    guard first <= last else { return nil }
    (before, behind) = (reach - first, last - (windows - 1))
    (low, high) = (first * stride + start, extent - 1 - last * stride - start)
    interior = first == last ? 0 : stride - 1
  }

  /// The greatest common divisor of stride and dilation.
  private static func common(_ convolution: Convolution, _ axis: Int) -> Int {
    var (a, b) = (convolution.strides[axis], convolution.dilations[axis])
    while b > 0 { (a, b) = (b, a % b) }
    return a
  }
}

extension Shape {
  /// The shape of the weights of the convolution that takes features back to channels; their own where they make no
  /// such groups.
  func turned(groups: Int) -> Shape {
    guard rank > 2, groups >= 1, let features = self[rank - 1].fixed,
      let channels = self[rank - 2].fixed, features % groups == 0
    else { return self }
    let (product, overflow) = channels.multipliedReportingOverflow(by: groups)
    guard !overflow else { return self }
    let sides = [features / groups, product].map { Extent(offset: $0) }
    return Shape(Array(extents.dropLast(2)) + sides)
  }
}
