import DescentGraph
import Testing

/// Normalisations against their definitions in double precision.
@Suite struct NormalizationTests {
  /// Numbers whose mean is far greater than their spread: a mean rounded to `f32` is off by a good part of it.
  private static func examples(count: Int, channels: Int) -> NDArray {
    var state: UInt64 = 7
    var elements: [Float] = []
    for _ in 0..<count {
      for channel in 0..<channels {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        let uniform = Float(state >> 40) / Float(1 << 24) - 0.5
        elements.append(Float(1000 * (channel + 1)) / 3 + uniform)
      }
    }
    return NDArray(elements, dimensions: [count, channels])
  }

  @Test func batchNormIsOffByNoMeansRounding() throws {
    let (count, channels) = (1000, 3)
    let x = Self.examples(count: count, channels: channels)
    let found = try evaluate([x]) { batchNorm($0[0]).output }.floats
    let mean = try evaluate([x]) { batchNorm($0[0]).mean }.floats
    let variance = try evaluate([x]) { batchNorm($0[0]).variance }.floats
    for channel in 0..<channels {
      let column = (0..<count).map { Double(x.floats[$0 * channels + channel]) }
      let exactMean = column.reduce(0, +) / Double(count)
      let exactVariance =
        column.map { ($0 - exactMean) * ($0 - exactMean) }.reduce(0, +) / Double(count)
      let deviation = (exactVariance + 1e-5).squareRoot()
      #expect(abs(Double(mean[channel]) - exactMean) <= exactMean * 1.2e-7)
      #expect(abs(Double(variance[channel]) - exactVariance) <= exactVariance * 1e-6)
      for row in 0..<count {
        let error = abs(
          Double(found[row * channels + channel]) - (column[row] - exactMean) / deviation)
        #expect(error <= 1e-6, "row \(row), channel \(channel)")
      }
    }
  }

  /// Their mean is off by several units, and their squares are summed to less than the square of what is left.
  @Test func batchNormOfManyEqualNumbersIsFinite() throws {
    let count = 777_777
    let x = NDArray([Float](repeating: 1.4109588e10, count: count), dimensions: [count, 1])
    let found = try evaluate([x]) { inputs in
      let x = inputs[0]
      let result = batchNorm(x)
      let centred = x - mean(x, axes: [0], keepingAxes: true)
      let left = mean(centred, axes: [0], keepingAxes: true)
      let spread = mean(centred * centred, axes: [0], keepingAxes: true) - left * left
      return concatenate([result.output, result.variance.reshape([1, 1]), spread], axis: 0)
    }.floats
    #expect(found[..<count].allSatisfy { $0.isFinite })
    #expect(found[count] == 0)
    #expect(found[count + 1] < -1, "another number is needed, whose spread falls below 0")
  }
}
