import DescentGraph

/// How elements of a lane type meet; lanes are as `BlockMachine` keeps them in slots.
protocol Combination {
  associatedtype Lane
  var identity: Lane { get }
  func combine(_ x: Lane, _ y: Lane) -> Lane
}

/// Elements of `f32`.
struct FloatCombination: Combination {
  let kind: Reduction.Kind

  @inline(__always)
  var identity: Float {
    switch kind {
    case .sum, .any, .all: 0
    case .product: 1
    case .max, .argMax: -.infinity
    case .min, .argMin: .infinity
    }
  }

  @inline(__always)
  func combine(_ x: Float, _ y: Float) -> Float {
    switch kind {
    case .sum, .any, .all: x + y
    case .product: x * y
    case .max, .argMax: x.isNaN ? x : (x > y ? x : y)
    case .min, .argMin: x.isNaN ? x : (x < y ? x : y)
    }
  }
}

/// Elements of an integer type, or truth values as 0 and −1.
struct IntegerCombination<Lane: FixedWidthInteger>: Combination {
  let kind: Reduction.Kind
  /// The bits a result keeps: all, or those of a byte.
  let mask: Lane
  let least: Lane
  let greatest: Lane

  @inline(__always)
  var identity: Lane {
    switch kind {
    case .sum, .any: 0
    case .all: -1
    case .product: 1
    case .max, .argMax: least
    case .min, .argMin: greatest
    }
  }

  @inline(__always)
  func combine(_ x: Lane, _ y: Lane) -> Lane {
    switch kind {
    case .sum: (x &+ y) & mask
    case .product: (x &* y) & mask
    case .any: x | y
    case .all: x & y
    case .max, .argMax: x > y ? x : y
    case .min, .argMin: x < y ? x : y
    }
  }
}

extension Combination {
  /// Combines values as a tree: value i with value i + s, s the greatest power of two below the count.
  @inline(__always)
  func tree(_ values: UnsafeMutablePointer<Lane>, _ count: Int) {
    var count = count
    while count > 1 {
      let half = 1 << (Int.bitWidth - 1 - (count - 1).leadingZeroBitCount)
      for index in 0..<count - half {
        values[index] = combine(values[index], values[index + half])
      }
      count = half
    }
  }
}

/// A piece of work that is written once for all lane types.
protocol CombinationBody {
  func run<C: Combination>(_ combination: C)
}

extension CombinationBody {
  /// Runs the work for elements of a type.
  func run(_ kind: Reduction.Kind, _ dataType: DataType) {
    switch dataType {
    case .f32: run(FloatCombination(kind: kind))
    case .i64: run(IntegerCombination<Int64>(kind: kind, mask: -1, least: .min, greatest: .max))
    case .u8: run(IntegerCombination<Int32>(kind: kind, mask: 0xff, least: 0, greatest: 0xff))
    case .i32, .bool:
      run(IntegerCombination<Int32>(kind: kind, mask: -1, least: .min, greatest: .max))
    case .f64: preconditionFailure("f64 is not compiled")
    }
  }
}
