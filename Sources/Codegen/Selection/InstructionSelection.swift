import DescentGraph

/// Chooses instructions for a vector program.
///
/// Elements of `f32`, `i32` and `u8` are 32-bit lanes of a vector register. A truth value is a bit of a mask register
/// with AVX-512, and a lane of zeros or ones with AVX2. Programs with `i64` or with places that only exist under
/// guards are left to the portable backend: `init` returns nil.
struct InstructionSelection {
  let isWide: Bool
  private(set) var operations: [MachineOperation] = []
  private(set) var banks: [RegisterBank] = []
  /// The kernel operand, access and type of each stream.
  private(set) var streams: [(operand: Int, access: Access, type: DataType)] = []
  /// The value of the kernel's core, if the program uses it.
  private(set) var core: VirtualRegister?
  /// The values that are kept, and their types.
  private(set) var results: [VirtualRegister] = []
  let resultTypes: [DataType]

  /// What a register of the program has become.
  private enum Value {
    case register(VirtualRegister)
    case constant(UInt32)
  }

  private var values: [Value] = []
  private var types: [DataType]

  /// Selects instructions, or nothing where the program needs what no instruction here does.
  ///
  /// - Parameters:
  ///   - program: What to compute.
  ///   - kept: The registers whose values are stored or reduced.
  ///   - isWide: Whether to use AVX-512 rather than AVX2.
  init?(_ program: VectorProgram, kept: [VectorProgram.Register], isWide: Bool) {
    self.isWide = isWide
    types = program.types
    resultTypes = kept.map { program.types[Int($0)] }
    for (index, instruction) in program.instructions.enumerated() {
      guard let value = select(instruction, index) else { return nil }
      values.append(value)
    }
    // Bytes are widened and narrowed by instructions that only AVX-512 has in a form for partial vectors.
    guard isWide || (resultTypes + streams.map(\.type)).allSatisfy({ $0.byteCount == 4 })
    else { return nil }
    for register in kept { results.append(self.register(register)) }
  }

  private mutating func select(_ instruction: VectorProgram.Instruction, _ index: Int) -> Value? {
    switch instruction {
    case .scalar(let step): return select(step)
    case .core(.f32):
      let register = define(.vector)
      core = register
      return .register(register)
    case .load(let operand, let access, let type) where access.guards.isEmpty:
      return load(operand, access, type)
    case .load, .gather, .place, .exists, .check, .core: return nil
    }
  }

  private mutating func define(_ bank: RegisterBank) -> VirtualRegister {
    banks.append(bank)
    return VirtualRegister(banks.count - 1)
  }

  private func bank(of type: DataType) -> RegisterBank {
    type == .bool && isWide ? .mask : .vector
  }

  /// Adds an operation and returns what it defines.
  @discardableResult
  private mutating func add(
    _ mnemonic: Mnemonic, _ operands: [MachineOperation.Source], to bank: RegisterBank = .vector,
    mask: VirtualRegister? = nil, isDestructive: Bool = false
  ) -> VirtualRegister {
    let result = define(bank)
    operations.append(
      MachineOperation(
        mnemonic: mnemonic, result: result, operands: operands, mask: mask,
        isDestructive: isDestructive))
    return result
  }
}

// MARK: - Operands

extension InstructionSelection {
  private mutating func load(_ operand: Int, _ access: Access, _ type: DataType) -> Value? {
    let inner = access.strides.last ?? 0
    guard inner == 0 || inner == 1 else { return nil }
    let stream = MachineOperation.Stream(index: streams.count, isSplat: inner == 0)
    let source = MachineOperation.Source.memory(stream)
    switch type {
    case .f32, .i32:
      streams.append((operand, access, type))
      return .register(add(stream.isSplat ? .vbroadcastss : .vmovups, [source]))
    case .u8 where !stream.isSplat:
      streams.append((operand, access, type))
      return .register(add(.vpmovzxbd, [source]))
    case .bool where !stream.isSplat:
      streams.append((operand, access, type))
      let bytes = add(.vpmovzxbd, [source])
      return .register(isNonzero(bytes))
    case .u8, .bool, .i64, .f64: return nil
    }
  }

  /// Returns a register that holds a value, loading a constant.
  private mutating func register(_ value: Value, _ type: DataType) -> VirtualRegister {
    switch value {
    case .register(let register): return register
    case .constant(let bits):
      guard type == .bool, isWide else {
        return add(.vbroadcastss, [.constant(type == .bool ? (bits == 0 ? 0 : .max) : bits)])
      }
      let lanes = add(.vbroadcastss, [.constant(bits == 0 ? 0 : .max)])
      return isNonzero(lanes)
    }
  }

  private mutating func register(_ register: Int32) -> VirtualRegister {
    self.register(values[Int(register)], types[Int(register)])
  }

  /// Returns an operand that may stay in memory if it is a constant.
  private mutating func source(_ register: Int32) -> MachineOperation.Source {
    let type = types[Int(register)]
    switch values[Int(register)] {
    case .register(let register): return .register(register)
    case .constant(let bits):
      guard type == .bool else { return .constant(bits) }
      return .register(self.register(.constant(bits), .bool))
    }
  }

  /// Returns a truth value: whether the lanes are not zero.
  private mutating func isNonzero(_ lanes: VirtualRegister) -> VirtualRegister {
    if isWide {
      return add(.vptestmd, [.register(lanes), .register(lanes)], to: .mask)
    }
    let isZero = add(.vpcmpeqd, [.register(lanes), .constant(0)])
    return add(.vpxor, [.register(isZero), .constant(.max)])
  }
}

// MARK: - Scalar operations

extension InstructionSelection {
  private mutating func select(_ step: ScalarInstruction) -> Value? {
    switch step.op {
    case .constant:
      guard step.type != .i64, step.type != .f64 else { return nil }
      return .constant(UInt32(truncatingIfNeeded: step.immediate))
    case .bitcast:
      guard step.type != .i64, step.type != .f64 else { return nil }
      return values[Int(step.a)]
    case .select: return select(ifTrue: step).map { .register($0) }
    case .convert: return convert(step)
    default: break
    }
    switch step.type {
    case .f32: return float(step).map { .register($0) }
    case .i32: return integer(step).map { .register($0) }
    case .bool: return truth(step).map { .register($0) }
    case .u8, .i64, .f64: return nil
    }
  }

  private mutating func binary(
    _ mnemonic: Mnemonic, _ step: ScalarInstruction
  ) -> VirtualRegister {
    let first = register(step.a)
    return add(mnemonic, [.register(first), source(step.b)])
  }

  private mutating func float(_ step: ScalarInstruction) -> VirtualRegister? {
    switch step.op {
    case .add: return binary(.vaddps, step)
    case .sub: return binary(.vsubps, step)
    case .mul: return binary(.vmulps, step)
    case .div: return binary(.vdivps, step)
    case .fma: return fusedMultiplyAdd(step)
    case .neg: return add(xor, [.register(register(step.a)), .constant(0x8000_0000)])
    case .abs: return add(and, [.register(register(step.a)), .constant(0x7fff_ffff)])
    case .sqrt: return add(.vsqrtps, [source(step.a)])
    case .round: return rounded(step, 0)
    case .floor: return rounded(step, 1)
    case .ceil: return rounded(step, 2)
    case .truncate: return rounded(step, 3)
    case .minimum: return extreme(.vminps, step)
    case .maximum: return extreme(.vmaxps, step)
    case .equal: return compare(step, 0)
    case .notEqual: return compare(step, 4)
    case .less: return compare(step, 17)
    case .lessEqual: return compare(step, 18)
    default: return nil
    }
  }

  /// x·y + z: the first factor is overwritten where a constant is added, else the sum.
  private mutating func fusedMultiplyAdd(_ step: ScalarInstruction) -> VirtualRegister {
    if case .constant = values[Int(step.c)] {
      // 213: first = second · first + third.
      let (x, y) = (register(step.a), register(step.b))
      return add(
        .vfmadd213ps, [.register(x), .register(y), source(step.c)], isDestructive: true)
    }
    // 231: first = second · third + first.
    let z = register(step.c)
    if case .constant = values[Int(step.a)] {
      let y = register(step.b)
      return add(
        .vfmadd231ps, [.register(z), .register(y), source(step.a)], isDestructive: true)
    }
    let x = register(step.a)
    return add(.vfmadd231ps, [.register(z), .register(x), source(step.b)], isDestructive: true)
  }

  /// Rounds to integers: mode 0 to nearest, 1 down, 2 up, 3 toward zero, without the inexact exception.
  private mutating func rounded(_ step: ScalarInstruction, _ mode: UInt8) -> VirtualRegister {
    add(isWide ? .vrndscaleps : .vroundps, [source(step.a), .immediate(8 | mode)])
  }

  /// The lesser or greater operand; the instruction gives the second where either is NaN, so a first that is NaN
  /// is put back.
  private mutating func extreme(
    _ mnemonic: Mnemonic, _ step: ScalarInstruction
  ) -> VirtualRegister {
    let x = register(step.a)
    let chosen = add(mnemonic, [.register(x), source(step.b)])
    if case .constant(let bits) = values[Int(step.a)], bits & 0x7fff_ffff <= 0x7f80_0000 {
      return chosen
    }
    let isNaN = compare(.register(x), .register(x), 3)
    return blend(isNaN, yes: .register(x), no: chosen)
  }

  private mutating func compare(_ step: ScalarInstruction, _ relation: UInt8) -> VirtualRegister {
    compare(.register(register(step.a)), source(step.b), relation)
  }

  private mutating func compare(
    _ x: MachineOperation.Source, _ y: MachineOperation.Source, _ relation: UInt8
  ) -> VirtualRegister {
    add(.vcmpps, [x, y, .immediate(relation)], to: isWide ? .mask : .vector)
  }

  /// Elements of one register where a truth value holds, else of another.
  private mutating func blend(
    _ mask: VirtualRegister, yes: MachineOperation.Source, no: VirtualRegister
  ) -> VirtualRegister {
    isWide
      ? add(.vblendmps, [.register(no), yes], mask: mask)
      : add(.vblendvps, [.register(no), yes, .register(mask)])
  }

  private mutating func select(ifTrue step: ScalarInstruction) -> VirtualRegister? {
    guard step.type != .i64, step.type != .f64 else { return nil }
    guard step.type != .bool else { return selectTruth(step) }
    let mask = register(step.a)
    let no = register(step.c)
    return blend(mask, yes: source(step.b), no: no)
  }

  /// Chooses between truth values: (mask and yes) or (not mask and no).
  private mutating func selectTruth(_ step: ScalarInstruction) -> VirtualRegister {
    let (mask, yes, no) = (register(step.a), register(step.b), register(step.c))
    guard isWide else { return blend(mask, yes: .register(yes), no: no) }
    let chosen = add(.kandw, [.register(mask), .register(yes)], to: .mask)
    let other = add(.kandnw, [.register(mask), .register(no)], to: .mask)
    return add(.korw, [.register(chosen), .register(other)], to: .mask)
  }

  private var and: Mnemonic { isWide ? .vpandd : .vpand }
  private var or: Mnemonic { isWide ? .vpord : .vpor }
  private var xor: Mnemonic { isWide ? .vpxord : .vpxor }

  private mutating func integer(_ step: ScalarInstruction) -> VirtualRegister? {
    switch step.op {
    case .add: return binary(.vpaddd, step)
    case .sub: return binary(.vpsubd, step)
    case .mul: return binary(.vpmulld, step)
    case .neg:
      let zero = add(.vbroadcastss, [.constant(0)])
      return add(.vpsubd, [.register(zero), .register(register(step.a))])
    case .abs: return add(.vpabsd, [.register(register(step.a))])
    case .minimum: return binary(.vpminsd, step)
    case .maximum: return binary(.vpmaxsd, step)
    case .and: return binary(and, step)
    case .or: return binary(or, step)
    case .xor: return binary(xor, step)
    case .not: return add(xor, [.register(register(step.a)), .constant(.max)])
    case .shiftLeft: return binary(.vpsllvd, step)
    case .shiftRight: return binary(.vpsravd, step)
    case .shiftRightLogical: return binary(.vpsrlvd, step)
    case .equal, .notEqual, .less, .lessEqual: return relation(step)
    default: return nil
    }
  }

  private mutating func relation(_ step: ScalarInstruction) -> VirtualRegister? {
    if isWide {
      let codes: [ScalarOp: UInt8] = [.equal: 0, .less: 1, .lessEqual: 2, .notEqual: 4]
      guard let code = codes[step.op] else { return nil }
      let x = register(step.a)
      return add(.vpcmpd, [.register(x), source(step.b), .immediate(code)], to: .mask)
    }
    // AVX2 has only equal and greater.
    switch step.op {
    case .equal: return binary(.vpcmpeqd, step)
    case .notEqual: return inverted(binary(.vpcmpeqd, step))
    case .less: return add(.vpcmpgtd, [.register(register(step.b)), source(step.a)])
    case .lessEqual: return inverted(binary(.vpcmpgtd, step))
    default: return nil
    }
  }

  private mutating func inverted(_ lanes: VirtualRegister) -> VirtualRegister {
    add(.vpxor, [.register(lanes), .constant(.max)])
  }

  private mutating func truth(_ step: ScalarInstruction) -> VirtualRegister? {
    let a = register(step.a)
    let b = step.b >= 0 ? register(step.b) : a
    let operands: [MachineOperation.Source] = [.register(a), .register(b)]
    switch step.op {
    case .and, .minimum: return isWide ? add(.kandw, operands, to: .mask) : add(.vpand, operands)
    case .or, .maximum: return isWide ? add(.korw, operands, to: .mask) : add(.vpor, operands)
    case .xor, .notEqual: return isWide ? add(.kxorw, operands, to: .mask) : add(.vpxor, operands)
    case .equal:
      return isWide ? add(.kxnorw, operands, to: .mask) : inverted(add(.vpxor, operands))
    case .not: return isWide ? add(.knotw, [.register(a)], to: .mask) : inverted(a)
    default: return nil
    }
  }
}

// MARK: - Conversion

extension InstructionSelection {
  private mutating func convert(_ step: ScalarInstruction) -> Value? {
    let isLane = { (type: DataType) in type == .i32 || type == .u8 }
    switch (step.type, step.result) {
    case (let from, let to) where from == to: return values[Int(step.a)]
    case (.u8, .i32): return values[Int(step.a)]
    case (.i32, .u8):
      return .register(add(and, [.register(register(step.a)), .constant(0xff)]))
    case (let from, .f32) where isLane(from):
      return .register(add(.vcvtdq2ps, [.register(register(step.a))]))
    case (.f32, .i32): return .register(saturated(register(step.a)))
    case (.f32, .bool):
      return .register(compare(.register(register(step.a)), .constant(0), 4))
    case (let from, .bool) where isLane(from): return .register(isNonzero(register(step.a)))
    case (.bool, .f32): return .register(lanes(register(step.a), 0x3f80_0000))
    case (.bool, let to) where isLane(to): return .register(lanes(register(step.a), 1))
    default: return nil
    }
  }

  /// Returns given bits where a truth value holds, else zero.
  private mutating func lanes(_ mask: VirtualRegister, _ bits: UInt32) -> VirtualRegister {
    guard isWide else { return add(.vpand, [.register(mask), .constant(bits)]) }
    let zero = add(.vbroadcastss, [.constant(0)])
    return add(.vblendmps, [.register(zero), .constant(bits)], mask: mask)
  }

  /// Truncates to integers; what does not fit goes to the nearer end, and NaN to 0.
  ///
  /// The instruction gives the least integer for everything that does not fit.
  private mutating func saturated(_ x: VirtualRegister) -> VirtualRegister {
    let truncated = add(.vcvttps2dq, [.register(x)])
    let isLarge = compare(.register(x), .constant(0x4f00_0000), 29)
    let clamped = blend(isLarge, yes: .constant(0x7fff_ffff), no: truncated)
    let isNaN = compare(.register(x), .register(x), 3)
    return blend(isNaN, yes: .constant(0), no: clamped)
  }
}
