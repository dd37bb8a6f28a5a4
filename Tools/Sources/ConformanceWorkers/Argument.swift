import Descent

/// One argument of a call: a tensor, or what stands beside tensors.
indirect enum Argument {
  case tensor(Tensor)
  case integer(Int)
  case number(Double)
  case flag(Bool)
  case word(String)
  case none
  case list([Argument])
  case slice(Int?, Int?, Int?)
  case ellipsis
  case dataType(DataType?)
}

/// The tensors of a call as they become inputs of its graph.
struct ArgumentReader {
  let builder: GraphBuilder
  let arrays: [String: NDArray]
  /// The arrays of the inputs by the names they have in the graph.
  private(set) var inputs: [String: NDArray] = [:]

  init(_ builder: GraphBuilder, _ arrays: [String: NDArray]) {
    self.builder = builder
    self.arrays = arrays
  }

  /// Returns an argument; a tensor is named by its path, such as `args[0]`.
  mutating func read(_ node: JSONNode, path: String) throws -> Argument {
    switch node {
    case .null: return .none
    case .flag(let value): return .flag(value)
    case .integer(let value): return .integer(value)
    case .number(let value): return .number(value)
    case .text(let value): return .word(value)
    case .list(let nodes): return .list(try elements(nodes, path))
    case .object(let members):
      if let key = members["t"]?.text {
        guard let array = arrays[key] else { throw WorkerError.refused("there is no \(key)") }
        inputs[path] = array
        return .tensor(builder.input(path, array.type.shape, array.dataType))
      }
      if let nodes = (members["list"] ?? members["tuple"])?.list {
        return .list(try elements(nodes, path))
      }
      if let bounds = members["slice"]?.list, bounds.count == 3 {
        return .slice(bounds[0].integer, bounds[1].integer, bounds[2].integer)
      }
      if let text = members["f"]?.text, let value = Double(text) { return .number(value) }
      if let name = members["dtype"]?.text {
        let dataType = DataType(numpyName: name)
        guard let shape = members["shape"]?.list else { return .dataType(dataType) }
        guard let dataType else { throw WorkerError.unsupported("element type \(name)") }
        let dimensions = shape.compactMap(\.integer)
        return .tensor(builder.input(path, Shape(dimensions), dataType))
      }
      if members["ellipsis"] != nil { return .ellipsis }
      throw WorkerError.unsupported("argument \(path)")
    }
  }

  private mutating func elements(_ nodes: [JSONNode], _ path: String) throws -> [Argument] {
    var elements: [Argument] = []
    for (index, node) in nodes.enumerated() {
      elements.append(try read(node, path: "\(path)[\(index)]"))
    }
    return elements
  }
}

extension DataType {
  /// Creates the type that NumPy gives a name, or returns nil where tensors have none such.
  init?(numpyName: String) {
    switch numpyName {
    case "float32": self = .f32
    case "float64": self = .f64
    case "int32": self = .i32
    case "int64": self = .i64
    case "uint8": self = .u8
    case "bool": self = .bool
    default: return nil
    }
  }
}
