/// One vector instruction over virtual registers.
///
/// Each operation is exactly one instruction, so that the allocator may give its result the register of an operand
/// that dies with it; a report is a test and, behind a branch that is rarely taken, what follows from it, and a store
/// of bytes narrows them first.
package struct MachineOperation: Hashable, Sendable {
  /// The instruction.
  package var mnemonic: Mnemonic
  /// What it defines; a report and a store define nothing.
  package var result: VirtualRegister?
  /// What it reads, in the manual's order behind the destination.
  package var operands: [Source]
  /// The mask register that selects elements: of a blend those of the second operand, of a load those that are read.
  package var mask: VirtualRegister?
  /// Whether the destination is also the first operand.
  package var isDestructive = false
  /// Whether the destination is a register of half the vector's length.
  package var isHalf = false
  /// The fault that is reported where the truth value in the first operand holds for any element.
  package var fault: Int?
  /// What the only operand is stored as, in the form its type has in memory.
  package var store: Store?

  /// Something an instruction reads.
  package enum Source: Hashable, Sendable {
    /// A virtual register.
    case register(VirtualRegister)
    /// The lower half of a virtual register.
    case half(VirtualRegister)
    /// The same 32 bits in every element.
    case constant(UInt32)
    /// The number of each element within the vector.
    case laneNumbers
    /// An element of a stream for each lane.
    case memory(Stream)
    /// A number in the instruction.
    case immediate(UInt8)
    /// The truth value that holds for the elements that exist: all, but in a partial vector.
    case existing
  }

  /// A result that is stored, or half of one.
  package struct Store: Hashable, Sendable {
    /// The number of the result.
    package var number: Int
    /// Which of the vectors that are worked on at once.
    package var vector = 0
    /// Which half of the elements it is, where a vector of them is two registers.
    package var half = 0
  }

  /// How the lanes of one load lie in memory.
  package struct Stream: Hashable, Sendable {
    /// The number of the stream among those of the program.
    package var index: Int
    /// Whether every lane is the same element.
    package var isSplat: Bool
    /// Which of the vectors that are worked on at once.
    package var vector = 0
    /// Which half of the elements it is, where a vector of them is two registers.
    package var half = 0
  }

  /// The virtual registers it reads, in the order of the operands, the mask last.
  package var uses: [VirtualRegister] {
    var uses: [VirtualRegister] = []
    forEachUse { uses.append($0) }
    return uses
  }

  /// Visits the virtual registers it reads, in that order, without a list of them.
  func forEachUse(_ body: (VirtualRegister) -> Void) {
    for source in operands {
      switch source {
      case .register(let register), .half(let register): body(register)
      case .constant, .laneNumbers, .memory, .immediate, .existing: break
      }
    }
    if let mask { body(mask) }
  }

  /// What the allocator needs to know.
  package var step: AllocationStep {
    AllocationStep(uses: uses, result: result, isDestructive: isDestructive)
  }
}
