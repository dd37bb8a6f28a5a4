import DescentCodegen
import DescentCompiler
import DescentGraph

extension Explanation {
  /// The kernels in the order in which they run, each with its members, what it reads and what it writes.
  var kernels: [String] {
    let list = program.kernels
    let arithmetic = list.reduce(0) { $0 + $1.flops }
    let traffic = list.reduce(0) { $0 + $1.bytesRead + $1.bytesWritten }
    return ["\(counted(list.count, "kernel")): \(flops(arithmetic)), \(bytes(traffic)) moved a run"]
      + list.indices.flatMap { describe($0) }
  }

  private func describe(_ index: Int) -> [String] {
    let kernel = program.kernels[index]
    let threads = program.slices(isNative: program.native != nil)[index][0].count
    let margin = String(repeating: " ", count: 7)
    var lines = [
      "\(padded("\(index + 1)", to: 4, right: true))  \(kernel.name): \(kernel.body.className), "
        + "\(counted(threads, "thread")), \(flops(kernel.flops)), "
        + "reads \(bytes(kernel.bytesRead)), writes \(bytes(kernel.bytesWritten))"
    ]
    let names = kernel.nodes.map { "\($0) \(graph[$0].op.name)" }
    let width = names.map(\.count).max() ?? 0
    for (value, name) in zip(kernel.nodes, names) {
      let node = graph[value]
      lines.append(line(margin, "\(padded(name, to: width))  \(node.type)", node.origin))
    }
    let reads = kernel.operands.filter { $0.access != .write }.map {
      "\(name($0.value)) \(graph[$0.value].type)"
    }
    if !reads.isEmpty { lines.append(margin + "reads  " + reads.joined(separator: ", ")) }
    let writes = kernel.operands.indices.filter { kernel.operands[$0].access != .read }
    lines += writes.map { margin + "writes " + destination(of: $0, in: index) }
    return lines
  }

  /// Returns where a kernel's result goes, and whose memory it takes.
  private func destination(of position: Int, in index: Int) -> String {
    let kernel = program.kernels[index]
    let operand = kernel.operands[position]
    var text = "\(name(operand.value)) \(graph[operand.value].type)"
    let outputs = program.outputs.filter { $0.buffer == operand.buffer }.map { "\"\($0.name)\"" }
    if !outputs.isEmpty {
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

  /// The bytes of memory the kernel writes.
  var bytesWritten: Int {
    operands.reduce(0) { $0 + ($1.access == .read ? 0 : $1.bytes.count) }
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
    case .copy: "copy"
    }
  }
}
