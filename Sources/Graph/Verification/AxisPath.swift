/// Which axes of a value that is read come from which axes of the reader.
struct AxisPath {
  /// For each axis of the value reached so far, the reader's axis counted without those of extent 1; nil for
  /// an axis of extent 1.
  private var axes: [Int?] = []
  private var shape: Shape
  private var isBroken = false

  init(_ shape: Shape) {
    self.shape = shape
    var next = 0
    for extent in shape.extents {
      axes.append(extent == 1 ? nil : next)
      if extent != 1 { next += 1 }
    }
  }

  /// Goes on to a movement's operand.
  mutating func follow(_ movement: Movement, to operand: Shape) {
    let extents = operand.extents
    switch movement {
    case .broadcast:
      let missing = shape.rank - operand.rank
      axes = extents.indices.map { extents[$0] == 1 ? nil : axes[$0 + missing] }
    case .transpose(let permutation):
      var moved = axes
      for (position, axis) in permutation.enumerated() { moved[axis] = axes[position] }
      axes = moved
    case .reshape:
      if shape.squeezed != operand.squeezed { isBroken = true }
      var kept = zip(shape.extents, axes).filter { $0.0 != 1 }.map(\.1).makeIterator()
      axes = extents.map { $0 == 1 ? nil : kept.next() ?? nil }
    case .window(let axis, _, _, _):
      // Its element depends on two of the reader's axes.
      axes.remove(at: axis + 1)
      isBroken = true
    case .slice, .pad, .concatenate, .reverse: isBroken = true
    }
    shape = operand
  }

  /// Whether the value's axes are the reader's first ones, in order, axes of extent 1 not counted.
  var keepsLeadingAxes: Bool {
    guard !isBroken else { return false }
    return zip(shape.extents, axes).filter { $0.0 != 1 }.map(\.1).enumerated()
      .allSatisfy { $0.offset == $0.element }
  }

  /// Whether the value's axes are those of the reader, in order, but for some; axes of extent 1 not counted.
  func skips(_ axes: [Int], of reader: Shape) -> Bool {
    let long = reader.extents.indices.filter { reader[$0] != 1 }
    let kept = long.indices.filter { !axes.contains(long[$0]) }
    return !isBroken && zip(shape.extents, self.axes).filter { $0.0 != 1 }.map(\.1) == kept
  }
}
