import DescentGraph

// The exact scalar operations on floats and truth values.

extension InstructionSelection {
  mutating func select(_ step: ScalarInstruction) -> Value? {
    switch step.op {
    case .constant where step.type == .i64: return .pair(pair(ofConstant: step.immediate))
    case .constant:
      guard step.type != .f64 else { return nil }
      return .constant(UInt32(truncatingIfNeeded: step.immediate))
    case .bitcast:
      guard step.type != .i64, step.type != .f64 else { return nil }
      return values[Int(step.a)]
    case .select where step.type == .i64: return selectLong(step)
    case .select: return select(ifTrue: step).map { .register($0) }
    case .convert where step.type == .i64 || step.result == .i64: return convertLong(step)
    case .convert: return convert(step)
    default: break
    }
    switch step.type {
    case .f32: return float(step).map { .register($0) }
    case .i32: return integer(step).map { .register($0) }
    case .u8: return byte(step).map { .register($0) }
    case .bool: return truth(step).map { .register($0) }
    case .i64: return long(step)
    case .f64: return nil
    }
  }

  mutating func binary(_ mnemonic: Mnemonic, _ step: ScalarInstruction) -> VirtualRegister {
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
    case .scale: return scaled(step)
    case .neg:
      if case .scalar(let inner) = program.instructions[Int(step.a)], inner.op == .abs {
        return add(or, [.register(register(inner.a)), .constant(0x8000_0000)])
      }
      return add(xor, [.register(register(step.a)), .constant(0x8000_0000)])
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

  /// x · 2ʸ; with AVX2 two products, whose factors have halves of y + 254 as exponents.
  private mutating func scaled(_ step: ScalarInstruction) -> VirtualRegister {
    guard !isWide else { return binary(.vscalefps, step) }
    let (x, y) = (register(step.a), register(step.b))
    let steps = add(
      .vaddps, [.register(y), .constant(ScalarOp.scaleShifter.bitPattern)])
    let half = add(.vpsrld, [.register(steps), .immediate(1)])
    let rest = add(.vpsubd, [.register(steps), .register(half)])
    let factors = [half, rest].map { add(.vpslld, [.register($0), .immediate(23)]) }
    let product = add(.vmulps, [.register(x), .register(factors[0])])
    return add(.vmulps, [.register(product), .register(factors[1])])
  }

  /// Rounds to integers: mode 0 to nearest, 1 down, 2 up, 3 toward zero, without the inexact exception.
  private mutating func rounded(_ step: ScalarInstruction, _ mode: UInt8) -> VirtualRegister {
    add(isWide ? .vrndscaleps : .vroundps, [source(step.a), .immediate(8 | mode)])
  }

  /// The lesser or greater operand; the instruction gives the second where either is NaN or both are zeros.
  ///
  /// So a first operand that is NaN has to be put back, unless a constant comes first. To put it there is right where
  /// it is not zero, and else after a sum with zero, which makes of −0 the 0 that the other order would have given.
  private mutating func extreme(
    _ mnemonic: Mnemonic, _ step: ScalarInstruction
  ) -> VirtualRegister {
    if let bits = number(step.a) {
      return add(mnemonic, [.register(constant(bits)), source(step.b)])
    }
    let x = register(step.a)
    if let bits = number(step.b), bits != 0x8000_0000 {
      let chosen = add(mnemonic, [.register(constant(bits)), .register(x)])
      return bits == 0 ? add(.vaddps, [.register(chosen), .constant(0)]) : chosen
    }
    let chosen = add(mnemonic, [.register(x), source(step.b)])
    let isNaN = compare(.register(x), .register(x), 3)
    return blend(isNaN, yes: .register(x), no: chosen)
  }

  /// The bits of a constant that is not NaN.
  private func number(_ register: Int32) -> UInt32? {
    guard case .constant(let bits) = values[Int(register)], bits & 0x7fff_ffff <= 0x7f80_0000
    else { return nil }
    return bits
  }

  private mutating func compare(_ step: ScalarInstruction, _ relation: UInt8) -> VirtualRegister {
    compare(.register(register(step.a)), source(step.b), relation)
  }

  mutating func compare(
    _ x: MachineOperation.Source, _ y: MachineOperation.Source, _ relation: UInt8
  ) -> VirtualRegister {
    add(.vcmpps, [x, y, .immediate(relation)], to: truthBank)
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

  private mutating func truth(_ step: ScalarInstruction) -> VirtualRegister? {
    let a = register(step.a)
    let b = step.b >= 0 ? register(step.b) : a
    switch step.op {
    case .and, .minimum: return logic(isWide ? .kandw : .vpand, a, b)
    case .or, .maximum: return logic(isWide ? .korw : .vpor, a, b)
    case .xor, .notEqual: return logic(isWide ? .kxorw : .vpxor, a, b)
    case .equal:
      return isWide ? logic(.kxnorw, a, b) : inverted(logic(.vpxor, a, b))
    case .less: return logic(isWide ? .kandnw : .vpandn, a, b)
    case .lessEqual: return logic(isWide ? .korw : .vpor, inverted(a), b)
    case .not: return inverted(a)
    default: return nil
    }
  }

  private mutating func logic(
    _ mnemonic: Mnemonic, _ a: VirtualRegister, _ b: VirtualRegister
  ) -> VirtualRegister {
    add(mnemonic, [.register(a), .register(b)], to: truthBank)
  }
}
