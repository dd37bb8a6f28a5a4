package import DescentGraph

/// What a kernel computes at one place of its domain: the expression language all kernels share.
///
/// A straight line in single assignment: instruction i defines register i. The scalar programs of the expansion
/// table are linked in, so that a kernel consists of the very operations the interpreter executes.
package struct VectorProgram: Hashable, Sendable, Codable {
  /// A register: the position of the instruction that defines it.
  package typealias Register = Int32

  /// One step.
  package enum Instruction: Hashable, Sendable, Codable {
    /// An exact scalar operation on registers.
    case scalar(ScalarInstruction)
    /// An element of a kernel operand.
    case load(operand: Int, Access, DataType)
    /// An element of an operand at `access + index·stride`, where the index is a register within bounds.
    case gather(operand: Int, Access, index: Register, stride: Int, DataType)
    /// The value of an affine function of the place, as an integer or float.
    case place(Access, DataType)
    /// Whether the place exists under guards; a truth value.
    case exists([Access.Guard])
    /// The index itself if it is in `0 ..< bound`, else the nearer end, and the fault of that number is reported.
    case check(index: Register, bound: Int, fault: Int)
    /// What the kernel's core computed at this place.
    case core(DataType)
  }

  /// The steps in order.
  package private(set) var instructions: [Instruction] = []
  /// The type of each register.
  package private(set) var types: [DataType] = []
  /// Where each step is; every step depends on its operands and its place alone.
  private var positions: [Instruction: Register] = [:]

  /// Creates an empty program.
  package init() {}

  /// Adds a step and returns its register; an equal step that is there already is found again.
  package mutating func append(_ instruction: Instruction) -> Register {
    let next = Register(instructions.count)
    let register = positions.value(for: instruction, inserting: next)
    guard register == next else { return register }
    instructions.append(instruction)
    types.append(type(of: instruction))
    return register
  }

  /// Adds a constant.
  package mutating func constant(bits: UInt64, _ type: DataType) -> Register {
    append(.scalar(ScalarInstruction(.constant, type, to: type, immediate: bits)))
  }

  /// Adds the steps of a scalar program and returns the register of its result.
  package mutating func link(_ program: ScalarProgram, _ arguments: [Register]) -> Register {
    var registers = arguments
    for step in program.instructions {
      let map = { (register: Int32) in register < 0 ? -1 : registers[Int(register)] }
      registers.append(
        append(
          .scalar(
            ScalarInstruction(
              step.op, step.type, to: step.result, map(step.a), map(step.b), map(step.c),
              immediate: step.immediate))))
    }
    return registers[Int(program.result)]
  }

  /// Adds the steps of a program over the same domain.
  ///
  /// - Parameters:
  ///   - other: The program.
  ///   - known: Registers that stand for some of its own.
  /// - Returns: The register that each of the program's own has become.
  package mutating func append(
    contentsOf other: VectorProgram, given known: [Register: Register] = [:]
  ) -> [Register] {
    var registers: [Register] = []
    for (number, step) in other.instructions.enumerated() {
      registers.append(
        known[Register(number)] ?? append(step.mappingRegisters { registers[Int($0)] }))
    }
    return registers
  }

  /// Changes every access and every list of guards; types and registers stay.
  package mutating func mapAccesses(
    _ change: (inout Access) -> Void, guards: ([Access.Guard]) -> [Access.Guard]
  ) {
    positions = [:]
    for index in instructions.indices {
      switch instructions[index] {
      case .load(let operand, var access, let type):
        change(&access)
        instructions[index] = .load(operand: operand, access, type)
      case .gather(let operand, var access, let register, let stride, let type):
        change(&access)
        instructions[index] = .gather(
          operand: operand, access, index: register, stride: stride, type)
      case .place(var access, let type):
        change(&access)
        instructions[index] = .place(access, type)
      case .exists(let list): instructions[index] = .exists(guards(list))
      case .scalar, .check, .core: break
      }
    }
  }

  /// Gives the operands that are read other numbers.
  package mutating func mapOperands(_ number: (Int) -> Int) {
    positions = [:]
    for index in instructions.indices {
      switch instructions[index] {
      case .load(let operand, let access, let type):
        instructions[index] = .load(operand: number(operand), access, type)
      case .gather(let operand, let access, let register, let stride, let type):
        instructions[index] = .gather(
          operand: number(operand), access, index: register, stride: stride, type)
      case .scalar, .place, .exists, .check, .core: break
      }
    }
  }

  private func type(of instruction: Instruction) -> DataType {
    switch instruction {
    case .scalar(let step): step.result
    case .load(_, _, let type), .gather(_, _, _, _, let type), .place(_, let type),
      .core(let type):
      type
    case .exists: .bool
    case .check(let index, _, _): types[Int(index)]
    }
  }
}

// The index of steps follows from them, so it is neither compared nor saved.
extension VectorProgram {
  private enum CodingKeys: CodingKey { case instructions, types }

  package static func == (left: VectorProgram, right: VectorProgram) -> Bool {
    left.instructions == right.instructions
  }

  package func hash(into hasher: inout Hasher) { hasher.combine(instructions) }
}

extension VectorProgram.Instruction {
  /// The registers the step reads.
  package var operands: [VectorProgram.Register] {
    switch self {
    case .scalar(let step): step.operands
    case .gather(_, _, let index, _, _), .check(let index, _, _): [index]
    case .load, .place, .exists, .core: []
    }
  }

  /// Returns the step with other numbers for the registers it reads.
  fileprivate func mappingRegisters(
    _ number: (VectorProgram.Register) -> VectorProgram.Register
  ) -> VectorProgram.Instruction {
    switch self {
    case .scalar(let step):
      let registers = [step.a, step.b, step.c].map { $0 < 0 ? -1 : number($0) }
      return .scalar(
        ScalarInstruction(
          step.op, step.type, to: step.result, registers[0], registers[1], registers[2],
          immediate: step.immediate))
    case .gather(let operand, let access, let index, let stride, let type):
      return .gather(operand: operand, access, index: number(index), stride: stride, type)
    case .check(let index, let bound, let fault):
      return .check(index: number(index), bound: bound, fault: fault)
    case .load, .place, .exists, .core: return self
    }
  }

  /// The accesses in the step, if any.
  package var access: Access? {
    switch self {
    case .load(_, let access, _), .gather(_, let access, _, _, _), .place(let access, _): access
    case .scalar, .exists, .check, .core: nil
    }
  }
}
