import DescentGraph

/// Where a kernel finds an element: an affine function of its place in the kernel's domain.
///
/// The address, counted in elements, is `offset + Σ strides[d]·j[d]`. Where no guard names axis d, j[d] is the
/// place itself; a guard maps the place to (place − low) / step and says where that exists.
package struct Access: Hashable, Sendable, Codable {
  /// The address of the domain's first place.
  package var offset: Int
  /// The distance between neighbours along each axis of the domain.
  package var strides: [Int]
  /// The axes along which only some places exist; elsewhere the element reads as zero bits.
  package var guards: [Guard]

  /// Which places along one axis of the domain exist.
  package struct Guard: Hashable, Sendable, Codable {
    /// The axis of the domain.
    package var axis: Int
    /// The first place that exists.
    package var low: Int
    /// The distance between places that exist.
    package var step: Int
    /// How many exist.
    package var count: Int

    package init(axis: Int, low: Int, step: Int, count: Int) {
      self.axis = axis
      self.low = low
      self.step = step
      self.count = count
    }
  }

  /// Creates an access.
  package init(offset: Int, strides: [Int], guards: [Guard] = []) {
    self.offset = offset
    self.strides = strides
    self.guards = guards
  }

  /// Whether the elements of the domain, in order, are neighbours in memory from the very first on.
  package func isIdentity(over domain: [Int]) -> Bool {
    guard offset == 0, guards.isEmpty else { return false }
    var expected = 1
    for axis in domain.indices.reversed() {
      if domain[axis] != 1, strides[axis] != expected { return false }
      expected *= domain[axis]
    }
    return true
  }
}

/// Which element of a value a place in a kernel's domain refers to, axis by axis.
///
/// Movement nodes between a kernel and the memory it reads are composed into one map.
struct IndexMap {
  /// One axis of the value: an affine function of the guarded places.
  struct Axis {
    var offset: Int
    var coefficients: [Int]

    /// An axis along which there is only one element.
    static func none(_ rank: Int) -> Axis {
      Axis(offset: 0, coefficients: [Int](repeating: 0, count: rank))
    }
  }

  var axes: [Axis]
  var guards: [Access.Guard] = []
  let domainRank: Int

  /// Creates the map of a value that has the domain's own shape.
  init(identityOfRank rank: Int) {
    domainRank = rank
    axes = (0..<rank).map { axis in
      var coefficients = [Int](repeating: 0, count: rank)
      coefficients[axis] = 1
      return Axis(offset: 0, coefficients: coefficients)
    }
  }

  /// Returns the access for a value of a shape whose elements lie in row-major order.
  func access(dimensions: [Int]) -> Access {
    let strides = Shape(dimensions).strides
    var access = Access(offset: 0, strides: [Int](repeating: 0, count: domainRank), guards: guards)
    for (axis, stride) in zip(axes, strides) {
      access.offset += axis.offset * stride
      for d in 0..<domainRank { access.strides[d] += axis.coefficients[d] * stride }
    }
    return access
  }
}
