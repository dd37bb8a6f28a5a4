import DescentGraph
import Foundation
import Testing

/// Composites of single elements against the C library's functions in double precision.
@Suite struct ElementwiseCompositeTests {
  struct Function: Sendable, CustomTestStringConvertible {
    let name: String
    let range: ClosedRange<Double>
    let function: @Sendable (Tensor) -> Tensor
    let exact: @Sendable (Double) -> Double
    var testDescription: String { name }
  }

  private static func function(
    _ name: String, _ range: ClosedRange<Double>,
    _ function: @escaping @Sendable (Tensor) -> Tensor,
    _ exact: @escaping @Sendable (Double) -> Double
  ) -> Function {
    Function(name: name, range: range, function: function, exact: exact)
  }

  /// Functions that keep their relative accuracy over the whole range, also near 0.
  static let functions: [Function] = [
    function("expm1", -20...20, { expm1($0) }, { Foundation.expm1($0) }),
    function("log1p", -0.99...1e6, { log1p($0) }, { Foundation.log1p($0) }),
    function("exp2", -100...100, { exp2($0) }, { Foundation.exp2($0) }),
    function("log2", 1e-3...0.9, { log2($0) }, { Foundation.log2($0) }),
    function("log10", 1.2...1e6, { log10($0) }, { Foundation.log10($0) }),
    function("tan", -1.5...1.5, { tan($0) }, { Foundation.tan($0) }),
    function("asin", -1...1, { asin($0) }, { Foundation.asin($0) }),
    function("acos", -1...0.999, { acos($0) }, { Foundation.acos($0) }),
    function("atan", -1e4...1e4, { atan($0) }, { Foundation.atan($0) }),
    function("sinh", -89...89, { sinh($0) }, { Foundation.sinh($0) }),
    function("cosh", -89...89, { cosh($0) }, { Foundation.cosh($0) }),
    function("asinh", -1e30...1e30, { asinh($0) }, { Foundation.asinh($0) }),
    function("acosh", 1.01...1e30, { acosh($0) }, { Foundation.acosh($0) }),
    function("atanh", -0.99...0.99, { atanh($0) }, { Foundation.atanh($0) }),
    function("softplus", -80...80, { softplus($0) }, { Foundation.log1p(Foundation.exp($0)) }),
    function("elu", -20...20, { elu($0) }, { $0 > 0 ? $0 : Foundation.expm1($0) }),
    function("mish", -20...20, { mish($0) }) {
      $0 * Foundation.tanh(Foundation.log1p(Foundation.exp($0)))
    },
    function("rsqrt", 1e-10...1e10, { rsqrt($0) }, { 1 / $0.squareRoot() }),
  ]

  @Test(arguments: functions) func relativeErrorsAreSmall(_ test: Function) throws {
    var points: [Float] = []
    let (low, high) = (test.range.lowerBound, test.range.upperBound)
    for step in 0...400 { points.append(Float(low + (high - low) * Double(step) / 400)) }
    // Small numbers of both signs, where careless formulas lose everything.
    for exponent in 0...20 {
      for sign in [1.0, -1] {
        let x = Float(sign * 0.7 * Foundation.pow(0.5, Double(exponent)))
        if test.range.contains(Double(x)) { points.append(x) }
      }
    }
    points = points.filter { test.range.contains(Double($0)) }
    let found = try evaluate(points, test.function)
    for (x, y) in zip(points, found) {
      let exact = test.exact(Double(x))
      #expect(
        Swift.abs(Double(y) - exact) <= 2e-6 * Swift.abs(exact) + 1e-38,
        "\(test.name)(\(x)) = \(y), not \(exact)")
    }
  }

  @Test func infinitiesAndZeros() throws {
    let points: [Float] = [.infinity, -.infinity, 0]
    #expect(try evaluate(points) { log1p($0) }.first == .infinity)
    #expect(try evaluate(points) { expm1($0) } == [.infinity, -1, 0])
    #expect(try evaluate(points) { softplus($0) } == [.infinity, 0, Float(Foundation.log(2.0))])
    #expect(try evaluate(points) { elu($0) } == [.infinity, -1, 0])
    #expect(try evaluate(points) { sinh($0) } == [.infinity, -.infinity, 0])
    #expect(try evaluate([-1]) { log1p($0) } == [-.infinity])
    #expect(try evaluate([.nan]) { elu($0) }[0].isNaN)
    #expect(try evaluate([.nan]) { clamp($0, 0, 1) }[0].isNaN)
    #expect(try evaluate([-3, 0.5, 3]) { clamp($0, 2, 1) } == [1, 1, 1])
  }

  @Test func atan2InAllQuadrants() throws {
    let places: [Float] = [0, -0.0, 1, -1, 0.25, -3]
    for y in places {
      let found = try evaluate([NDArray([Float](repeating: y, count: 6)), NDArray(places)]) {
        atan2($0[0], $0[1])
      }.floats
      for (x, angle) in zip(places, found) {
        let exact = Foundation.atan2(Double(y), Double(x))
        #expect(Swift.abs(Double(angle) - exact) < 1e-6, "atan2(\(y), \(x)) = \(angle)")
      }
    }
  }

  @Test func remaindersAndRounding() throws {
    #expect(try evaluate([7, -7, 7, -7]) { fmod($0, $0.number(3)) } == [1, -1, 1, -1])
    #expect(try evaluate([-1.5, 1.5, -0.5]) { trunc($0) } == [-1, 1, 0])
    #expect(try evaluate([1.25, 1.35, -0.06]) { round($0, decimals: 1) } == [1.2, 1.4, -0.1])
    #expect(try evaluate([149, 151]) { round($0, decimals: -2) } == [100, 200])
    let signs: [Float] = [0, -0.0, 2, -2]
    #expect(try evaluate(signs) { copySign($0.number(3), $0) } == [3, -3, 3, -3])
  }

  @Test func nanIsLeftOutOrReplaced() throws {
    let pair = [NDArray([.nan, 1, 2] as [Float]), NDArray([5, .nan, 1] as [Float])]
    #expect(try evaluate(pair) { fmax($0[0], $0[1]) }.floats == [5, 1, 2])
    #expect(try evaluate(pair) { fmin($0[0], $0[1]) }.floats == [5, 1, 1])
    let greatest = Float.greatestFiniteMagnitude
    #expect(
      try evaluate([.nan, .infinity, -.infinity, 2]) { nanToNumber($0) }
        == [0, greatest, -greatest, 2])
    let infinite = [NDArray([-.infinity, .infinity] as [Float])]
    #expect(try evaluate(infinite) { logAddExp($0[0], $0[0]) }.floats == [-.infinity, .infinity])
    let zeros = [NDArray([0, 0, 0] as [Float]), NDArray([0, .infinity, 3] as [Float])]
    #expect(try evaluate(zeros) { xlogy($0[0], $0[1]) }.floats == [0, 0, 0])
  }

  @Test func mistakesAreRecorded() {
    #expect(
      mistakes([[3]]) { softShrink($0[0], lambda: -1) } == [
        "softShrink: lambda is -1.0, not at least 0"
      ])
    #expect(mistakes([[3]]) { glu($0[0]) } == ["glu: axis 0 of [3] cannot be halved"])
    #expect(
      mistakes([[2, 3], [2]]) { prelu($0[0], slope: $0[1]) }
        == ["prelu: slope [2] does not fit axis 1 of [2, 3]"])
  }
}
