public import Descent

/// Inputs for graphs that are run without any: random numbers of the right types.
public struct RandomInputs {
  private var state: UInt64

  /// Creates the source of a seed; the same seed gives the same inputs everywhere.
  public init(seed: UInt64) { state = seed }

  /// Returns an array for each input of a bound graph that is not in a list.
  public mutating func fill(_ graph: Graph, except given: Set<String> = []) -> [String: NDArray] {
    var inputs: [String: NDArray] = [:]
    for value in graph.values {
      guard case .leaf(.input(let name, let type)) = graph[value].op else { continue }
      // Drawn for given ones too, so that giving one input does not change the others.
      let array = array(type, below: graph.indexBound(of: value))
      if !given.contains(name) { inputs[name] = array }
    }
    return inputs
  }

  /// Returns floats between −1 and 1, or whole numbers below a bound.
  private mutating func array(_ type: TensorType, below bound: Int) -> NDArray {
    let dimensions = type.shape.dimensions
    let count = dimensions.reduce(1, *)
    let reals = (0..<count).map { _ in unit() }
    let integers = reals.map { Int($0 * Double(bound)) }
    let storage: NDArray.Storage =
      switch type.dataType {
      case .f32: .f32(reals.map { Float(2 * $0 - 1) })
      case .f64: .f64(reals.map { 2 * $0 - 1 })
      case .i32: .i32(integers.map { Int32($0) })
      case .i64: .i64(integers.map { Int64($0) })
      case .u8: .u8(integers.map { UInt8($0) })
      case .bool: .bool(reals.map { $0 < 0.5 })
      }
    return NDArray(storage, dimensions: dimensions)
  }

  /// Returns a number from 0 up to but without 1, by SplitMix64 (Steele, Lea and Flood, 2014).
  private mutating func unit() -> Double {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return Double((z ^ (z >> 31)) >> 11) * 0x1p-53
  }
}

extension Graph {
  /// The number below which an input's elements must stay where they serve as indices; at most 100.
  func indexBound(of input: Value) -> Int {
    var aliases: Set<Value> = [input]
    var bound = 100
    for value in values {
      let node = self[value]
      switch node.op {
      case .movement, .elementwise(.cast):
        if node.operands.contains(where: aliases.contains) { aliases.insert(value) }
      case .index(.oneHot(let depth, _)) where aliases.contains(node.operands[0]):
        bound = min(bound, depth)
      case .index(.gather(let axis)), .index(.scatterAdd(let axis)):
        guard aliases.contains(node.operands[1]) else { continue }
        bound = min(bound, self[node.operands[0]].type.shape[axis].fixed ?? bound)
      default: continue
      }
    }
    return max(bound, 1)
  }
}
