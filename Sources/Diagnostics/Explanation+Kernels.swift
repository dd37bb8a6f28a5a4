import DescentCodegen
import DescentCompiler
import DescentGraph

extension Explanation {
  /// The positions of the kernels a run executes.
  var step: Range<Int> { program.preparationCount..<program.kernels.count }

  /// The kernels that run once, before the first run and after a change of the state.
  var preparation: [String] {
    let count = program.preparationCount
    guard count > 0 else { return [] }
    return [
      "prepared once, and again when a parameter or state it reads has changed: \(counted(count, "kernel")), "
        + "\(flops(program.kernels[..<count].reduce(0) { $0 + $1.flops })), "
        + "\(bytes(program.memory.preparedBytes)) kept"
    ] + (0..<count).flatMap { describe($0) }
  }

  /// The kernels in the order in which they run, each with its members, what it reads and what it writes.
  var kernels: [String] {
    let list = program.kernels[step]
    let arithmetic = list.reduce(0) { $0 + $1.flops }
    let traffic = list.reduce(0) { $0 + $1.bytesRead + $1.bytesWritten }
    let time = list.reduce(0) { $0 + roofline.nanoseconds(of: $1) }
    return [
      "\(counted(list.count, "kernel")): \(flops(arithmetic)), \(bytes(traffic)) moved a run, "
        + "at least \(microseconds(time)) µs on \(roofline.name)"
    ] + step.flatMap { describe($0) }
  }

  /// The kernels that must take longest, with their share in the least time of all.
  var costs: [String] {
    let list = program.kernels
    guard step.count > 1 else { return [] }
    let times = list.map { roofline.nanoseconds(of: $0) }
    let total = times[step].reduce(0, +)
    let shown = dearest.prefix(Explanation.shownCosts).map { index in
      let share = percent(Int(times[index] * 1000), of: Int(total * 1000))
      let bound = roofline.isBoundByMemory(list[index]) ? "memory" : "arithmetic"
      return "  \(padded(share, to: 7, right: true))  "
        + "\(padded(microseconds(times[index]), to: 9, right: true)) µs  "
        + "kernel \(index + 1) (\(list[index].name)), bound by \(bound)"
    }
    return ["the largest costs"] + shown
  }

  /// The kernels of a run, those that must take longest first.
  var dearest: [Int] {
    let times = program.kernels.map { roofline.nanoseconds(of: $0) }
    return step.sorted { (times[$1], $0) < (times[$0], $1) }
  }

  /// How many of the largest costs are told.
  private static let shownCosts = 5

  /// Returns how many threads work on a kernel.
  func threads(of index: Int) -> Int { slices[index][0].count }

  private func describe(_ index: Int) -> [String] {
    let kernel = program.kernels[index]
    let threads = threads(of: index)
    let margin = String(repeating: " ", count: 7)
    var lines = [
      "\(padded("\(index + 1)", to: 4, right: true))  \(kernel.name): \(kernel.body.className), "
        + "\(counted(threads, "thread")), \(flops(kernel.flops)), "
        + "reads \(bytes(kernel.bytesRead)), writes \(bytes(kernel.bytesWritten)), "
        + "at least \(microseconds(roofline.nanoseconds(of: kernel))) µs"
        + (program.startsWave[index] ? "" : ", beside the one before")
    ]
    let names = kernel.nodes.map { "\($0) \(graph[$0].op.name)" }
    let width = names.map(\.count).max() ?? 0
    for (value, name) in zip(kernel.nodes, names) {
      let node = graph[value]
      lines.append(line(margin, "\(padded(name, to: width))  \(node.type)", node.origin))
    }
    let reads = kernel.operands.filter { $0.access != .write }.map(description(of:))
    if !reads.isEmpty { lines.append(margin + "reads  " + reads.joined(separator: ", ")) }
    let writes = kernel.operands.indices.filter {
      kernel.operands[$0].access != .read && !kernel.isLocal($0)
    }
    lines += writes.map { margin + "writes " + destination(of: $0, in: index) }
    return lines + strips(of: kernel).map { margin + $0 }
  }

  /// What a kernel that runs strip by strip leaves from stage to stage, and in how much memory.
  private func strips(of kernel: Kernel) -> [String] {
    guard case .strips(let strips) = kernel.body else { return [] }
    let local = kernel.operands.indices.filter { kernel.isLocal($0) }
    let values = kernel.nodes.filter { value in
      strips.stages.contains { stage in
        stage.operands.contains { kernel.isLocal($0.position) && $0.value == value }
      }
    }
    let size = local.reduce(0) { $0 + strips.threadStrides[$1] }
    let kept = values.map { "\($0) \(graph[$0].type)" }.joined(separator: ", ")
    return [
      "in \(counted(strips.counts.reduce(1, *), "strip"))"
        + (values.isEmpty ? "" : ", of each \(bytes(size)) of \(kept)")
    ]
  }

  private func description(of operand: Kernel.Operand) -> String {
    let type = graph[operand.value].type
    let parts = operand.bytes.count / max(1, type.byteCount)
    return "\(name(operand.value)) \(type)\(parts > 1 ? " in \(parts) parts" : "")"
      + (isPacked(operand) ? " packed" : "")
  }

  /// Whether an operand is a weight's packed copy: of a leaf, only such a copy is prepared.
  func isPacked(_ operand: Kernel.Operand) -> Bool {
    let isLeaf = if case .leaf = graph[operand.value].op { true } else { false }
    return isLeaf && program.buffers[operand.buffer].role == .prepared
  }

  /// Returns where a kernel's result goes, and whose memory it takes.
  private func destination(of position: Int, in index: Int) -> String {
    let kernel = program.kernels[index]
    let operand = kernel.operands[position]
    var text = description(of: operand)
    let outputs = program.outputs.filter { $0.buffer == operand.buffer }.map { "\"\($0.name)\"" }
    if program.memory.placements[operand.buffer].segment == .prepared {
      text += " to keep"
    } else if !outputs.isEmpty {
      text += " as output \(outputs.joined(separator: " and "))"
    } else if let state = program.states.first(where: { $0.buffer == operand.buffer }) {
      text += " as the new \(state.name)"
    }
    let overwritten = program.memory.inPlace[index].filter { $0.written == position }
      .map { name(kernel.operands[$0.read].value) }
    if !overwritten.isEmpty { text += ", in place of \(overwritten.joined(separator: " and "))" }
    return text
  }
}

extension Kernel {
  /// The bytes of memory the kernel reads, each operand counted once.
  var bytesRead: Int {
    operands.reduce(0) { $0 + ($1.access == .write ? 0 : $1.bytes.count) }
  }

  /// The bytes of memory the kernel writes, but for what stays in a thread's cache from strip to strip.
  var bytesWritten: Int {
    operands.indices.reduce(0) { sum, position in
      operands[position].access == .read || isLocal(position)
        ? sum : sum + operands[position].bytes.count
    }
  }

  /// Whether each thread has memory of its own for an operand, and no other kernel reads it.
  fileprivate func isLocal(_ position: Int) -> Bool {
    guard case .strips(let strips) = body else { return false }
    return strips.isLocal(position)
  }
}

extension Kernel.Body {
  /// The class of kernel, as dumps name it.
  var className: String {
    switch self {
    case .loop(let loop): loop.loopClass.rawValue
    case .bundle: "bundle"
    case .contraction: "contraction"
    case .scatter: "scatter"
    case .sort: "sort"
    case .copy: "copy"
    case .strips: "strips"
    }
  }
}
