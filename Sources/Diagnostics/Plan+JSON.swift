import DescentCodegen
public import DescentCompiler
import DescentFormats
import DescentGraph
import DescentPasses

extension Plan {
  /// The explanation as a JSON document, for programs that look into plans.
  ///
  /// It holds what `explanation` tells, and of the ledger of fusion every edge. Times are in nanoseconds, sizes in
  /// bytes; kernels are numbered from 0, those first that are computed once. Equal plans give equal text.
  public var explanationJSON: String {
    explanationJSON(on: .nominal(threads: program.threadCount))
  }

  /// Returns the explanation as a JSON document, with times predicted for a machine.
  public func explanationJSON(on roofline: Roofline) -> String {
    Explanation(plan: self, roofline: roofline).json.serialized()
  }
}

extension Explanation {
  /// The whole document.
  var json: JSONValue {
    let costs = dearest
    return object([
      ("plan", .string(graph.name)),
      ("threads", .integer(program.threadCount)),
      ("backend", .string(program.options.backend.rawValue)),
      ("machine", machine),
      ("inputs", .array(program.inputs.map(port))),
      ("outputs", .array(program.outputs.map(port))),
      ("states", .array(program.states.map(state))),
      ("kernels", .array(program.kernels.indices.map(kernel))),
      ("largestCosts", .array(costs.map { .integer($0) })),
      ("memory", memoryPlan),
      ("passes", .array(plan.journal.entries.map(entry))),
      ("ledger", .array(plan.journal.ledger.map(verdict))),
      (
        "missedFusions",
        .array(missedEdges.map { .array([number($0.producer), number($0.reader)]) })
      ),
    ])
  }

  private func object(_ members: [(String, JSONValue)]) -> JSONValue {
    .object(members.map { JSONValue.Member($0.0, $0.1) })
  }

  private func number(_ value: Value?) -> JSONValue {
    value.map { .integer(Int($0.index)) } ?? .null
  }

  private var machine: JSONValue {
    object([
      ("name", .string(roofline.name)),
      ("gigaflops", .number(roofline.gigaflops)),
      (
        "levels",
        .array(
          roofline.levels.map {
            object([
              ("capacity", $0.capacity == .max ? .null : .integer($0.capacity)),
              ("gigabytes", .number($0.gigabytes)),
            ])
          })
      ),
    ])
  }

  // MARK: - Tensors and nodes

  private func port(_ port: Port) -> JSONValue {
    object([
      ("name", .string(port.name)), ("type", .string("\(port.type)")),
      ("value", number(port.value)),
    ])
  }

  private func state(_ port: StatePort) -> JSONValue {
    object([
      ("name", .string(port.name)), ("type", .string("\(port.type)")),
      ("value", number(port.value)), ("updated", number(port.updated)),
      ("isParameter", .bool(port.isParameter)),
    ])
  }

  private func node(_ value: Value) -> JSONValue {
    let node = graph[value]
    return object([
      ("value", number(value)), ("op", .string(node.op.name)), ("type", .string("\(node.type)")),
      ("origin", origin(node.origin)),
    ])
  }

  private func origin(_ origin: Origin) -> JSONValue {
    object([
      ("file", .string(origin.file)), ("line", .integer(origin.line)),
      ("layer", .string(origin.layer)), ("composite", .string(origin.composite)),
    ])
  }

  // MARK: - Kernels

  private func kernel(_ index: Int) -> JSONValue {
    let kernel = program.kernels[index]
    let operands = { (isWrite: Bool) -> JSONValue in
      let chosen = kernel.operands.filter { ($0.access == .write) == isWrite }
      return .array(
        chosen.map { operand in
          object([
            ("value", number(operand.value)), ("name", .string(name(operand.value))),
            ("bytes", .integer(operand.bytes.count)), ("isPacked", .bool(isPacked(operand))),
          ])
        })
    }
    var strips: [(String, JSONValue)] = []
    if case .strips(let kernel) = kernel.body {
      strips = [("strips", .array(kernel.counts.map { .integer($0) }))]
    }
    return object(
      [
        ("name", .string(kernel.name)), ("class", .string(kernel.body.className)),
        ("isPreparation", .bool(!step.contains(index))), ("threads", .integer(threads(of: index))),
        ("isBesidePrevious", .bool(!program.startsWave[index])), ("flops", .integer(kernel.flops)),
        ("bytesRead", .integer(kernel.bytesRead)), ("bytesWritten", .integer(kernel.bytesWritten)),
        ("nanoseconds", .number(roofline.nanoseconds(of: kernel))),
        ("boundBy", .string(roofline.isBoundByMemory(kernel) ? "memory" : "arithmetic")),
        ("nodes", .array(kernel.nodes.map(node))),
        ("reads", operands(false)), ("writes", operands(true)),
      ] + strips)
  }

  // MARK: - Memory

  private var memoryPlan: JSONValue {
    let plan = program.memory
    let segments = zip(Explanation.segmentNames, plan.segmentBytes).map {
      object([("name", .string($0)), ("bytes", .integer($1))])
    }
    return object([
      ("segments", .array(segments)),
      ("arenaBytes", .integer(plan.arenaBytes)),
      ("arenaLowerBound", .integer(plan.arenaLowerBound)),
      ("strategy", .string(plan.strategy)),
      ("peakKernel", .integer(plan.peakKernel)),
      (
        "arena",
        .array(
          pieces.map {
            object([
              ("offset", .integer($0.place.offset)), ("bytes", .integer($0.place.byteCount)),
              ("value", number($0.value)), ("firstKernel", .integer($0.kernels.lowerBound)),
              ("lastKernel", .integer($0.kernels.upperBound)),
            ])
          })
      ),
    ])
  }

  // MARK: - Decisions

  private func entry(_ entry: Journal.Entry) -> JSONValue {
    object([
      ("pass", .string(entry.pass)), ("rule", .string(entry.rule)), ("text", .string(entry.text)),
      ("origin", origin(entry.origin)),
    ])
  }

  private func verdict(_ verdict: FusionVerdict) -> JSONValue {
    var members: [(String, JSONValue)] = [
      ("producer", number(verdict.producer)), ("reader", number(verdict.reader)),
      ("bytes", .integer(verdict.byteCount)), ("from", origin(graph[verdict.producer].origin)),
    ]
    if let reader = verdict.reader { members.append(("to", origin(graph[reader].origin))) }
    switch verdict.outcome {
    case .fused(let group): members.append(("fused", .integer(group)))
    case .stored(let reason):
      if let kernel = strips(handing: verdict) { members.append(("stripKernel", .integer(kernel))) }
      members.append(("reason", .string(reason.name)))
      members.append(("text", .string(reason.text(in: graph))))
    }
    return object(members)
  }
}
