import DescentGraph

// The exact scalar operations on integers, and conversions between types.

extension InstructionSelection {
  mutating func integer(_ step: ScalarInstruction) -> VirtualRegister? {
    switch step.op {
    case .add: return binary(.vpaddd, step)
    case .sub: return binary(.vpsubd, step)
    case .mul: return binary(.vpmulld, step)
    case .div: return quotient(register(step.a), register(step.b))
    case .neg:
      let zero = constant(0)
      return add(.vpsubd, [.register(zero), .register(register(step.a))])
    case .abs: return add(.vpabsd, [.register(register(step.a))])
    case .minimum: return binary(.vpminsd, step)
    case .maximum: return binary(.vpmaxsd, step)
    case .and: return binary(and, step)
    case .or: return selected(step) ?? binary(or, step)
    case .xor: return binary(xor, step)
    case .not: return add(xor, [.register(register(step.a)), .constant(.max)])
    case .shiftLeft: return shifted(step, .vpslld, .vpsllvd)
    case .shiftRight: return shifted(step, .vpsrad, .vpsravd)
    case .shiftRightLogical: return shifted(step, .vpsrld, .vpsrlvd)
    case .equal, .notEqual, .less, .lessEqual: return relation(step)
    default: return nil
    }
  }

  /// A shift by a number in the instruction, or by a number for each lane.
  private mutating func shifted(
    _ step: ScalarInstruction, _ fixed: Mnemonic, _ variable: Mnemonic
  ) -> VirtualRegister {
    guard case .constant(let count) = values[Int(step.b)], count < 32 else {
      return binary(variable, step)
    }
    let shift = UInt8(truncatingIfNeeded: count)
    return add(fixed, [.register(register(step.a)), .immediate(shift)])
  }

  /// x | (y & z) as one instruction of AVX-512, or nothing where neither operand is such a product.
  private mutating func selected(_ step: ScalarInstruction) -> VirtualRegister? {
    guard isWide else { return nil }
    for (x, product) in [(step.a, step.b), (step.b, step.a)] {
      guard case .scalar(let and) = program.instructions[Int(product)], and.op == .and else {
        continue
      }
      // The truth table of a | b & c.
      let operands: [MachineOperation.Source] = [
        .register(register(x)), .register(register(and.a)), source(and.b), .immediate(0xf8),
      ]
      return add(.vpternlogd, operands, isDestructive: true)
    }
    return nil
  }

  /// Bytes are computed as wider integers, and cut where the result may be wider.
  mutating func byte(_ step: ScalarInstruction) -> VirtualRegister? {
    switch step.op {
    case .add, .sub, .mul, .neg, .not, .shiftLeft:
      return integer(step).map { add(and, [.register($0), .constant(0xff)]) }
    case .abs: return register(step.a)
    case .div: return shortQuotient(register(step.a), register(step.b))
    default: return integer(step)
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

  /// Returns a truth value: whether the lanes are equal.
  mutating func areEqual(
    _ x: VirtualRegister, _ y: MachineOperation.Source
  ) -> VirtualRegister {
    isWide
      ? add(.vpcmpd, [.register(x), y, .immediate(0)], to: .mask)
      : add(.vpcmpeqd, [.register(x), y])
  }
}

// MARK: - Division

extension InstructionSelection {
  /// x / y toward zero, and 0 where y is 0.
  ///
  /// In double precision the rounded quotient of two 32-bit integers is no integer unless the exact one is, because
  /// that lies at least 1/|y| from the next, and half a unit in the last place is far less. The conversion back gives
  /// the least integer for 2³¹, which is how the only quotient that does not fit wraps.
  private mutating func quotient(_ x: VirtualRegister, _ y: VirtualRegister) -> VirtualRegister {
    let halves = [false, true].map { isUpper -> VirtualRegister in
      let (a, b) = (half(of: x, isUpper: isUpper), half(of: y, isUpper: isUpper))
      let (p, q) = (add(.vcvtdq2pd, [.half(a)]), add(.vcvtdq2pd, [.half(b)]))
      let ratio = add(.vdivpd, [.register(p), .register(q)])
      return add(.vcvttpd2dq, [.register(ratio)], isHalf: true)
    }
    let joined = joined(halves[0], halves[1])
    return blend(areEqual(y, .constant(0)), yes: .constant(0), no: joined)
  }

  /// Returns a register whose lower half is a half of another.
  mutating func half(of x: VirtualRegister, isUpper: Bool) -> VirtualRegister {
    guard isUpper else { return x }
    let extract: Mnemonic = isWide ? .vextracti64x4 : .vextracti128
    return add(extract, [.register(x), .immediate(1)], isHalf: true)
  }

  /// Returns the register of two halves.
  mutating func joined(
    _ lower: VirtualRegister, _ upper: VirtualRegister
  ) -> VirtualRegister {
    let insert: Mnemonic = isWide ? .vinserti64x4 : .vinserti128
    return add(insert, [.register(lower), .half(upper), .immediate(1)])
  }

  /// x / y for integers of less than 2²³, where single precision is enough for the same reason; 0 where y is 0.
  private mutating func shortQuotient(
    _ x: VirtualRegister, _ y: VirtualRegister
  ) -> VirtualRegister {
    let (p, q) = (add(.vcvtdq2ps, [.register(x)]), add(.vcvtdq2ps, [.register(y)]))
    let ratio = add(.vdivps, [.register(p), .register(q)])
    let quotient = add(.vcvttps2dq, [.register(ratio)])
    return blend(areEqual(y, .constant(0)), yes: .constant(0), no: quotient)
  }

  /// x / divisor for x from 0 up to, but not including, a bound; anything for others.
  mutating func quotient(
    _ x: VirtualRegister, by divisor: Int, below bound: Int
  ) -> VirtualRegister {
    if divisor & (divisor - 1) == 0 {
      let shift = UInt8(truncatingIfNeeded: divisor.trailingZeroBitCount)
      return share(.vpsrld, [.register(x), .immediate(shift)])
    }
    guard bound <= 1 << 23 else {
      return quotient(x, constant(UInt32(truncatingIfNeeded: divisor)))
    }
    let ratio = share(
      .vdivps,
      [.register(share(.vcvtdq2ps, [.register(x)])), .constant(Float(divisor).bitPattern)])
    return share(.vcvttps2dq, [.register(ratio)])
  }
}

// MARK: - Conversion

extension InstructionSelection {
  mutating func convert(_ step: ScalarInstruction) -> Value? {
    let isLane = { (type: DataType) in type == .i32 || type == .u8 }
    switch (step.type, step.result) {
    case (let from, let to) where from == to: return values[Int(step.a)]
    case (.u8, .i32): return values[Int(step.a)]
    case (.i32, .u8):
      return .register(add(and, [.register(register(step.a)), .constant(0xff)]))
    case (let from, .f32) where isLane(from):
      return .register(add(.vcvtdq2ps, [.register(register(step.a))]))
    case (.f32, .i32): return .register(saturated(register(step.a)))
    case (.f32, .u8): return .register(saturatedByte(register(step.a)))
    case (.f32, .bool):
      return .register(compare(.register(register(step.a)), .constant(0), 4))
    case (let from, .bool) where isLane(from): return .register(isNonzero(register(step.a)))
    case (.bool, .f32): return .register(lanes(register(step.a), 0x3f80_0000))
    case (.bool, let to) where isLane(to): return .register(lanes(register(step.a), 1))
    default: return nil
    }
  }

  /// Returns given bits where a truth value holds, else zero.
  mutating func lanes(_ mask: VirtualRegister, _ bits: UInt32) -> VirtualRegister {
    guard isWide else { return add(.vpand, [.register(mask), .constant(bits)]) }
    return add(.vblendmps, [.register(constant(0)), .constant(bits)], mask: mask)
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

  /// Truncates to bytes; the minimum keeps NaN, its second operand, which becomes the least integer and so 0.
  private mutating func saturatedByte(_ x: VirtualRegister) -> VirtualRegister {
    let bounded = add(.vminps, [.register(constant(Float(255).bitPattern)), .register(x)])
    let truncated = add(.vcvttps2dq, [.register(bounded)])
    return add(.vpmaxsd, [.register(truncated), .constant(0)])
  }
}
