import DescentGraph

// A mean over what each row of a kernel leaves is a few hundred additions: too few to divide, and not worth that all
// threads meet before and behind it. Such a tiny loop becomes a tail of the kernel whose results it needs: the thread
// that ends last runs it.

extension LoweredGraph {
  /// Lets tiny loops run at the end of the kernel whose results they need, unless that costs memory.
  mutating func attachTails() {
    var attacher = TailAttacher(lastCheck: kernels.lastIndex(where: \.mayFault) ?? -1)
    for (index, kernel) in kernels.enumerated() {
      attacher.add(kernel, index, writesState: writesState(kernel))
    }
    replaceKernels(by: attacher.kernels)
  }
}

/// Kernels in order, some of which have taken later ones as tails.
private struct TailAttacher {
  /// The bytes and the arithmetic up to which a loop is tiny: less than a meeting of threads takes.
  private static let tinyBytes = 1 << 14
  private static let tinyArithmetic = 1 << 14
  /// The most tails of a kernel.
  private static let maximumTails = 8

  /// The last kernel that checks an index.
  let lastCheck: Int
  private(set) var kernels: [Kernel] = []
  /// For each of them its number before others became tails.
  private var numbers: [Int] = []
  /// The last kernel that writes a buffer, and the last that touches it.
  private var writers: [BufferID: Int] = [:]
  private var users: [BufferID: Int] = [:]

  init(lastCheck: Int) { self.lastCheck = lastCheck }

  mutating func add(_ kernel: Kernel, _ number: Int, writesState: Bool) {
    var place = kernels.count
    if let head = head(of: kernel), !writesState || numbers[head] > lastCheck {
      kernels[head].append(tail: kernel)
      place = head
    } else {
      kernels.append(kernel)
      numbers.append(number)
    }
    for operand in kernel.operands {
      users[operand.buffer] = max(users[operand.buffer] ?? 0, place)
      if operand.access == .write { writers[operand.buffer] = place }
    }
  }

  /// Returns the kernel that a tiny loop may be a tail of: the last that it must wait for, if it reads its results.
  private func head(of kernel: Kernel) -> Int? {
    guard case .loop = kernel.body, !kernel.mayFault, kernel.tails.isEmpty,
      kernel.flops <= TailAttacher.tinyArithmetic,
      kernel.operands.reduce(0, { $0 + $1.bytes.count }) <= TailAttacher.tinyBytes
    else { return nil }
    var last: Int?
    for operand in kernel.operands {
      let before = operand.access == .write ? users[operand.buffer] : writers[operand.buffer]
      if let before { last = max(last ?? 0, before) }
    }
    guard let head = last, kernels[head].mayHaveTails,
      kernels[head].tails.count < TailAttacher.maximumTails
    else { return nil }
    let touched = kernels[head].operands
    let readsResult = kernel.operands.contains { operand in
      operand.access == .read && writers[operand.buffer] == head
    }
    // What a tail overwrites must be its own, for a kernel reads before it writes.
    let overwrites = kernel.operands.contains { operand in
      operand.access == .write && touched.contains { $0.buffer == operand.buffer }
    }
    return readsResult && !overwrites ? head : nil
  }
}

extension Kernel {
  /// Whether the kernel is of a class that may have tails: one that leaves little of what it reads.
  fileprivate var mayHaveTails: Bool {
    guard case .loop(let loop) = body else { return false }
    return loop.loopClass != .map
  }

  /// Lets a loop run when all threads have ended.
  fileprivate mutating func append(tail kernel: Kernel) {
    guard case .loop(let loop) = kernel.body else { preconditionFailure("a tail is no loop") }
    let own = operands.count
    let positions = kernel.operands.map { operand -> Int in
      // What the kernel has written is read where it wrote it.
      let known = operands.indices.first { index in
        let other = operands[index]
        return (other.buffer, other.value) == (operand.buffer, operand.value)
          && (other.access == operand.access || index < own && other.access == .write)
      }
      if known == nil { operands.append(operand) }
      return known ?? operands.count - 1
    }
    // What the tail reads too, it reads later; and it takes nothing from others.
    inPlace.removeAll { positions.contains($0.read) }
    for pair in kernel.inPlace where positions[pair.read] >= own {
      inPlace.append(InPlace(read: positions[pair.read], written: positions[pair.written]))
    }
    tails.append(loop.withOperands(positions))
    name += " then \(kernel.name)"
    nodes += kernel.nodes
    flops += kernel.flops
  }
}
