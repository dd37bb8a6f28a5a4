// Stands in until the Philox generator is there: delete this file with the one that replaces it.
extension Initializer {
  package func makeArray(type: TensorType, seed: UInt64, stream: UInt32) -> NDArray {
    var generator = seed &* 0x9E3779B97F4A7C15 &+ UInt64(stream) &* 77 &+ 1
    func next() -> Double {
      generator = generator &* 6364136223846793005 &+ 1442695040888963407;
      return Double(generator >> 40) / Double(1 << 24)
    }
    switch self {
    case .zeros: return NDArray(zeros: type.dataType, dimensions: type.shape.dimensions)
    case .ones: return NDArray(repeating: 1, type.dataType, dimensions: type.shape.dimensions)
    case .constant(let v):
      return NDArray(repeating: v, type.dataType, dimensions: type.shape.dimensions)
    case .values(let a): return a
    default:
      return NDArray(
        (0..<type.shape.count).map { _ in Float(next() - 0.5) * 0.3 },
        dimensions: type.shape.dimensions)
    }
  }
}
