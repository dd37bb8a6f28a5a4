/// How a map of `Winograd` computes the elements of one line from those of another: a straight line of multiply-adds.
///
/// The matrices behind the steps, from interpolation at 0, ±1, ∞ and, for tiles of 4, ±2:
///
///     tile 2   Bᵀ  1  0 −1  0    G   1   0   0    Aᵀ  1  1  1  0
///                  0  1  1  0        ½   ½   ½        0  1 −1 −1
///                  0 −1  1  0        ½  −½   ½
///                  0  1  0 −1        0   0   1
///
///     tile 4   Bᵀ  4  0 −5  0  1  0    G   ¼     0     0     Aᵀ  1  1  1  1  1  0
///                  0 −4 −4  1  1  0       −⅙    −⅙    −⅙         0  1 −1  2 −2  0
///                  0  4 −4 −1  1  0       −⅙     ⅙    −⅙         0  1  1  4  4  0
///                  0 −2 −1  2  1  0       1/24  1/12   ⅙         0  1 −1  8 −8  1
///                  0  2 −1 −2  1  0       1/24 −1/12   ⅙
///                  0  4  0 −5  0  1        0     0     1
package struct WinogradSteps: Hashable, Sendable {
  /// One value: a factor times another value, added to a third if there is one, and rounded once.
  package struct Step: Hashable, Sendable {
    package let factor: Double
    package let value: Int
    package let sum: Int?
  }

  /// The number of elements the steps begin with, which are values 0 and on.
  package private(set) var inputs: Int
  /// The steps, whose values are numbered on.
  package private(set) var steps: [Step] = []
  /// The values that are the result.
  package private(set) var results: [Int] = []

  /// Creates the steps of a map.
  package init(_ transform: Winograd.Transform, tile: Int) {
    let planes = tile + Winograd.kernel - 1
    switch transform {
    case .image: inputs = planes
    case .kernel: inputs = Winograd.kernel
    case .cotangent: inputs = tile
    case .result, .kernelGradient: inputs = planes
    }
    let elements = Array(0..<inputs)
    switch (transform, tile) {
    case (.image, 2): results = image2(elements)
    case (.kernel, 2): results = kernel2(elements)
    case (.cotangent, 2): results = cotangent2(elements)
    case (.result, 2): results = result2(elements)
    case (.kernelGradient, 2): results = kernelGradient2(elements)
    case (.image, _): results = image4(elements)
    case (.kernel, _): results = kernel4(elements)
    case (.cotangent, _): results = cotangent4(elements)
    case (.result, _): results = result4(elements)
    case (.kernelGradient, _): results = kernelGradient4(elements)
    }
  }

  /// Returns the results for elements.
  ///
  /// - Parameters:
  ///   - elements: As many as `inputs`.
  ///   - multiply: Returns a factor times a value.
  ///   - multiplyAdd: Returns a factor times a value, plus another.
  /// - Returns: The elements of the other line.
  package func evaluate<T>(
    _ elements: [T], multiply: (Double, T) -> T, multiplyAdd: (Double, T, T) -> T
  ) -> [T] {
    var values = elements
    for step in steps {
      let value = values[step.value]
      values.append(
        step.sum.map { multiplyAdd(step.factor, value, values[$0]) } ?? multiply(step.factor, value)
      )
    }
    return results.map { values[$0] }
  }
}

// MARK: - Tiles of 2

extension WinogradSteps {
  private mutating func image2(_ d: [Int]) -> [Int] {
    [difference(d[0], d[2]), sum(d[1], d[2]), difference(d[2], d[1]), difference(d[1], d[3])]
  }

  private mutating func kernel2(_ g: [Int]) -> [Int] {
    let outer = sum(g[0], g[2])
    let (plus, minus) = (sum(outer, g[1]), difference(outer, g[1]))
    return [g[0], product(0.5, plus), product(0.5, minus), g[2]]
  }

  private mutating func cotangent2(_ y: [Int]) -> [Int] {
    [y[0], sum(y[0], y[1]), difference(y[0], y[1]), product(-1, y[1])]
  }

  private mutating func result2(_ m: [Int]) -> [Int] {
    [sum(sum(m[0], m[1]), m[2]), difference(difference(m[1], m[2]), m[3])]
  }

  private mutating func kernelGradient2(_ u: [Int]) -> [Int] {
    let both = sum(u[1], u[2])
    let other = difference(u[1], u[2])
    return [added(0.5, both, u[0]), product(0.5, other), added(0.5, both, u[3])]
  }
}

// MARK: - Tiles of 4

extension WinogradSteps {
  private mutating func image4(_ d: [Int]) -> [Int] {
    let (even, odd) = (added(-4, d[2], d[4]), added(-4, d[1], d[3]))
    let (evenHalf, oddHalf) = (difference(d[4], d[2]), difference(d[3], d[1]))
    return [
      added(4, d[0], added(-5, d[2], d[4])), sum(even, odd), difference(even, odd),
      added(2, oddHalf, evenHalf), added(-2, oddHalf, evenHalf),
      added(4, d[1], added(-5, d[3], d[5])),
    ]
  }

  private mutating func kernel4(_ g: [Int]) -> [Int] {
    let (outer, wide) = (sum(g[0], g[2]), added(4, g[2], g[0]))
    let (plus, minus) = (sum(outer, g[1]), difference(outer, g[1]))
    let (widePlus, wideMinus) = (added(2, g[1], wide), added(-2, g[1], wide))
    return [
      product(0.25, g[0]), product(-1.0 / 6, plus), product(-1.0 / 6, minus),
      product(1.0 / 24, widePlus), product(1.0 / 24, wideMinus), g[2],
    ]
  }

  private mutating func cotangent4(_ y: [Int]) -> [Int] {
    let (even, odd) = (sum(y[0], y[2]), sum(y[1], y[3]))
    let (evenWide, oddWide) = (added(4, y[2], y[0]), added(4, y[3], y[1]))
    return [
      y[0], sum(even, odd), difference(even, odd), added(2, oddWide, evenWide),
      added(-2, oddWide, evenWide), y[3],
    ]
  }

  private mutating func result4(_ m: [Int]) -> [Int] {
    let (even, odd) = (sum(m[1], m[2]), difference(m[1], m[2]))
    let (evenWide, oddWide) = (sum(m[3], m[4]), difference(m[3], m[4]))
    return [
      sum(sum(m[0], even), evenWide), added(2, oddWide, odd), added(4, evenWide, even),
      sum(added(8, oddWide, odd), m[5]),
    ]
  }

  private mutating func kernelGradient4(_ u: [Int]) -> [Int] {
    let (even, odd) = (sum(u[1], u[2]), difference(u[2], u[1]))
    let (evenWide, oddWide) = (sum(u[3], u[4]), difference(u[3], u[4]))
    return [
      added(1.0 / 24, evenWide, added(-1.0 / 6, even, product(0.25, u[0]))),
      added(1.0 / 12, oddWide, product(1.0 / 6, odd)),
      added(1.0 / 6, difference(evenWide, even), u[5]),
    ]
  }
}

// MARK: - Steps

extension WinogradSteps {
  private mutating func append(_ step: Step) -> Int {
    steps.append(step)
    return inputs + steps.count - 1
  }

  private mutating func product(_ factor: Double, _ value: Int) -> Int {
    append(Step(factor: factor, value: value, sum: nil))
  }

  private mutating func added(_ factor: Double, _ value: Int, _ sum: Int) -> Int {
    append(Step(factor: factor, value: value, sum: sum))
  }

  private mutating func sum(_ value: Int, _ other: Int) -> Int { added(1, other, value) }

  private mutating func difference(_ value: Int, _ other: Int) -> Int { added(-1, other, value) }
}
