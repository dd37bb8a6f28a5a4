import DescentGraph
import Foundation
import Testing

/// Every expansion against the C library's `Double` functions, over a sweep of all bit patterns.
///
/// `DESCENT_EXHAUSTIVE=1` makes the sweep some hundred times denser and prints what it found; it takes minutes in
/// release mode.
@Suite struct AccuracyTests {
  static let isExhaustive = ProcessInfo.processInfo.environment["DESCENT_EXHAUSTIVE"] != nil

  @Test(arguments: UnaryFunction.allCases.filter { $0.exact != nil })
  func aFunctionIsWithinItsBound(function: UnaryFunction) throws {
    let exact = try #require(function.exact)
    let bound = try #require(function.ulpBound)
    let program = Elementwise.unary(function).program(for: [.f32])
    var worst = (error: 0.0, argument: Float(0))
    // An odd step meets every low bit pattern.
    let step = Self.isExhaustive ? 97 : 262_139
    for start in stride(from: 0, through: Int(UInt32.max), by: step * 4096) {
      let patterns = stride(from: start, to: min(start + step * 4096, 1 << 32), by: step)
      let arguments = patterns.map { UInt64($0) }
      let results = program.evaluate(columns: [arguments], count: arguments.count)
      for (argument, result) in zip(arguments, results) {
        let x = Float(bitPattern: UInt32(argument))
        let y = Float(bitPattern: UInt32(result))
        guard function.range.contains(x.magnitude) || !x.isFinite else { continue }
        let error = ulps(y, exact(Double(x)))
        if error > worst.error { worst = (error, x) }
      }
    }
    if let hardest = function.hardest {
      let y = program.evaluate([UInt64(hardest.bitPattern)])
      let error = ulps(Float(bitPattern: UInt32(y)), exact(Double(hardest)))
      if error > worst.error { worst = (error, hardest) }
    }
    if Self.isExhaustive { print(function.rawValue, worst) }
    #expect(worst.error <= bound, "\(function.rawValue)(\(worst.argument)) is off")
  }

  /// Results of every size, from bases anywhere and from bases near 1, where exponents are great.
  @Test(arguments: [false, true]) func powersAreWithinTheirBound(isNearOne: Bool) throws {
    let bound = try #require(BinaryFunction.pow.ulpBound)
    let program = Elementwise.binary(.pow).program(for: [.f32, .f32])
    let count = Self.isExhaustive ? 4_000_000 : 4_000
    let words = Philox(seed: 1).words(2 * count, stream: isNearOne ? 1 : 0)
    for i in 0..<count {
      let any = Float(bitPattern: words[2 * i] & 0x7FFF_FFFF)
      let x = isNearOne ? 1 + Float(Int32(bitPattern: words[2 * i])) * 0x1p-33 : any
      let logarithm = Double(Int32(bitPattern: words[2 * i + 1])) * 0x1p-31 * 150
      let y = Float(logarithm / log2(Double(x)))
      let result = Float(
        bitPattern: UInt32(program.evaluate([UInt64(x.bitPattern), UInt64(y.bitPattern)])))
      let error = ulps(result, Foundation.pow(Double(x), Double(y)))
      #expect(error <= bound, "\(x) to the power \(y)")
    }
  }
}

/// The distance of a number from the exact value, in units of the last place of the exact value.
func ulps(_ y: Float, _ exact: Double) -> Double {
  let nearest = Float(exact)
  if y.isNaN || exact.isNaN { return y.isNaN && exact.isNaN ? 0 : .infinity }
  if y == nearest && (y.sign == nearest.sign || y != 0 || exact == 0) && !y.isFinite { return 0 }
  if !y.isFinite { return .infinity }
  let exponent = exact == 0 ? -126 : max(Int(exact.exponent), -126)
  return abs(Double(y) - exact) / Double(sign: .plus, exponent: exponent - 23, significand: 1)
}

extension UnaryFunction {
  /// The function in double precision, for those that are expanded.
  fileprivate var exact: ((Double) -> Double)? {
    switch self {
    case .exp: { Foundation.exp($0) }
    case .log: { Foundation.log($0) }
    case .sin: { Foundation.sin($0) }
    case .cos: { Foundation.cos($0) }
    case .atan: { Foundation.atan($0) }
    case .tanh: { Foundation.tanh($0) }
    case .sigmoid:
      { $0 < 0 ? Foundation.exp($0) / (1 + Foundation.exp($0)) : 1 / (1 + Foundation.exp(-$0)) }
    case .erf: { Foundation.erf($0) }
    case .neg, .abs, .sign, .sqrt, .floor, .ceil, .round, .relu, .not, .stopGradient: nil
    }
  }

  /// The argument whose result is off most, where all were tried.
  fileprivate var hardest: Float? { self == .tanh ? 0x1.feccf2p-5 : nil }

  /// The magnitudes for which the bound holds.
  fileprivate var range: ClosedRange<Float> {
    self == .sin || self == .cos ? 0...0x1p17 : 0...Float.infinity
  }
}
