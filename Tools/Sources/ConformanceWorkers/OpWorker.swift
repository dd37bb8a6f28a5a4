import Descent
public import Foundation

/// Runs single operations and their gradients as compiled plans.
public struct OpWorker: Worker {
  /// The name it says hello with.
  public static let name: String = "descent-op-worker"

  private var arrays: [String: [String: NDArray]] = [:]

  /// Creates a worker that has read no file yet.
  public init() {}

  private struct Request: Decodable {
    let kind: String
    let op: String
    let variant: String
    let args: [JSONNode]
    let kwargs: [String: JSONNode]
    let tensors: String
    let want_grad: Bool
    let cotangents: [String?]
    let wrt: [String]
    let out: String
  }

  /// Runs a call and writes its results.
  public mutating func answer(_ data: Data) throws -> [String: any Encodable] {
    let request = try JSONDecoder().decode(Request.self, from: data)
    let arrays = try arrays(request.tensors)
    let call = try OpCase(request, arrays)
    guard request.kind != "error" else {
      // Only its shapes are given: that it compiles is all there is to say.
      _ = try call.graph.compile(options: CompileOptions(threads: 1))
      return [:]
    }
    let names = call.graph.outputs.map(\.name).filter { $0 != OpCase.loss }
    var entries = try call.results(names, of: call.graph)
    if request.want_grad { entries += try call.gradients(by: request.wrt) }
    try Safetensors(entries).write(to: request.out)
    return [:]
  }

  private mutating func arrays(_ path: String) throws -> [String: NDArray] {
    if let known = arrays[path] { return known }
    let entries = try Safetensors(path: path).entries.map { ($0.name, $0.array) }
    let read = Dictionary(entries) { first, _ in first }
    arrays[path] = read
    return read
  }

  /// One request as a graph: the call's outputs, and the sum of their products with the cotangents.
  private struct OpCase {
    let graph: Graph
    private let inputs: [String: NDArray]

    static let loss = "loss"

    init(_ request: Request, _ arrays: [String: NDArray]) throws {
      let meaning = try OpTables.meaning(of: request.op, variant: request.variant)
      var failure: (any Error)?
      var inputs: [String: NDArray] = [:]
      graph = Graph(request.op) { g in
        do { inputs = try OpCase.write(request, meaning, arrays, into: g) } catch {
          failure = error
        }
      }
      if let failure {
        // What the library says of a call goes before what the table says.
        _ = try graph.validated()
        throw failure
      }
      self.inputs = inputs
    }

    /// Adds the call, its outputs and the loss, and returns the inputs they need.
    private static func write(
      _ request: Request, _ meaning: (OpCall) throws -> [Tensor], _ arrays: [String: NDArray],
      into builder: GraphBuilder
    ) throws -> [String: NDArray] {
      var reader = ArgumentReader(builder, arrays)
      var positional: [Argument] = []
      for (index, node) in request.args.enumerated() {
        positional.append(try reader.read(node, path: "args[\(index)]"))
      }
      var named: [String: Argument] = [:]
      for (name, node) in request.kwargs.sorted(by: { $0.key < $1.key }) {
        named[name] = try reader.read(node, path: "kwargs.\(name)")
      }
      var inputs = reader.inputs
      let call = OpCall(
        op: request.op, builder: builder, positional: positional, named: named)
      let results = try meaning(call)
      try call.expectNothingLeft()
      for (index, result) in results.enumerated() { builder.output("out[\(index)]", result) }
      for (path, tensor) in call.mutated.sorted(by: { $0.key < $1.key }) {
        builder.output("mut.\(path)", tensor)
      }
      var terms: [Tensor] = []
      for (result, key) in zip(results, request.cotangents) {
        guard let key, let array = arrays[key], result.dataType == .f32 else { continue }
        inputs["cot.\(key)"] = array
        let cotangent = builder.input("cot.\(key)", array.type.shape, array.dataType)
        terms.append((result * cotangent).sum())
      }
      if let first = terms.first {
        builder.output(loss, terms.dropFirst().reduce(first, +))
      }
      return inputs
    }

    /// Returns some outputs from the plan; the interpreter must agree in every bit.
    func results(_ names: [String], of graph: Graph) throws -> [Safetensors.Entry] {
      let plan = try graph.compile(outputs: names, options: CompileOptions(threads: 1))
      let session = try plan.makeSession()
      let wanted = Set(session.inputTypes.map(\.name))
      let inputs = inputs.filter { wanted.contains($0.key) }
      let results = try session.run(inputs)
      let expected = try Interpreter().run(plan.graph, inputs: inputs)
      return try names.compactMap { name in
        guard let array = results[name] else { return nil }
        guard array.hasBits(of: expected[name]) else {
          throw WorkerError.disagreement("\(name) is not what the interpreter says")
        }
        return Safetensors.Entry(name, array)
      }
    }

    /// Returns the derivatives of the loss; what it does not depend on has zeros.
    func gradients(by paths: [String]) throws -> [Safetensors.Entry] {
      let reached = paths.filter { path in
        (try? graph.gradient(of: OpCase.loss, withRespectTo: [path])) != nil
      }
      var entries: [Safetensors.Entry] = []
      if !reached.isEmpty {
        let differentiated = try graph.gradient(of: OpCase.loss, withRespectTo: reached)
        let names = reached.map { "d\(OpCase.loss)/d\($0)" }
        entries = zip(reached, try results(names, of: differentiated)).map {
          Safetensors.Entry("d.\($0)", $1.array)
        }
      }
      for path in paths where !reached.contains(path) {
        guard let array = inputs[path] else { throw WorkerError.refused("there is no \(path)") }
        entries.append(
          Safetensors.Entry(
            "d.\(path)", NDArray(zeros: array.dataType, dimensions: array.dimensions)))
      }
      return entries
    }
  }
}

extension NDArray {
  /// Whether another array has the same type and bits; any NaN is like any other.
  func hasBits(of other: NDArray?) -> Bool {
    guard let other, type == other.type else { return false }
    if self == other { return true }
    return zip(doubles, other.doubles).allSatisfy { left, right in
      left.isNaN ? right.isNaN : left == right && left.sign == right.sign
    }
  }
}
