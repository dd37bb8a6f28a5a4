import DescentGraph
import Testing

/// Returns what an expression of `f32` inputs gives, by the interpreter.
func evaluate(_ inputs: [NDArray], _ body: ([Tensor]) -> Tensor) throws -> NDArray {
  let graph = Graph("expression") { g in
    let tensors = inputs.enumerated().map { g.input("x\($0)", $1.type.shape, $1.dataType) }
    g.output("y", body(tensors))
  }
  var named: [String: NDArray] = [:]
  for value in graph.values {
    guard case .leaf(.input(let name, _)) = graph[value].op else { continue }
    named[name] = inputs[Int(String(name.dropFirst())) ?? 0]
  }
  return try #require(try Interpreter().run(graph, inputs: named)["y"])
}

/// Returns what an expression of one vector gives, by the interpreter.
func evaluate(_ elements: [Float], _ body: (Tensor) -> Tensor) throws -> [Float] {
  try evaluate([NDArray(elements)]) { body($0[0]) }.floats
}

/// Returns what is wrong with an expression of inputs of given shapes.
func mistakes(_ shapes: [Shape], _ body: ([Tensor]) -> Tensor) -> [String] {
  let graph = Graph("mistakes") { g in
    g.output("y", body(shapes.enumerated().map { g.input("x\($0)", $1) }))
  }
  return graph.errors.map(\.message)
}

/// Returns the numbers from 0 on in an array of some dimensions.
func counting(_ dimensions: [Int]) -> NDArray {
  NDArray((0..<dimensions.reduce(1, *)).map { Float($0) }, dimensions: dimensions)
}
