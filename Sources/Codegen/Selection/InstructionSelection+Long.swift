import DescentGraph

// Elements of `i64`: labels, indices and counts. Their lanes are twice as wide, so a vector of elements is two
// registers: the first half of the elements, and the second.

extension InstructionSelection {
  /// The two registers of a vector of 64-bit elements.
  struct Pair {
    var lower: VirtualRegister
    var upper: VirtualRegister

    /// Returns the pair of what a function makes of each half.
    func map(_ function: (VirtualRegister) -> VirtualRegister) -> Pair {
      Pair(lower: function(lower), upper: function(upper))
    }

    /// Returns the pair of what a function makes of the halves of this and another.
    func with(
      _ other: Pair, _ function: (VirtualRegister, VirtualRegister) -> VirtualRegister
    ) -> Pair {
      Pair(
        lower: function(lower, other.lower), upper: function(upper, other.upper))
    }
  }

  /// Returns the pair that holds a value.
  func pair(_ register: Int32) -> Pair {
    guard case .pair(let pair) = values[Int(register)] else {
      preconditionFailure("register \(register) is no pair")
    }
    return pair
  }

  /// Selects an operation on 64-bit integers, or nothing where there is no instruction.
  mutating func long(_ step: ScalarInstruction) -> Value? {
    switch step.op {
    case .add: return .pair(long(.vpaddq, step))
    case .sub: return .pair(long(.vpsubq, step))
    case .mul where isWide: return .pair(long(.vpmullq, step))
    case .mul: return .pair(product(pair(step.a), pair(step.b)))
    case .neg: return .pair(negated(pair(step.a)))
    case .abs:
      let x = pair(step.a)
      return .pair(extreme(x, negated(x), isMaximum: true))
    case .not: return .pair(combined(xor, pair(step.a), pair(ofConstant: .max)))
    case .shiftLeft: return .pair(long(.vpsllvq, step))
    case .shiftRightLogical: return .pair(long(.vpsrlvq, step))
    case .shiftRight where isWide: return .pair(long(.vpsravq, step))
    case .shiftRight: return .pair(shiftedRight(pair(step.a), pair(step.b)))
    case .and: return .pair(long(and, step))
    case .or: return .pair(long(or, step))
    case .xor: return .pair(long(xor, step))
    case .minimum: return .pair(extreme(pair(step.a), pair(step.b), isMaximum: false))
    case .maximum: return .pair(extreme(pair(step.a), pair(step.b), isMaximum: true))
    case .equal: return .register(areEqual(pair(step.a), pair(step.b)))
    case .notEqual:
      let equal = areEqual(pair(step.a), pair(step.b))
      return .register(inverted(equal))
    case .less: return .register(isGreater(pair(step.b), pair(step.a)))
    case .lessEqual:
      let greater = isGreater(pair(step.a), pair(step.b))
      return .register(inverted(greater))
    default: return nil
    }
  }

  private mutating func long(_ mnemonic: Mnemonic, _ step: ScalarInstruction) -> Pair {
    combined(mnemonic, pair(step.a), pair(step.b))
  }

  /// Returns the pair of what an instruction makes of the halves of two.
  mutating func combined(_ mnemonic: Mnemonic, _ x: Pair, _ y: Pair) -> Pair {
    x.with(y) { add(mnemonic, [.register($0), .register($1)]) }
  }

  /// Returns the pair of what an instruction with a number makes of each half.
  mutating func shifted(_ mnemonic: Mnemonic, _ x: Pair, by count: Int) -> Pair {
    x.map { add(mnemonic, [.register($0), .immediate(UInt8(count))]) }
  }

  private mutating func negated(_ x: Pair) -> Pair {
    combined(.vpsubq, pair(ofConstant: 0), x)
  }

  /// x · y, cut to 64 bits, from products of 32 bits: the two upper halves do not meet.
  private mutating func product(_ x: Pair, _ y: Pair) -> Pair {
    let (upperX, upperY) = (shifted(.vpsrlq, x, by: 32), shifted(.vpsrlq, y, by: 32))
    let crosses = combined(
      .vpaddq, combined(.vpmuludq, upperX, y), combined(.vpmuludq, x, upperY))
    return combined(.vpaddq, combined(.vpmuludq, x, y), shifted(.vpsllq, crosses, by: 32))
  }

  /// Shifts to the right and copies the sign: what is shifted in as zeros follows from a sign bit that is shifted too.
  private mutating func shiftedRight(_ x: Pair, _ count: Pair) -> Pair {
    let sign = combined(.vpsrlvq, pair(ofConstant: UInt64(1) << 63), count)
    let bits = combined(xor, combined(.vpsrlvq, x, count), sign)
    return combined(.vpsubq, bits, sign)
  }

  private mutating func extreme(_ x: Pair, _ y: Pair, isMaximum: Bool) -> Pair {
    x.with(y) { a, b in
      if isWide {
        return add(isMaximum ? .vpmaxsq : .vpminsq, [.register(a), .register(b)])
      }
      let isGreater = add(.vpcmpgtq, [.register(a), .register(b)])
      let (no, yes) = isMaximum ? (b, a) : (a, b)
      return add(.vblendvpd, [.register(no), .register(yes), .register(isGreater)])
    }
  }

  mutating func areEqual(_ x: Pair, _ y: Pair) -> VirtualRegister {
    joinedTruth(
      x.with(y) { a, b in
        isWide
          ? add(.vpcmpq, [.register(a), .register(b), .immediate(0)], to: .mask)
          : add(.vpcmpeqq, [.register(a), .register(b)])
      })
  }

  private mutating func isGreater(_ x: Pair, _ y: Pair) -> VirtualRegister {
    joinedTruth(
      x.with(y) { a, b in
        isWide
          ? add(.vpcmpq, [.register(a), .register(b), .immediate(6)], to: .mask)
          : add(.vpcmpgtq, [.register(a), .register(b)])
      })
  }
}

// MARK: - Between widths

extension InstructionSelection {
  /// Returns the truth value of all elements from those of the halves.
  private mutating func joinedTruth(_ halves: Pair) -> VirtualRegister {
    guard isWide else { return narrowed(halves) }
    return add(.kunpckbw, [.register(halves.upper), .register(halves.lower)], to: .mask)
  }

  /// Returns the truth values of the halves.
  private mutating func halvesOfTruth(_ mask: VirtualRegister) -> Pair {
    guard isWide else { return widened(mask) }
    return Pair(
      lower: mask, upper: add(.kshiftrw, [.register(mask), .immediate(8)], to: .mask))
  }

  /// Returns the low 32 bits of every element.
  mutating func narrowed(_ x: Pair) -> VirtualRegister {
    guard isWide else {
      // The even lanes, first of both lower halves.
      let lanes = add(.vshufps, [.register(x.lower), .register(x.upper), .immediate(0x88)])
      return add(.vpermq, [.register(lanes), .immediate(0xd8)])
    }
    let halves = x.map { add(.vpmovqd, [.register($0)], isHalf: true) }
    return joined(halves.lower, halves.upper)
  }

  /// Returns 32-bit integers as 64-bit ones.
  mutating func widened(_ x: VirtualRegister) -> Pair {
    let upper = half(of: x, isUpper: true)
    return Pair(lower: x, upper: upper).map { add(.vpmovsxdq, [.half($0)]) }
  }

  /// Returns the pair of a constant, the halves of which are one register.
  mutating func pair(ofConstant bits: UInt64) -> Pair {
    let wide: VirtualRegister
    if let short = Int32(exactly: Int64(bitPattern: bits)) {
      wide = add(.vpmovsxdq, [.half(constant(UInt32(bitPattern: short)))])
    } else {
      let upper = add(.vpsllq, [.register(extended(bits >> 32)), .immediate(32)])
      let moved = add(.vpsllq, [.register(extended(bits)), .immediate(32)])
      let lower = add(.vpsrlq, [.register(moved), .immediate(32)])
      wide = add(or, [.register(upper), .register(lower)])
    }
    return Pair(lower: wide, upper: wide)
  }

  /// Returns a register of 64-bit elements with the low 32 bits of a number, and its sign above them.
  private mutating func extended(_ bits: UInt64) -> VirtualRegister {
    add(.vpmovsxdq, [.half(constant(UInt32(truncatingIfNeeded: bits)))])
  }

  /// Selects a conversion from or to `i64`.
  mutating func convertLong(_ step: ScalarInstruction) -> Value? {
    switch (step.type, step.result) {
    case (.i64, .i64): return values[Int(step.a)]
    case (.i64, .i32): return .register(narrowed(pair(step.a)))
    case (.i64, .u8):
      let lanes = narrowed(pair(step.a))
      return .register(add(and, [.register(lanes), .constant(0xff)]))
    case (.i64, .bool):
      let zero = pair(ofConstant: 0)
      let isZero = areEqual(pair(step.a), zero)
      return .register(inverted(isZero))
    case (.f32, .i64): return .pair(long(truncating: register(step.a)))
    case (.i64, .f32) where !isWide:
      let halves = pair(step.a).map { rounded($0) }
      return .register(joined(halves.lower, halves.upper))
    case (.i64, .f32):
      let halves = pair(step.a).map { add(.vcvtqq2ps, [.register($0)], isHalf: true) }
      return .register(joined(halves.lower, halves.upper))
    case (.i32, .i64), (.u8, .i64): return .pair(widened(register(step.a)))
    case (.bool, .i64):
      let ones = lanes(register(step.a), 1)
      return .pair(widened(ones))
    default: return nil
    }
  }

  /// Chooses between pairs.
  mutating func selectLong(_ step: ScalarInstruction) -> Value {
    .pair(blend(register(step.a), yes: pair(step.b), no: pair(step.c)))
  }

  /// Elements of one pair where a truth value holds, else of another.
  mutating func blend(_ mask: VirtualRegister, yes: Pair, no: Pair) -> Pair {
    let masks = halvesOfTruth(mask)
    let blended = { (selection: inout InstructionSelection, mask: VirtualRegister, a, b) in
      selection.isWide
        ? selection.add(.vpblendmq, [.register(b), .register(a)], mask: mask)
        : selection.add(.vblendvpd, [.register(b), .register(a), .register(mask)])
    }
    return Pair(
      lower: blended(&self, masks.lower, yes.lower, no.lower),
      upper: blended(&self, masks.upper, yes.upper, no.upper))
  }
}

// MARK: - Memory

extension InstructionSelection {
  /// Loads neighbours or a splat where elements exist.
  mutating func loadLong(
    _ stream: MachineOperation.Stream, _ exists: VirtualRegister?
  ) -> Pair {
    if stream.isSplat, exists == nil {
      let splat = add(.vpbroadcastq, [.memory(stream)])
      return Pair(lower: splat, upper: splat)
    }
    if stream.isSplat, !isWide { return gatherLong(stream, constant(0), exists) }
    let masks = halvesOfTruth(limited(exists))
    let load = { (selection: inout InstructionSelection, mask: VirtualRegister, half: Int) in
      var part = stream
      part.half = stream.isSplat ? 0 : half
      return selection.isWide
        ? selection.add(
          stream.isSplat ? .vpbroadcastq : .vmovdqu64, [.memory(part)], mask: mask)
        : selection.add(.vpmaskmovq, [.register(mask), .memory(part)])
    }
    return Pair(lower: load(&self, masks.lower, 0), upper: load(&self, masks.upper, 1))
  }

  /// Gathers elements at offsets; each instruction clears its mask, which nothing else reads.
  mutating func gatherLong(
    _ stream: MachineOperation.Stream, _ offsets: VirtualRegister, _ exists: VirtualRegister?
  ) -> Pair {
    let all = limited(exists)
    let masks = halvesOfTruth(all)
    let upper = half(of: offsets, isUpper: true)
    let gather = {
      (selection: inout InstructionSelection, offsets: VirtualRegister, mask: VirtualRegister) in
      let zero = selection.add(
        selection.xor, [.register(offsets), .register(offsets)])
      var operands: [MachineOperation.Source] = [
        .register(zero), .half(offsets), .memory(stream),
      ]
      if !selection.isWide { operands.append(.register(mask)) }
      return selection.add(
        .vpgatherdq, operands, mask: selection.isWide ? mask : nil, isDestructive: true)
    }
    // The upper half first: with AVX-512 the lower half's mask is the one both come from.
    let second = gather(&self, upper, masks.upper)
    return Pair(lower: gather(&self, offsets, masks.lower), upper: second)
  }

  /// Clamps an index to its bounds, and reports where it was not in them.
  mutating func checkLong(_ x: Pair, _ bound: Int, _ fault: Int) -> Pair {
    let last = pair(ofConstant: UInt64(bitPattern: Int64(bound) - 1))
    let positive = extreme(x, pair(ofConstant: 0), isMaximum: true)
    let clamped = extreme(positive, last, isMaximum: false)
    let isFaulty = inverted(areEqual(clamped, x))
    report(fault, where: limited(isFaulty))
    return clamped
  }
}
