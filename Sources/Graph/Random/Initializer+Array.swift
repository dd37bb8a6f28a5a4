extension Initializer {
  /// Returns the elements a parameter or state begins with.
  ///
  /// A random element is a function of seed, stream and position alone. It is drawn in `f32` and converted,
  /// so that a widened graph begins with the same numbers.
  ///
  /// - Precondition: The type is bound.
  package func makeArray(
    type: TensorType, seed: UInt64, stream: UInt32,
    evaluator: RandomNumbers.Evaluator = RandomNumbers.reference
  ) -> NDArray {
    let count = type.shape.count
    let (fanIn, fanOut) = Self.fans(type.shape)
    func normal(_ mean: Double, _ deviation: Double) -> [Float] {
      RandomNumbers.normal(count, seed: seed, stream: stream, evaluator: evaluator).map {
        Float(mean).addingProduct($0, Float(deviation))
      }
    }
    func uniform(_ low: Double, _ high: Double) -> [Float] {
      let (low, high) = (Float(low), Float(high))
      return RandomNumbers.uniform(count, seed: seed, stream: stream).map {
        low.addingProduct($0, high - low)
      }
    }
    func uniform(deviation: Double) -> [Float] {
      let limit = deviation * 3.0.squareRoot()
      return uniform(-limit, limit)
    }
    let glorot = (2 / (fanIn + fanOut)).squareRoot()
    let he = (2 / fanIn).squareRoot()
    let elements: [Float]
    switch self {
    case .zeros: return Self.constant(0).makeArray(type: type, seed: seed, stream: stream)
    case .ones: return Self.constant(1).makeArray(type: type, seed: seed, stream: stream)
    case .constant(let value):
      let bits = type.dataType.bits(of: value)
      return NDArray(bits: [UInt64](repeating: bits, count: count), type: type)
    case .values(let array): return array
    case .seed:
      let bits = (0..<count).map { (seed >> (32 * UInt64($0 % 2))) & 0xFFFF_FFFF }
      return NDArray(bits: bits, type: type)
    case .uniform(let low, let high): elements = uniform(low, high)
    case .normal(let mean, let deviation): elements = normal(mean, deviation)
    case .glorotUniform: elements = uniform(deviation: glorot)
    case .glorotNormal: elements = normal(0, glorot)
    case .heUniform: elements = uniform(deviation: he)
    case .heNormal: elements = normal(0, he)
    }
    if type.dataType == .f32 { return NDArray(elements, dimensions: type.shape.dimensions) }
    return NDArray(bits: elements.map { type.dataType.bits(of: Double($0)) }, type: type)
  }

  /// Returns how many elements each result is made of, and how many results each element goes into.
  ///
  /// The last axis of a matrix counts the results; a vector counts as both, a number as one.
  package static func fans(_ shape: Shape) -> (fanIn: Double, fanOut: Double) {
    let dimensions = shape.dimensions.map { Double($0) }
    guard let last = dimensions.last else { return (1, 1) }
    return dimensions.count == 1 ? (last, last) : (dimensions.dropLast().reduce(1, *), last)
  }

  /// Returns the random stream of a leaf: the FNV-1a hash of its name.
  ///
  /// The name, unlike a position, stays the same when passes remove or reorder leaves.
  package static func stream(for name: String) -> UInt32 {
    name.utf8.reduce(2_166_136_261) { ($0 ^ UInt32($1)) &* 16_777_619 }
  }
}

extension Graph {
  /// Returns what a fresh session remembers: every parameter and state as its initialiser says.
  ///
  /// - Precondition: The graph is bound.
  public func initialState(seed: UInt64) -> State {
    let entries = persistentLeaves.compactMap { leaf -> State.Entry? in
      guard let name = leaf.leafName, let initializer = leaf.initializer else { return nil }
      return State.Entry(
        name,
        initializer.makeArray(
          type: leaf.type, seed: seed, stream: Initializer.stream(for: name)))
    }
    return State(entries, seed: seed)
  }
}
