import DescentGraph

/// Chooses instructions for a vector program.
///
/// Elements of `f32`, `i32` and `u8` are 32-bit lanes of a vector register; a `u8` lane is in 0 … 255. A truth value is
/// a bit of a mask register with AVX-512, and a lane of zeros or ones with AVX2. Elements of `i64` are two registers.
/// The vector runs along the last axis of the domain.
struct InstructionSelection {
  let isWide: Bool
  /// The extents of the domain.
  let domain: [Int]
  private(set) var operations: [MachineOperation] = []
  private(set) var banks: [RegisterBank] = []
  /// What the loop around the program gives addresses of.
  private(set) var streams: [Stream] = []
  /// The value of the kernel's core, if the program uses it and it is in a register.
  private(set) var core: VirtualRegister?
  /// The values that are kept, and their types.
  private(set) var results: [VirtualRegister] = []
  /// The second registers of those that have two, by their numbers.
  private(set) var upperResults: [Int: VirtualRegister] = [:]
  let resultTypes: [DataType]

  /// Something in memory that the program reads.
  enum Stream: Hashable {
    /// An operand's element at the vector's first place. The access has a stride of 0 or 1 along the last axis; where
    /// its guards say that nothing exists, a mask leaves it out.
    case element(operand: Int, Access, DataType)
    /// The vector's first place along an axis of the domain, a 32-bit integer.
    case place(axis: Int)
    /// What the kernel's core computed, where that lies in memory.
    case core
    /// The address of the cell that takes faults.
    case faults
  }

  /// The streams if all are elements of operands, or nil.
  var elements: [(operand: Int, access: Access, type: DataType)]? {
    var elements: [(operand: Int, access: Access, type: DataType)] = []
    for stream in streams {
      guard case .element(let operand, let access, let type) = stream else { return nil }
      elements.append((operand, access, type))
    }
    return elements
  }

  /// What a register of the program has become.
  enum Value {
    case register(VirtualRegister)
    case constant(UInt32)
    /// 64-bit elements.
    case pair(Pair)
  }

  let program: VectorProgram
  private let isCoreInMemory: Bool
  private(set) var values: [Value] = []
  /// Operations whose results are found again where the same is asked for.
  private var shared: [MachineOperation: VirtualRegister] = [:]

  /// Selects instructions, or nothing where the program needs what no instruction here does.
  ///
  /// - Parameters:
  ///   - program: What to compute.
  ///   - kept: The registers whose values are stored or reduced.
  ///   - domain: The extents of the domain the program runs over.
  ///   - isCoreInMemory: Whether what the kernel's core computed is read from memory.
  ///   - isWide: Whether to use AVX-512 rather than AVX2.
  init?(
    _ program: VectorProgram, kept: [VectorProgram.Register], domain: [Int],
    isCoreInMemory: Bool = false, isWide: Bool
  ) {
    self.isWide = isWide
    self.isCoreInMemory = isCoreInMemory
    self.program = program
    self.domain = domain
    resultTypes = kept.map { program.types[Int($0)] }
    for instruction in program.instructions {
      guard let value = select(instruction) else { return nil }
      values.append(value)
    }
    for (number, register) in kept.enumerated() {
      if case .pair(let pair) = values[Int(register)] {
        results.append(pair.lower)
        upperResults[number] = pair.upper
      } else {
        results.append(self.register(register))
      }
    }
  }

  private mutating func select(_ instruction: VectorProgram.Instruction) -> Value? {
    switch instruction {
    case .scalar(let step): return select(step)
    case .core(.f32):
      if isCoreInMemory {
        return .register(add(.vmovups, [.memory(stream(.core, isSplat: false))]))
      }
      let register = define(.vector)
      core = register
      return .register(register)
    case .load(let operand, let access, let type):
      return load(operand, access, type)
    case .gather(let operand, let access, let index, let stride, let type):
      return load(operand, access, type, index: (index, stride))
    case .place(let access, .i64):
      return fits(access.offset, terms(of: access))
        ? place(access, .i32).map { .pair(widened($0)) } : nil
    case .place(let access, let type): return place(access, type).map { .register($0) }
    case .exists(let guards): return exists(guards).map { .register($0) }
    case .check(let index, let bound, let fault) where program.types[Int(index)] == .i64:
      return .pair(checkLong(pair(index), bound, fault))
    case .check(let index, let bound, let fault):
      return check(index, bound, fault).map { .register($0) }
    case .core: return nil
    }
  }
}

// MARK: - Operations

extension InstructionSelection {
  private mutating func define(_ bank: RegisterBank) -> VirtualRegister {
    banks.append(bank)
    return VirtualRegister(banks.count - 1)
  }

  /// The bank of truth values.
  var truthBank: RegisterBank { isWide ? .mask : .vector }

  /// Adds an operation and returns what it defines.
  @discardableResult
  mutating func add(
    _ mnemonic: Mnemonic, _ operands: [MachineOperation.Source], to bank: RegisterBank = .vector,
    mask: VirtualRegister? = nil, isDestructive: Bool = false, isHalf: Bool = false
  ) -> VirtualRegister {
    let result = define(bank)
    operations.append(
      MachineOperation(
        mnemonic: mnemonic, result: result, operands: operands, mask: mask,
        isDestructive: isDestructive, isHalf: isHalf))
    return result
  }

  /// Adds an operation, or finds what an equal one before defines.
  mutating func share(
    _ mnemonic: Mnemonic, _ operands: [MachineOperation.Source], to bank: RegisterBank = .vector
  ) -> VirtualRegister {
    let key = MachineOperation(mnemonic: mnemonic, result: nil, operands: operands)
    if let known = shared[key] { return known }
    let result = add(mnemonic, operands, to: bank)
    shared[key] = result
    return result
  }

  /// Adds the report of a fault where a truth value holds.
  mutating func report(_ fault: Int, where mask: VirtualRegister) {
    let cell = stream(.faults, isSplat: true)
    operations.append(
      MachineOperation(
        mnemonic: isWide ? .kortestw : .vptest, result: nil,
        operands: [.register(mask), .memory(cell)], fault: fault))
  }

  /// Returns the stream of some memory, one that is there already or a new one.
  mutating func stream(_ stream: Stream, isSplat: Bool) -> MachineOperation.Stream {
    if let index = streams.firstIndex(of: stream) {
      return MachineOperation.Stream(index: index, isSplat: isSplat)
    }
    streams.append(stream)
    return MachineOperation.Stream(index: streams.count - 1, isSplat: isSplat)
  }
}

// MARK: - Operands

extension InstructionSelection {
  /// Returns a register that holds a value, loading a constant.
  mutating func register(_ value: Value, _ type: DataType) -> VirtualRegister {
    switch value {
    case .register(let register): return register
    case .constant(let bits):
      guard type == .bool else { return constant(bits) }
      let lanes = constant(bits == 0 ? 0 : .max)
      return isWide ? isNonzero(lanes) : lanes
    case .pair(let pair): return narrowed(pair)
    }
  }

  mutating func register(_ register: Int32) -> VirtualRegister {
    self.register(values[Int(register)], program.types[Int(register)])
  }

  /// Returns an operand that may stay in memory if it is a constant.
  mutating func source(_ register: Int32) -> MachineOperation.Source {
    let type = program.types[Int(register)]
    if case .constant(let bits) = values[Int(register)], type != .bool { return .constant(bits) }
    return .register(self.register(register))
  }

  /// Returns a register with the same bits in every lane.
  mutating func constant(_ bits: UInt32) -> VirtualRegister {
    add(.vbroadcastss, [.constant(bits)])
  }

  /// Returns a truth value: whether the lanes are not zero.
  mutating func isNonzero(_ lanes: VirtualRegister) -> VirtualRegister {
    if isWide {
      return add(.vptestmd, [.register(lanes), .register(lanes)], to: .mask)
    }
    return inverted(add(.vpcmpeqd, [.register(lanes), .constant(0)]))
  }

  /// Returns the opposite of a truth value.
  mutating func inverted(_ mask: VirtualRegister) -> VirtualRegister {
    isWide
      ? add(.knotw, [.register(mask)], to: .mask)
      : add(.vpxor, [.register(mask), .constant(.max)])
  }

  /// Elements of one register where a truth value holds, else of another.
  mutating func blend(
    _ mask: VirtualRegister, yes: MachineOperation.Source, no: VirtualRegister
  ) -> VirtualRegister {
    isWide
      ? add(.vblendmps, [.register(no), yes], mask: mask)
      : add(.vblendvps, [.register(no), yes, .register(mask)])
  }

  var and: Mnemonic { isWide ? .vpandd : .vpand }
  var or: Mnemonic { isWide ? .vpord : .vpor }
  var xor: Mnemonic { isWide ? .vpxord : .vpxor }
}
