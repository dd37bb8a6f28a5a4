import DescentCodegen
public import DescentCompiler
import DescentGraph
import DescentPasses

extension Plan {
  /// The plan as a person would tell it: kernels and what they fuse, the largest costs, memory, what the passes did,
  /// what was not fused.
  ///
  /// Equal plans give equal text; how long compiling took stands in `timingTable`.
  public var explanation: String { explanation(on: .nominal(threads: program.threadCount)) }

  /// Returns the plan as a person would tell it, with times predicted for a machine.
  ///
  /// - Parameter roofline: The machine, such as `Roofline(MachineLimits(measuringThreads: 2))`.
  /// - Returns: The text that `explanation` gives for an ordinary machine.
  public func explanation(on roofline: Roofline) -> String {
    let explanation = Explanation(plan: self, roofline: roofline)
    let sections = [
      explanation.header, explanation.preparation, explanation.kernels, explanation.costs,
      explanation.memory, explanation.passes, explanation.handedOver, explanation.unfused,
    ]
    return sections.filter { !$0.isEmpty }.map { $0.joined(separator: "\n") }
      .joined(separator: "\n\n")
  }

  /// How long each stage of compiling took, as a table.
  public var timingTable: String {
    Self.table("compile time", timings.map { ($0.stage, $0.nanoseconds) })
  }

  /// How long writing each kernel's machine code took, as a table.
  public var kernelTimingTable: String {
    Self.table(
      "encoding time", zip(program.kernels, kernelTimings).map { ($0.name, $1) })
  }

  private static func table(_ title: String, _ times: [(name: String, nanoseconds: Int)]) -> String
  {
    let total = times.reduce(0) { $0 + $1.nanoseconds }
    let width = (times.map(\.name.count) + [5]).max() ?? 5
    let lines = (times + [("total", total)]).map { name, time in
      "  \(padded(name, to: width))  \(padded(milliseconds(time), to: 9, right: true)) ms"
        + "  \(padded(percent(time, of: total), to: 7, right: true))"
    }
    return ([title] + lines).joined(separator: "\n")
  }
}

/// The sections of an explanation, each as lines.
struct Explanation {
  let plan: Plan
  /// The machine for which times are predicted.
  let roofline: Roofline
  /// The units of work of each part of each kernel that each thread has.
  let slices: [[[Range<Int>]]]
  /// The kernel of each value that one which runs strip by strip computes.
  let stripKernels: [Value: Int]

  init(plan: Plan, roofline: Roofline) {
    (self.plan, self.roofline) = (plan, roofline)
    slices = plan.program.slices(isNative: plan.program.native != nil)
    var kernels: [Value: Int] = [:]
    for (index, kernel) in plan.program.kernels.enumerated() {
      guard case .strips = kernel.body else { continue }
      for value in kernel.nodes { kernels[value] = index }
    }
    stripKernels = kernels
  }

  var program: Program { plan.program }
  var graph: Graph { plan.graph }

  var header: [String] {
    let types = { (ports: [Port]) in ports.map { "\($0.name) \($0.type)" }.joined(separator: ", ") }
    let count = program.states.filter(\.isParameter).reduce(0) { $0 + $1.type.shape.count }
    var lines = ["plan \"\(graph.name)\" for \(counted(program.threadCount, "thread"))"]
    if !program.inputs.isEmpty { lines.append("  inputs   \(types(program.inputs))") }
    lines.append("  outputs  \(types(program.outputs))")
    if !program.states.isEmpty {
      let size = bytes(program.memory.segmentBytes[Segment.state.rawValue])
      let others = program.states.filter { !$0.isParameter }.count
      lines.append(
        "  state    \(counted(count, "trained number")) in "
          + "\(counted(program.states.count - others, "parameter")), "
          + "\(counted(others, "other state")); \(size)")
    }
    return lines
  }

  var passes: [String] {
    var names: [String] = []
    var entries: [String: [Journal.Entry]] = [:]
    for entry in plan.journal.entries {
      if entries[entry.pass] == nil { names.append(entry.pass) }
      entries[entry.pass, default: []].append(entry)
    }
    return ["what the passes did"]
      + (names.isEmpty ? ["  nothing"] : names.flatMap { summary($0, entries[$0] ?? []) })
  }

  private func summary(_ pass: String, _ entries: [Journal.Entry]) -> [String] {
    var rules: [String] = []
    var counts: [String: Int] = [:]
    for entry in entries {
      if counts[entry.rule] == nil { rules.append(entry.rule) }
      counts[entry.rule, default: 0] += 1
    }
    let shown = rules.map { "\($0) ×\(counts[$0] ?? 0)" }.joined(separator: ", ")
    return ["  \(pass): \(shown)"]
      + entries.map { line("    ", "\($0.rule)  \($0.text)", $0.origin) }
  }

  /// Returns a line that ends with the place in the user's program, where it is known.
  func line(_ indentation: String, _ text: String, _ origin: Origin) -> String {
    let place = origin.description
    return indentation + text + (place.isEmpty ? "" : "   // \(place)")
  }

  /// Returns the name a reader knows a value by: a leaf's own, else its number.
  func name(_ value: Value) -> String {
    if case .leaf(let leaf) = graph[value].op {
      if let name = leaf.leafName { return name }
      if case .constant(let array) = leaf, array.count == 1 { return "constant \(value)" }
      return "\(leaf.name) \(value)"
    }
    return "\(value)"
  }
}
