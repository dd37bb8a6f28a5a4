/// One vector instruction over virtual registers.
///
/// Each operation is exactly one instruction, so that the allocator may give its result the register of an operand
/// that dies with it.
package struct MachineOperation: Hashable, Sendable {
  /// The instruction.
  package var mnemonic: Mnemonic
  /// What it defines.
  package var result: VirtualRegister
  /// What it reads, in the manual's order behind the destination.
  package var operands: [Source]
  /// The mask register that selects elements: of a blend, those of the second operand.
  package var mask: VirtualRegister?
  /// Whether the destination is also the first operand.
  package var isDestructive = false

  /// Something an instruction reads.
  package enum Source: Hashable, Sendable {
    /// A virtual register.
    case register(VirtualRegister)
    /// The same 32 bits in every element.
    case constant(UInt32)
    /// An element of a kernel operand for each lane.
    case memory(Stream)
    /// A number in the instruction.
    case immediate(UInt8)
  }

  /// How the lanes of one load lie in memory.
  package struct Stream: Hashable, Sendable {
    /// The number of the stream among those of the program.
    package var index: Int
    /// Whether every lane is the same element.
    package var isSplat: Bool
  }

  /// What the allocator needs to know.
  package var step: AllocationStep {
    var uses: [VirtualRegister] = []
    for case .register(let register) in operands { uses.append(register) }
    if let mask { uses.append(mask) }
    return AllocationStep(uses: uses, result: result, isDestructive: isDestructive)
  }
}
