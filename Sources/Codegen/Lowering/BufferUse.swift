/// The buffers that some kernels read and write: what decides whether others may run beside them or change places.
struct BufferUse {
  private(set) var read: Set<BufferID> = []
  private(set) var written: Set<BufferID> = []

  mutating func add(_ other: BufferUse) {
    read.formUnion(other.read)
    written.formUnion(other.written)
  }

  /// Whether none of some buffers is touched.
  func isUntouched(by others: Set<BufferID>) -> Bool {
    read.isDisjoint(with: others) && written.isDisjoint(with: others)
  }

  /// Whether the kernels and others do not depend on each other.
  func isApart(from other: BufferUse) -> Bool {
    written.isDisjoint(with: other.read) && isUntouched(by: other.written)
  }
}

extension BufferUse {
  /// The buffers that one kernel touches.
  init(_ kernel: Kernel) {
    for operand in kernel.operands {
      if operand.access == .read {
        read.insert(operand.buffer)
      } else {
        written.insert(operand.buffer)
      }
    }
  }
}

extension Kernel {
  /// The buffers it reads and writes.
  var use: BufferUse { BufferUse(self) }
}
