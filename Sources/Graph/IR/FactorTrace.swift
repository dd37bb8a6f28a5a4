/// How the axes of a contraction's factor move through memory, while movement between the two is followed.
///
/// Every axis of the value reached so far is a sum of the factor's axes, each times a number. A reshape may cut axes of
/// the factor into several; so a trace knows them by numbers that stay.
struct FactorTrace {
  /// A sum of axes of the factor.
  private struct Place {
    var offset = 0
    var terms: [(axis: Int, coefficient: Int)] = []
  }

  /// The extents of the factor's axes, cut as far as was needed.
  private var extents: [Int]
  /// The numbers of the axes of batch, of what is kept and what is summed, outermost first.
  private var roles: [[Int]]
  /// Where in the value reached so far an element is.
  private var places: [Place]
  private var shape: [Int]

  /// Begins at a factor, each of whose axes is in the batch, kept or summed.
  init(_ shape: [Int], batch: [Int], kept: [Int], summed: [Int]) {
    self.shape = shape
    extents = shape
    roles = [batch, kept, summed]
    places = shape.indices.map { Place(terms: [($0, 1)]) }
  }

  /// Goes on to the operand of a movement; returns false where there is no such way.
  mutating func follow(_ movement: Movement, to operand: Shape) -> Bool {
    let target = operand.dimensions
    switch movement {
    case .broadcast:
      let missing = shape.count - target.count
      places = target.indices.map { target[$0] == 1 ? Place() : places[$0 + missing] }
    case .transpose(let permutation):
      var moved = places
      for (position, axis) in permutation.enumerated() { moved[axis] = places[position] }
      places = moved
    case .slice(let starts, _, let strides):
      for axis in places.indices {
        guard let start = starts[axis].fixed else { return false }
        scale(axis, by: strides[axis], adding: start)
      }
    case .reverse(let axes):
      for axis in axes { scale(axis, by: -1, adding: target[axis] - 1) }
    case .window(let axis, _, let stride, let dilation):
      scale(axis + 1, by: dilation, adding: 0)
      let element = places.remove(at: axis + 1)
      scale(axis, by: stride, adding: element.offset)
      places[axis].terms += element.terms
    case .reshape: guard reshape(to: target) else { return false }
    case .pad, .concatenate: return false
    }
    shape = target
    return true
  }

  /// Divides an axis of the factor, along which nothing was followed yet, into equal parts; which part it is becomes an
  /// axis of the batch.
  mutating func divide(_ axis: Int, into parts: Int) {
    guard parts > 1 else { return }
    let inner = extents.count
    extents.append(extents[axis] / parts)
    extents[axis] = parts
    places[axis].terms = [(axis, extents[inner]), (inner, 1)]
    for role in roles.indices {
      guard let position = roles[role].firstIndex(of: axis) else { continue }
      roles[role][position] = inner
    }
    roles[0].append(axis)
  }

  /// Lays windows over the second axis and those after it, as many as there are windows.
  ///
  /// Each becomes a place and an element of the window, one of which is kept and the other summed over: places after
  /// the axes that were, elements before them.
  mutating func layWindows(
    _ windows: [(count: Int, size: Int, stride: Int, dilation: Int, start: Int)], keepsPlaces: Bool
  ) {
    var (counted, elements): ([Int], [Int]) = ([], [])
    for (position, window) in windows.enumerated() {
      counted.append(extents.count)
      elements.append(extents.count + 1)
      extents += [window.count, window.size]
      places[position + 1].offset = window.start
      places[position + 1].terms = [
        (counted[position], window.stride), (elements[position], window.dilation),
      ].filter { extents[$0.0] != 1 }
    }
    let (outer, inner) = keepsPlaces ? (1, 2) : (2, 1)
    roles[outer] += counted
    roles[inner] = elements + roles[inner]
  }

  private mutating func scale(_ axis: Int, by factor: Int, adding offset: Int) {
    places[axis].offset = places[axis].offset * factor + offset
    // Along an axis of extent 1 a step may be of any size; it is never taken.
    places[axis].terms = places[axis].terms.filter { extents[$0.axis] != 1 }
      .map { ($0.axis, $0.coefficient * factor) }
  }

  /// The layout, if the value reached lies in memory row by row.
  var layout: FactorLayout {
    var strides = [Int](repeating: 0, count: extents.count)
    var offset = 0
    for (place, stride) in zip(places, Shape(shape).strides) {
      offset += place.offset * stride
      for term in place.terms { strides[term.axis] += term.coefficient * stride }
    }
    let merged = roles.map { axes in
      var result: [FactorLayout.Axis] = []
      for axis in axes where extents[axis] != 1 {
        let next = FactorLayout.Axis(extent: extents[axis], stride: strides[axis])
        if let last = result.last, last.stride == next.extent * next.stride {
          result[result.count - 1] = .init(extent: last.extent * next.extent, stride: next.stride)
        } else {
          result.append(next)
        }
      }
      return result
    }
    return FactorLayout(offset: offset, batch: merged[0], kept: merged[1], summed: merged[2])
  }
}

// MARK: - Reshapes

extension FactorTrace {
  /// Goes on to a value of other extents: where runs of axes have the same product, their places are numbered alike.
  private mutating func reshape(to target: [Int]) -> Bool {
    guard !shape.contains(0) else { return false }
    let (from, to) = (
      shape.indices.filter { shape[$0] != 1 }, target.indices.filter { target[$0] != 1 }
    )
    var result = target.map { _ in Place() }
    var (i, j) = (0, 0)
    while i < from.count, j < to.count {
      var (group, others) = ([from[i]], [to[j]])
      var (size, otherSize) = (shape[from[i]], target[to[j]])
      (i, j) = (i + 1, j + 1)
      while size != otherSize {
        if size < otherSize {
          guard i < from.count else { return false }
          size *= shape[from[i]]
          group.append(from[i])
          i += 1
        } else {
          guard j < to.count else { return false }
          otherSize *= target[to[j]]
          others.append(to[j])
          j += 1
        }
      }
      if group.count == 1, others.count == 1 {
        result[others[0]] = places[group[0]]
      } else {
        guard let axes = numbering(group),
          let parts = cut(axes, into: others.map { target[$0] })
        else { return false }
        for (axis, part) in zip(others, parts) { result[axis] = number(part) }
      }
    }
    places = result
    return true
  }

  /// Returns the factor's axes that number the places of some of the value's axes in order, or nothing.
  private func numbering(_ group: [Int]) -> [Int]? {
    var all: [Int] = []
    for axis in group {
      let terms = places[axis].terms.filter { extents[$0.axis] != 1 }
        .sorted { $0.coefficient > $1.coefficient }
      var step = 1
      for term in terms.reversed() {
        guard term.coefficient == step else { return nil }
        step *= extents[term.axis]
      }
      guard step == shape[axis], places[axis].offset == 0 else { return nil }
      all += terms.map(\.axis)
    }
    return all
  }

  /// The place that axes number in row-major order.
  private func number(_ axes: [Int]) -> Place {
    var place = Place()
    var step = 1
    for axis in axes.reversed() {
      place.terms.insert((axis, step), at: 0)
      step *= extents[axis]
    }
    return place
  }

  /// Divides axes of the factor among targets, cutting one in two where a target begins within it.
  private mutating func cut(_ axes: [Int], into targets: [Int]) -> [[Int]]? {
    var axes = axes
    var parts: [[Int]] = []
    for extent in targets.reversed() {
      var part: [Int] = []
      var remaining = extent
      while remaining > 1 {
        guard let axis = axes.popLast() else { return nil }
        if remaining % extents[axis] == 0 {
          remaining /= extents[axis]
          part.insert(axis, at: 0)
        } else if extents[axis] % remaining == 0 {
          part.insert(split(axis, inner: remaining), at: 0)
          axes.append(axis)
          remaining = 1
        } else {
          return nil
        }
      }
      parts.insert(part, at: 0)
    }
    return parts
  }

  /// Cuts an axis of the factor in two: its number stays that of the outer part.
  ///
  /// - Returns: The number of the inner part.
  private mutating func split(_ axis: Int, inner: Int) -> Int {
    let number = extents.count
    extents[axis] /= inner
    extents.append(inner)
    for role in roles.indices {
      guard let position = roles[role].firstIndex(of: axis) else { continue }
      roles[role].insert(number, at: position + 1)
    }
    return number
  }
}
