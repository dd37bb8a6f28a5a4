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
  /// The temporaries each kernel touches, the kernels that touch each, and how many of these are still to come.
  private var temporaries: [[BufferID]]
  private var users: [[Int]]
  private var usersLeft: [Int]
  private var isLive: [Bool]
  private var isDone: [Bool]
  /// By how many bytes more would be live behind each kernel than before it, if it were next.
  private var growth: [Int]

  init(_ lowered: LoweredGraph) {
    self.lowered = lowered
    let count = lowered.kernels.count
    successors = Array(repeating: [], count: count)
    missing = Array(repeating: 0, count: count)
    temporaries = Array(repeating: [], count: count)
    users = Array(repeating: [], count: lowered.buffers.count)
    isLive = Array(repeating: false, count: lowered.buffers.count)
    isDone = Array(repeating: false, count: count)
    growth = Array(repeating: 0, count: count)
    usersLeft = []
    findDependences()
    for (index, kernel) in lowered.kernels.enumerated() {
      let touched = Set(kernel.operands.map(\.buffer)).filter {
        lowered.buffers[$0].role == .temporary
      }
      temporaries[index] = touched.sorted()
      for buffer in touched {
        users[buffer].append(index)
        growth[index] += lowered.buffers[buffer].byteCount
      }
    }
    usersLeft = users.map(\.count)
    for (buffer, users) in users.enumerated() where users.count == 1 {
      growth[users[0]] -= lowered.buffers[buffer].byteCount
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
      let keys = ready.map { min(growth[$0], 1) }
      let best = keys.indices.min { (keys[$0], $0) < (keys[$1], $1) } ?? 0
      let next = ready.remove(at: best)
      order.append(next)
      isDone[next] = true
      for buffer in temporaries[next] { touch(buffer) }
      for successor in successors[next] {
        missing[successor] -= 1
        guard missing[successor] == 0 else { continue }
        let place = ready.firstIndex { $0 > successor } ?? ready.count
        ready.insert(successor, at: place)
      }
    }
    return order
  }

  /// Counts one more kernel that has touched a buffer, and what others would need then.
  private mutating func touch(_ buffer: BufferID) {
    let byteCount = lowered.buffers[buffer].byteCount
    if !isLive[buffer] {
      isLive[buffer] = true
      for user in users[buffer] { growth[user] -= byteCount }
    }
    usersLeft[buffer] -= 1
    guard usersLeft[buffer] == 1, let last = users[buffer].first(where: { !isDone[$0] }) else {
      return
    }
    growth[last] -= byteCount
  }
}
