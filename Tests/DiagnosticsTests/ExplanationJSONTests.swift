import DescentCompiler
import DescentDiagnostics
import DescentFormats
import DescentGraph
import DescentPasses
import DescentTestSupport
import Testing

/// The explanation for programs says what the one for people says, and parses.
@Suite struct ExplanationJSONTests {
  private func parsed(_ text: String) throws -> JSONValue {
    try JSONValue.parse(Array(text.utf8), name: "explanation")
  }

  private func elements(_ value: JSONValue?) throws -> [JSONValue] {
    guard case .array(let elements) = try #require(value) else {
      Issue.record("not an array")
      return []
    }
    return elements
  }

  private func integer(_ value: JSONValue?) throws -> Int {
    guard case .integer(let number) = try #require(value) else {
      Issue.record("not a number: \(String(describing: value))")
      return 0
    }
    return number
  }

  @Test func aTrainingStepIsDescribedInFull() throws {
    let plan = try Networks.mnist().compile(batch: 64, options: CompileOptions(threads: 2))
    let json = try parsed(plan.explanationJSON)
    #expect(json["plan"] == .string("mlp"))
    #expect(try integer(json["threads"]) == 2)
    let kernels = try elements(json["kernels"])
    #expect(kernels.count == plan.kernelCount)
    #expect(kernels[0]["name"] == .string("contract+add+relu"))
    #expect(kernels[0]["boundBy"] == .string("arithmetic"))
    let nodes = try kernels.flatMap { try elements($0["nodes"]) }
    #expect(nodes.count == plan.groups.reduce(0) { $0 + $1.nodes.count })
    let memory = try #require(json["memory"])
    #expect(try integer(memory["arenaBytes"]) == plan.arenaBytes)
    for piece in try elements(memory["arena"]) {
      let (offset, bytes) = (try integer(piece["offset"]), try integer(piece["bytes"]))
      #expect(offset >= 0 && offset + bytes <= plan.arenaBytes)
      #expect(try integer(piece["firstKernel"]) <= integer(piece["lastKernel"]))
    }
    #expect(try elements(json["ledger"]).count == plan.journal.ledger.count)
    #expect(try elements(json["passes"]).count == plan.journal.entries.count)
    let costs = try elements(json["largestCosts"]).map { try integer($0) }
    #expect(costs.sorted() == Array(kernels.indices))
  }

  @Test func kernelsOfThePreparationSaySo() throws {
    let graph = Graph("prepared") { g in
      let w = g.parameter("w", [4, 4])
      g.output("y", g.input("x", [4, 4]).matmul(exp(w)))
    }
    let plan = try graph.compile(options: CompileOptions(threads: 1))
    let json = try parsed(plan.explanationJSON)
    let kernels = try elements(json["kernels"])
    #expect(kernels.map { $0["isPreparation"] } == [.bool(true), .bool(false)])
    #expect(try elements(json["largestCosts"]) == [.integer(1)])
    let edge = try #require(try elements(json["ledger"]).first { $0["reader"] != .null })
    #expect(edge["reason"] == .string("prepared"))
    // It is read in every run, and written in none.
    #expect(edge["bytes"] == .integer(64))
    let segments = try elements(json["memory"]?["segments"])
    #expect(segments.last?["name"] == .string("prepared"))
    #expect(segments.last?["bytes"] == .integer(plan.preparedBytes))
  }

  @Test func anEdgeNamesItsReasonAndBothEnds() throws {
    let graph = Graph("edge") { g in
      let x = exp(g.input("x", [4, 4], file: "m.swift", line: 1), file: "m.swift", line: 2)
      g.output("y", x.matmul(g.input("w", [4, 4]), file: "m.swift", line: 3))
    }
    let plan = try graph.compile(options: CompileOptions(threads: 1))
    let ledger = try elements(parsed(plan.explanationJSON)["ledger"])
    let edge = try #require(ledger.first { $0["reason"] == .string("contractionFactor") })
    #expect(edge["from"]?["line"] == .integer(2))
    #expect(edge["to"]?["line"] == .integer(3))
    #expect(edge["bytes"] == .integer(128))
    #expect(edge["text"] == .string("a contraction reads it in memory"))
  }

  /// What is bound by arithmetic is so on a machine that computes slowly only.
  @Test func timesArePredictedForAMachine() throws {
    let graph = Graph("product") { g in
      g.output("y", g.input("a", [64, 64]).matmul(g.input("b", [64, 64])))
    }
    let plan = try graph.compile(options: CompileOptions(threads: 1))
    func kernel(_ gigaflops: Double) throws -> JSONValue {
      let machine = Roofline(
        name: "m", gigaflops: gigaflops,
        levels: [Roofline.Level(capacity: .max, gigabytes: 2)])
      return try elements(parsed(plan.explanationJSON(on: machine))["kernels"])[0]
    }
    #expect(try kernel(1)["nanoseconds"] == .number(Double(2 * 64 * 64 * 64)))
    #expect(try kernel(1)["boundBy"] == .string("arithmetic"))
    #expect(try kernel(1000)["nanoseconds"] == .number(Double(3 * 64 * 64 * 4) / 2))
    #expect(try kernel(1000)["boundBy"] == .string("memory"))
  }

  @Test func equalPlansGiveEqualDocuments() throws {
    let texts = try (0..<2).map { _ in
      try Networks.mnist().compile(batch: 8, options: CompileOptions(threads: 1)).explanationJSON
    }
    #expect(texts[0] == texts[1])
  }
}
