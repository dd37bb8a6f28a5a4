import DescentGraph
import Foundation
import Testing

/// Functions that grow everywhere, but for roundings.
///
/// An expansion rounds more than once, so its result may fall by some units in the last place where x grows. The bounds
/// were found by a sweep over all finite arguments outside of this test. It walks through some of them; with
/// `DESCENT_EXHAUSTIVE=1` through all, which takes more than seven minutes in release mode.
@Suite struct MonotonicityTests {
  static let isExhaustive = ProcessInfo.processInfo.environment["DESCENT_EXHAUSTIVE"] != nil

  @Test(arguments: [(UnaryFunction.exp, 1.0), (.sigmoid, 2), (.tanh, 2)])
  func aFunctionFallsByRoundingsOnly(function: UnaryFunction, bound: Double) {
    let program = Elementwise.unary(function).program(for: [.f32])
    var greatest = -Float.infinity
    var worst = (fall: 0.0, argument: Float(0))
    Self.sweep { arguments in
      let results = program.evaluate(columns: [arguments], count: arguments.count)
      for (argument, result) in zip(arguments, results) {
        let y = Float(bitPattern: UInt32(result))
        greatest = max(greatest, y)
        guard y < greatest else { continue }
        let fall = Double(greatest - y) / Double(y.magnitude.ulp)
        if fall > worst.fall { worst = (fall, Float(bitPattern: UInt32(argument))) }
      }
    }
    if Self.isExhaustive { print(function.rawValue, worst) }
    #expect(worst.fall <= bound, "\(function.rawValue)(\(worst.argument)) fell")
  }

  @Test func theHyperbolicTangentIsOdd() {
    let program = Elementwise.unary(.tanh).program(for: [.f32])
    let sign: UInt64 = 1 << 31
    var differences = 0
    Self.sweep { arguments in
      let results = program.evaluate(columns: [arguments], count: arguments.count)
      let mirrored = program.evaluate(
        columns: [arguments.map { $0 ^ sign }], count: arguments.count)
      for (result, other) in zip(results, mirrored) where result ^ sign != other {
        differences += 1
      }
    }
    #expect(differences == 0)
  }

  @Test func saturatedResultsAreExact() {
    for (function, least, below) in [(UnaryFunction.tanh, -1, 9.02), (.sigmoid, 0, 104)] {
      let program = Elementwise.unary(function).program(for: [.f32])
      func result(_ x: Float) -> Float {
        Float(bitPattern: UInt32(program.evaluate([UInt64(x.bitPattern)])))
      }
      for x in [Float(below), 200, .greatestFiniteMagnitude, .infinity] {
        #expect(result(x) == 1, "\(function.rawValue)(\(x))")
        #expect(result(-x) == Float(least), "\(function.rawValue)(\(-x))")
      }
    }
  }

  /// Calls a body with the bits of finite arguments, ascending.
  private static func sweep(_ body: ([UInt64]) -> Void) {
    let last = Int(Float.greatestFiniteMagnitude.bitPattern)
    // An odd step meets every low bit pattern.
    let step = isExhaustive ? 1 : 16_381
    for start in stride(from: -last, through: last, by: step * 4096) {
      let places = stride(from: start, through: min(start + step * 4095, last), by: step)
      body(places.map { UInt64($0 < 0 ? 1 << 31 | -$0 : $0) })
    }
  }
}
