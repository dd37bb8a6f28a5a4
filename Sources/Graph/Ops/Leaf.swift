/// Values that come from outside the computation: what it is given, what it learns and what it is told.
public enum Leaf: Hashable, Sendable {
  /// Data the caller supplies at each run.
  case input(name: String, TensorType)
  /// A tensor that training changes.
  case parameter(name: String, TensorType, Initializer)
  /// Memory the plan updates but does not train: statistics, optimizer slots, counters, the learning rate.
  case state(name: String, TensorType, Initializer)
  /// Elements known when the graph is written.
  case constant(NDArray)
  /// Each element is its own index along one axis.
  case iota(TensorType, axis: Int)
  /// The product of extents as one number, which waits for the batch size.
  case size([Extent], DataType)
}

extension Leaf: OpDefinition {
  package var name: String {
    switch self {
    case .input: "input"
    case .parameter: "parameter"
    case .state: "state"
    case .constant: "constant"
    case .iota: "iota"
    case .size: "size"
    }
  }

  package var summary: String {
    switch self {
    case .input: "data the caller supplies at each run"
    case .parameter: "a tensor that training changes"
    case .state: "a tensor the plan itself updates but does not train"
    case .constant: "elements known when the graph is written"
    case .iota: "the index of each element along one axis"
    case .size: "the product of extents as one number"
    }
  }

  /// The name the user gave, for leaves that are part of a session's interface.
  package var leafName: String? {
    switch self {
    case .input(let name, _), .parameter(let name, _, _), .state(let name, _, _): name
    case .constant, .iota, .size: nil
    }
  }

  /// How the leaf's memory begins, for leaves that persist between runs.
  package var initializer: Initializer? {
    switch self {
    case .parameter(_, _, let initializer), .state(_, _, let initializer): initializer
    case .input, .constant, .iota, .size: nil
    }
  }

  /// The type the leaf was declared with.
  package var type: TensorType {
    switch self {
    case .input(_, let type), .parameter(_, let type, _), .state(_, let type, _),
      .iota(let type, _):
      type
    case .constant(let array): array.type
    case .size(_, let dataType): TensorType(dataType, .scalar)
    }
  }

  package var attributes: Attributes {
    let none = Attributes()
    switch self {
    case .input(let name, _):
      return none.with("name", .string(name))
    case .parameter(let name, _, let initializer), .state(let name, _, let initializer):
      return initializer.append(to: none.with("name", .string(name)))
    case .constant(let array):
      return none.with("value", .array(array))
    case .iota(_, let axis):
      return none.with("axis", axis)
    case .size(let extents, _):
      return none.with("extents", .extents(extents))
    }
  }

  package func resultType(of operands: [TensorType]) throws(GraphError) -> TensorType {
    try expect(0, operands)
    if case .iota(let type, let axis) = self {
      guard type.dataType != .bool else { throw GraphError("iota: needs numbers, not bool") }
      guard type.shape.extents.indices.contains(axis) else {
        throw GraphError("iota: axis \(axis) is not an axis of \(type.shape)")
      }
    }
    if case .values(let array)? = initializer, array.type != type {
      throw GraphError("\(name): the initial values are \(array.type), not \(type)")
    }
    if case .seed? = initializer, type != TensorType(.i32, [2]) {
      throw GraphError("\(name): a seed is i32[2], not \(type)")
    }
    return try checked(type)
  }

  package func cost(of operands: [TensorType], result: TensorType) -> Cost {
    Cost(flops: 0, operands: [], result: result)
  }

  package static var samples: [Leaf] {
    let type = TensorType(.f32, [2, 3])
    return [
      .input(name: "x", type), .parameter(name: "w", type, .zeros),
      .state(name: "s", type, .zeros), .constant(NDArray([1, 2] as [Float])),
      .iota(type, axis: 1), .size([.batch, 3], .f32),
    ]
  }

  package static func named(
    _ name: String, _ attributes: Attributes, type: TensorType
  ) throws(GraphError) -> Leaf? {
    switch name {
    case "input": return .input(name: try attributes.string("name"), type)
    case "parameter":
      return .parameter(name: try attributes.string("name"), type, try Initializer(attributes))
    case "state":
      return .state(name: try attributes.string("name"), type, try Initializer(attributes))
    case "constant":
      guard case .array(let array)? = attributes["value"] else {
        throw GraphError("constant: attribute value is missing or does not fill \(type)")
      }
      return .constant(array)
    case "iota": return .iota(type, axis: try attributes.integer("axis"))
    case "size": return .size(try attributes.extents("extents"), type.dataType)
    default: return nil
    }
  }
}

extension Initializer {
  /// Returns attributes followed by those that describe this initialiser.
  package func append(to attributes: Attributes) -> Attributes {
    let word = { (name: String) in attributes.with("initial", .word(name)) }
    switch self {
    case .zeros: return word("zeros")
    case .ones: return word("ones")
    case .constant(let value): return word("constant").with("value", .number(value))
    case .values(let array): return word("values").with("value", .array(array))
    case .uniform(let low, let high):
      return word("uniform").with("low", .number(low)).with("high", .number(high))
    case .normal(let mean, let deviation):
      return word("normal").with("mean", .number(mean)).with("deviation", .number(deviation))
    case .glorotUniform: return word("glorotUniform")
    case .glorotNormal: return word("glorotNormal")
    case .heUniform: return word("heUniform")
    case .heNormal: return word("heNormal")
    case .seed: return word("seed")
    }
  }

  /// Creates the initialiser that attributes describe.
  package init(_ attributes: Attributes) throws(GraphError) {
    switch try attributes.word("initial") {
    case "zeros": self = .zeros
    case "ones": self = .ones
    case "constant": self = .constant(try attributes.number("value"))
    case "values":
      guard case .array(let array)? = attributes["value"] else {
        throw GraphError("initial=values: attribute value is missing")
      }
      self = .values(array)
    case "uniform":
      self = .uniform(try attributes.number("low"), try attributes.number("high"))
    case "normal":
      self = .normal(
        mean: try attributes.number("mean"), deviation: try attributes.number("deviation"))
    case "glorotUniform": self = .glorotUniform
    case "glorotNormal": self = .glorotNormal
    case "heUniform": self = .heUniform
    case "heNormal": self = .heNormal
    case "seed": self = .seed
    case let other: throw GraphError("initial=\(other) is not an initialiser")
    }
  }
}
