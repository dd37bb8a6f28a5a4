package import DescentGraph

/// What the elements of a random array are like.
package enum RandomElements: Sendable {
  /// Between −2 and 2, some exactly 0, ±1 or −0.
  case ordinary
  /// As ordinary, with NaN, infinities, subnormals and extreme numbers among them.
  case special
  /// Integers from 0 up to but without a bound.
  case below(Int)
}

extension NDArray {
  /// Creates an array of random elements.
  package init(
    _ type: TensorType, _ elements: RandomElements, using random: inout SplitMix64
  ) {
    let dimensions = type.shape.dimensions
    let count = dimensions.reduce(1, *)
    func fill<T>(_ element: () -> T) -> [T] { (0..<count).map { _ in element() } }
    let storage: Storage =
      switch type.dataType {
      case .f32: .f32(fill { Float(random.real(elements)) })
      case .f64: .f64(fill { random.real(elements) })
      case .i32: .i32(fill { Int32(truncatingIfNeeded: random.integer(elements)) })
      case .i64: .i64(fill { Int64(random.integer(elements)) })
      case .u8: .u8(fill { UInt8(truncatingIfNeeded: random.integer(elements)) })
      case .bool: .bool(fill { random.chance(50) })
      }
    self.init(storage, dimensions: dimensions)
  }
}

extension SplitMix64 {
  fileprivate mutating func real(_ elements: RandomElements) -> Double {
    switch elements {
    case .below(let bound): return Double(int(0...max(bound - 1, 0)))
    case .ordinary:
      return chance(15) ? pick([0.0, -0.0, 1.0, -1.0]) : 4 * unit() - 2
    case .special:
      guard chance(25) else { return real(.ordinary) }
      return pick([
        .nan, .infinity, -.infinity, 1e-40, -1e-45, 3.4e38, -3.4e38, 1e10, 100, -100, 0.5, 2.5,
      ])
    }
  }

  fileprivate mutating func integer(_ elements: RandomElements) -> Int {
    switch elements {
    case .below(let bound): int(0...max(bound - 1, 0))
    case .ordinary: int(-5...9)
    case .special:
      chance(25) ? pick([Int(Int32.min), Int(Int32.max), Int.min, 0, 255]) : int(-9...9)
    }
  }
}
