package import DescentGraph

/// A vector program as the portable backend runs it: flat steps over a few slots.
///
/// A slot holds one block of elements. Every step is executed for a whole block before the next, so that the
/// cost of deciding what to do is shared by many elements.
package struct PortableCode: Hashable, Sendable, Codable {
  /// One step; which fields are meant depends on the opcode.
  package struct Instruction: Hashable, Sendable, Codable {
    package var opcode: Opcode
    /// The scalar operation, for `.scalar`.
    package var op: ScalarOp = .constant
    /// The type of the operands, and of what is loaded.
    package var type: DataType
    /// The type of the result.
    package var result: DataType
    /// The slots of result and operands; unused ones are −1.
    package var target: Int32
    package var a: Int32 = -1
    package var b: Int32 = -1
    package var c: Int32 = -1
    /// The bits of a constant.
    package var immediate: UInt64 = 0
    /// The kernel operand that is read.
    package var operand: Int = -1
    /// Where the access begins in the table, or the guards of `.exists`.
    package var access: Int = -1
    /// The distance a gathered index counts for.
    package var stride: Int = 0
    /// The number of places a checked index may name.
    package var bound: Int = 0
    /// The number of the fault to report.
    package var fault: Int = -1
    /// Whether the access is element after element from the first.
    package var isIdentity: Bool = false
  }

  /// The kinds of steps.
  package enum Opcode: UInt8, Hashable, Sendable, Codable {
    case scalar, load, gather, place, exists, check, core
  }

  /// A value that leaves the program.
  package struct Result: Hashable, Sendable, Codable {
    package var slot: Int32
    package var type: DataType
    /// Where the access of its store begins in the table, if it has one.
    package var access: Int = -1
  }

  /// The steps in order.
  package var instructions: [Instruction] = []
  /// Accesses and guards as numbers.
  ///
  /// An access is its offset, then one stride an axis, then the number of guards, and for each
  /// guard its axis, low, step and count. `.exists` entries begin at the number of guards.
  package var accesses: [Int] = []
  /// The number of slots.
  package var slotCount: Int = 0
  /// The extents of the domain.
  package var domain: [Int]
  /// The slots of the results after the last step, and their types.
  package var results: [Result] = []

  /// Translates a program, giving registers slots that are free again after their last use.
  package init(_ program: VectorProgram, domain: [Int], kept: [VectorProgram.Register]) {
    self.domain = domain
    let operandsOf = program.instructions.map { $0.operands }
    var slots = SlotAllocator(operandsOf, kept: Set(kept))
    for (index, step) in program.instructions.enumerated() {
      let registers = operandsOf[index]
      let operands = registers.map { slots.slot(of: $0) }
      // A result may take the slot of an operand that dies with it, if their elements are equally wide.
      let width = program.types[index].laneBytes
      let isEquallyWide = registers.allSatisfy { program.types[Int($0)].laneBytes == width }
      if isEquallyWide { slots.release(at: index) }
      let target = slots.assign(VectorProgram.Register(index))
      if !isEquallyWide { slots.release(at: index) }
      instructions.append(translate(step, program, operands: operands, target: target))
    }
    slotCount = slots.count
    results = kept.map { Result(slot: slots.slot(of: $0), type: program.types[Int($0)]) }
  }

  private mutating func translate(
    _ step: VectorProgram.Instruction, _ program: VectorProgram, operands: [Int32], target: Int32
  ) -> Instruction {
    func slot(_ position: Int) -> Int32 { position < operands.count ? operands[position] : -1 }
    switch step {
    case .scalar(let scalar):
      return Instruction(
        opcode: .scalar, op: scalar.op, type: scalar.type, result: scalar.result, target: target,
        a: slot(0), b: slot(1), c: slot(2), immediate: scalar.immediate)
    case .load(let operand, let access, let type):
      return Instruction(
        opcode: .load, type: type, result: type, target: target, operand: operand,
        access: append(access), isIdentity: access.isIdentity(over: domain))
    case .gather(let operand, let access, let index, let stride, let type):
      return Instruction(
        opcode: .gather, type: program.types[Int(index)], result: type, target: target, a: slot(0),
        operand: operand, access: append(access), stride: stride)
    case .place(let access, let type):
      return Instruction(
        opcode: .place, type: type, result: type, target: target, access: append(access))
    case .exists(let guards):
      let start = accesses.count
      append(guards)
      return Instruction(
        opcode: .exists, type: .bool, result: .bool, target: target, access: start)
    case .check(let index, let bound, let fault):
      let type = program.types[Int(index)]
      return Instruction(
        opcode: .check, type: type, result: type, target: target, a: slot(0), bound: bound,
        fault: fault)
    case .core(let type):
      return Instruction(opcode: .core, type: type, result: type, target: target)
    }
  }

  /// Notes where the first results are stored, if not at the place itself.
  fileprivate mutating func place(_ stores: [LoopKernel.Store]) {
    for (index, store) in stores.enumerated() {
      if let access = store.access { results[index].access = append(access) }
    }
  }

  private mutating func append(_ access: Access) -> Int {
    let start = accesses.count
    accesses.append(access.offset)
    accesses += access.strides
    append(access.guards)
    return start
  }

  private mutating func append(_ guards: [Access.Guard]) {
    accesses.append(guards.count)
    for guarded in guards {
      accesses += [guarded.axis, guarded.low, guarded.step, guarded.count]
    }
  }
}

extension DataType {
  /// The width of an element in a slot.
  fileprivate var laneBytes: Int { self == .i64 || self == .f64 ? 8 : 4 }
}

/// Gives registers slots and takes them back after their last use.
private struct SlotAllocator {
  private var slots: [Int32]
  private var dying: [[Int32]]
  private var free: [Int32] = []
  private(set) var count = 0

  /// Knows the registers that each step reads.
  init(_ steps: [[VectorProgram.Register]], kept: Set<VectorProgram.Register>) {
    slots = Array(repeating: -1, count: steps.count)
    dying = Array(repeating: [], count: steps.count)
    var lastUse = Array(steps.indices)
    for (index, operands) in steps.enumerated() {
      for operand in operands { lastUse[Int(operand)] = index }
    }
    for register in steps.indices where !kept.contains(Int32(register)) {
      dying[lastUse[register]].append(Int32(register))
    }
  }

  func slot(of register: VectorProgram.Register) -> Int32 { slots[Int(register)] }

  /// Frees the slots of registers whose last use is a step; its own result may take one of them.
  mutating func release(at index: Int) {
    for register in dying[index] where register != index { free.append(slots[Int(register)]) }
  }

  mutating func assign(_ register: VectorProgram.Register) -> Int32 {
    let slot = free.popLast() ?? Int32(count)
    if Int(slot) == count { count += 1 }
    slots[Int(register)] = slot
    // A result nobody uses gives its slot back at once.
    if dying[Int(register)].contains(register) { free.append(slot) }
    return slot
  }
}

extension Kernel {
  /// The portable code of each of the kernel's programs.
  package var portableCode: [PortableCode] {
    switch body {
    case .loop(let loop):
      loop.stages.map { stage in
        var code = PortableCode(
          stage.program, domain: loop.domain(of: stage), kept: stage.kept)
        code.place(stage.stores)
        return code
      }
    case .contraction(let kernel):
      [PortableCode(kernel.epilogue, domain: kernel.domain, kept: kernel.stores.map(\.register))]
    case .bundle: parts.flatMap(\.portableCode)
    case .scatter, .sort, .copy: []
    case .strips: preconditionFailure("strips are translated piece by piece")
    }
  }
}
