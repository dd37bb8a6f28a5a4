import DescentGraph
import Foundation
import Testing

@Suite struct SpecialValueTests {
  private func value(_ function: UnaryFunction, _ x: Float) -> Float {
    let program = Elementwise.unary(function).program(for: [.f32])
    return Float(bitPattern: UInt32(program.evaluate([UInt64(x.bitPattern)])))
  }

  @Test(arguments: [
    (UnaryFunction.exp, -Float.infinity, Float(0)), (.exp, .infinity, .infinity), (.exp, 0, 1),
    (.exp, -0.0, 1), (.exp, 89, .infinity), (.exp, -104, 0), (.exp, 3e38, .infinity),
    (.log, 0, -.infinity), (.log, -0.0, -.infinity), (.log, 1, 0), (.log, .infinity, .infinity),
    (.tanh, .infinity, 1), (.tanh, -.infinity, -1), (.tanh, 0, 0), (.tanh, -0.0, -0.0),
    (.tanh, 0x1p-149, 0x1p-149), (.sigmoid, .infinity, 1), (.sigmoid, -.infinity, 0),
    (.atan, -0.0, -0.0), (.atan, .infinity, 0x1.921FB6p0), (.sigmoid, 0, 0.5), (.erf, .infinity, 1),
    (.erf, -.infinity, -1), (.erf, -0.0, -0.0),
    (.sin, 0, 0), (.sin, -0.0, -0.0), (.cos, 0, 1), (.sin, 0x1p-149, 0x1p-149),
  ])
  func exactResults(function: UnaryFunction, x: Float, y: Float) {
    #expect(value(function, x).bitPattern == y.bitPattern)
  }

  @Test(arguments: UnaryFunction.allCases.filter { $0.domain == .floats })
  func notANumberStaysOne(function: UnaryFunction) {
    #expect(value(function, .nan).isNaN)
    #expect(value(function, -.nan).isNaN)
  }

  @Test func undefinedResults() {
    #expect(value(.log, -1).isNaN)
    #expect(value(.log, -.infinity).isNaN)
    for function in [UnaryFunction.sin, .cos] {
      #expect(value(function, .infinity).isNaN)
      #expect(value(function, -.infinity).isNaN)
      // Far out only the range is promised.
      for x in [Float(1e8), 3e38, -1e20] { #expect(value(function, x).magnitude <= 1) }
    }
  }

  @Test func subnormalsAreKept() {
    #expect(value(.exp, -100) == Float(Foundation.exp(-100.0)))
    #expect(value(.exp, -103.5) == 0x1p-149)
    #expect(value(.sigmoid, -100) == Float(Foundation.exp(-100.0)))
    #expect(value(.log, 0x1p-149) == Float(Foundation.log(0x1p-149)))
  }

  private let corners: [Float] = [
    0, 1, 2, 3, 0.5, 1.5, .infinity, .nan, 1e30, 1e-38, 0x1p-149, 0xFF_FFFF, 0x1p24,
  ]

  /// Zeros, infinities, NaN, negative bases: the C library follows the same standard.
  @Test func powersOfCorners() {
    let program = Elementwise.binary(.pow).program(for: [.f32, .f32])
    for x in corners + corners.map({ -$0 }) {
      for y in corners + corners.map({ -$0 }) {
        let result = Float(
          bitPattern: UInt32(
            program.evaluate([UInt64(x.bitPattern), UInt64(y.bitPattern)])))
        let exact = Foundation.pow(Double(x), Double(y))
        #expect(ulps(result, exact) <= 1, "\(x) to the power \(y)")
        #expect(exact.isNaN || result.sign == exact.sign, "\(x) to the power \(y)")
      }
    }
  }
}
