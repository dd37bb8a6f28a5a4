import DescentGraph

// Kernels come in the order of the graph, in which the update of a parameter stands at the end, with its gradient; so
// all that gradients are made of would live until then. Here kernels that need no more memory than they free go as
// early as they can.

extension LoweredGraph {
  /// Puts kernels into an order that needs less memory, if there is one.
  mutating func orderForMemory() {
    guard kernels.count <= MemoryOrder.mostKernels else { return }
    var order = MemoryOrder(self)
    var ordered = self
    ordered.kernels = order.run().map { kernels[$0] }
    // Where the peak stays, less in use at other times leaves more ways to place it, and more room in caches.
    if MemoryPlan.need(of: ordered) < MemoryPlan.need(of: self) { self = ordered }
  }
}

/// An order of kernels under construction.
private struct MemoryOrder {
  /// Ready kernels are compared one by one; with more of them that takes too long.
  static let mostKernels = 2048

  let lowered: LoweredGraph
  /// Which kernels must come behind each, and for each how many of those before it are missing.
  private var successors: [[Int]]
  private var missing: [Int]
  /// The temporaries each kernel touches, and how many kernels are still to touch each.
  private var temporaries: [[BufferID]]
  private var users: [Int]
  private var isLive: [Bool]

  init(_ lowered: LoweredGraph) {
    self.lowered = lowered
    let count = lowered.kernels.count
    successors = Array(repeating: [], count: count)
    missing = Array(repeating: 0, count: count)
    temporaries = Array(repeating: [], count: count)
    users = Array(repeating: 0, count: lowered.buffers.count)
    isLive = Array(repeating: false, count: lowered.buffers.count)
    findDependences()
    for (index, kernel) in lowered.kernels.enumerated() {
      let touched = Set(kernel.operands.map(\.buffer)).filter {
        lowered.buffers[$0].role == .temporary
      }
      temporaries[index] = touched.sorted()
      for buffer in touched { users[buffer] += 1 }
    }
  }

  private mutating func findDependences() {
    var writer = [Int?](repeating: nil, count: lowered.buffers.count)
    var readers = [[Int]](repeating: [], count: lowered.buffers.count)
    var checks: [Int] = []
    for (index, kernel) in lowered.kernels.enumerated() {
      var before: Set<Int> = []
      var writesState = false
      for operand in kernel.operands {
        if let writer = writer[operand.buffer] { before.insert(writer) }
        guard operand.access == .write else { continue }
        before.formUnion(readers[operand.buffer])
        if lowered.buffers[operand.buffer].role == .state { writesState = true }
      }
      // What changes a state stays behind what checks indices.
      if writesState { before.formUnion(checks) }
      if kernel.mayFault { checks.append(index) }
      for operand in kernel.operands where operand.access == .write {
        (writer[operand.buffer], readers[operand.buffer]) = (index, [])
      }
      for operand in kernel.operands where operand.access == .read {
        if writer[operand.buffer] != index { readers[operand.buffer].append(index) }
      }
      before.remove(index)
      missing[index] = before.count
      for other in before { successors[other].append(index) }
    }
  }

  /// Returns the kernels in their new order.
  mutating func run() -> [Int] {
    var order: [Int] = []
    var ready = missing.indices.filter { missing[$0] == 0 }
    while !ready.isEmpty {
      // What needs no more memory may let others free some; of what needs more, none overtakes another.
      let growths = ready.map { min(growth($0), 1) }
      let best = growths.indices.min { (growths[$0], $0) < (growths[$1], $1) } ?? 0
      let next = ready.remove(at: best)
      order.append(next)
      for buffer in temporaries[next] {
        isLive[buffer] = true
        users[buffer] -= 1
      }
      for successor in successors[next] {
        missing[successor] -= 1
        guard missing[successor] == 0 else { continue }
        let place = ready.firstIndex { $0 > successor } ?? ready.count
        ready.insert(successor, at: place)
      }
    }
    return order
  }

  /// Returns by how many bytes more is live behind a kernel than before it.
  private func growth(_ kernel: Int) -> Int {
    temporaries[kernel].reduce(0) { sum, buffer in
      let byteCount = lowered.buffers[buffer].byteCount
      return sum + (isLive[buffer] ? 0 : byteCount) - (users[buffer] == 1 ? byteCount : 0)
    }
  }
}
