import ConformanceWorkers
import Descent
import Foundation
import Testing

@Suite struct WorkerTests {
  private let folder = URL(filePath: NSTemporaryDirectory())
    .appending(path: "descent-workers-\(ProcessInfo.processInfo.globallyUniqueString)")

  /// Returns what a worker writes for one call of an operation with tensors `x` and, if wanted, a cotangent `c`.
  private func run(
    _ op: String, args: String, kwargs: String = "{}", kind: String = "sample",
    cotangent: Bool = false, _ tensors: [(String, NDArray)] = []
  ) throws -> Safetensors {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let (source, target) = (folder.path + "/in.safetensors", folder.path + "/out.safetensors")
    try Safetensors(tensors.map { Safetensors.Entry($0.0, $0.1) }).write(to: source)
    let request = """
      {"id": "1", "kind": "\(kind)", "op": "\(op)", "variant": "", "args": \(args), "kwargs": \(kwargs),
       "tensors": "\(source)", "want_grad": \(cotangent), "cotangents": [\(cotangent ? "\"c\"" : "")],
       "wrt": [\(cotangent ? "\"args[0]\"" : "")], "out": "\(target)"}
      """
    var worker = OpWorker()
    _ = try worker.answer(Data(request.utf8))
    return kind == "error" ? Safetensors() : try Safetensors(path: target)
  }

  private let x = """
    {"t": "x", "dtype": "float32", "shape": [3], "grad": true}
    """

  @Test func resultsAndDerivatives() throws {
    let array = NDArray([1, 2, -3] as [Float])
    let found = try run(
      "mul", args: "[\(x), 2.5]", cotangent: true, [("x", array), ("c", array)])
    #expect(found["out[0]"]?.floats == [2.5, 5, -7.5])
    #expect(found["d.args[0]"]?.floats == [2.5, 5, -7.5])
  }

  /// What an operation does not depend on differentiably has a derivative all the same: zeros.
  @Test func missingDerivativesAreZeros() throws {
    let array = NDArray([1, 2, -3] as [Float])
    let found = try run("floor", args: "[\(x)]", cotangent: true, [("x", array), ("c", array)])
    #expect(found["d.args[0]"]?.floats == [0, 0, 0])
  }

  @Test func unknownOperationsAndArgumentsAreUnsupported() {
    let array = NDArray([1, 2, -3] as [Float])
    #expect(throws: (any Error).self) { try run("frobnicate", args: "[\(x)]", [("x", array)]) }
    #expect(throws: (any Error).self) {
      try run("sum", args: "[\(x)]", kwargs: "{\"sideways\": true}", [("x", array)])
    }
  }

  @Test func illegalCallsAreRefused() throws {
    let shape = { (extents: String) in "{\"dtype\": \"float32\", \"shape\": \(extents)}" }
    #expect(throws: GraphErrors.self) {
      try run("matmul", args: "[\(shape("[2, 3]")), \(shape("[4, 2]"))]", kind: "error")
    }
    _ = try run("matmul", args: "[\(shape("[2, 3]")), \(shape("[3, 2]"))]", kind: "error")
  }
}
