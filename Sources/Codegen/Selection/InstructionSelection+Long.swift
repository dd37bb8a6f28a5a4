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
    case .and: return .pair(long(isWide ? .vpandq : .vpand, step))
    case .or: return .pair(long(isWide ? .vporq : .vpor, step))
    case .xor: return .pair(long(isWide ? .vpxorq : .vpxor, step))
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
    pair(step.a).with(pair(step.b)) { add(mnemonic, [.register($0), .register($1)]) }
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

  private mutating func areEqual(_ x: Pair, _ y: Pair) -> VirtualRegister {
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

  /// Selects a constant that 32 bits hold.
  func long(constant bits: UInt64) -> UInt32? {
    Int32(exactly: Int64(bitPattern: bits)).map { UInt32(bitPattern: $0) }
  }

  /// Returns the pair of a constant.
  mutating func pair(ofConstant bits: UInt32) -> Pair {
    let wide = add(.vpmovsxdq, [.half(constant(bits))])
    return Pair(lower: wide, upper: wide)
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
    case (.i64, .f32) where isWide:
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
    let masks = halvesOfTruth(register(step.a))
    let (yes, no) = (pair(step.b), pair(step.c))
    let blended = { (selection: inout InstructionSelection, mask: VirtualRegister, a, b) in
      selection.isWide
        ? selection.add(.vpblendmq, [.register(b), .register(a)], mask: mask)
        : selection.add(.vblendvpd, [.register(b), .register(a), .register(mask)])
    }
    return .pair(
      Pair(
        lower: blended(&self, masks.lower, yes.lower, no.lower),
        upper: blended(&self, masks.upper, yes.upper, no.upper)))
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
  mutating func checkLong(_ x: Pair, _ bound: Int, _ fault: Int) -> Pair? {
    guard let last = long(constant: UInt64(bitPattern: Int64(bound) - 1)) else { return nil }
    let positive = extreme(x, pair(ofConstant: 0), isMaximum: true)
    let clamped = extreme(positive, pair(ofConstant: last), isMaximum: false)
    let isFaulty = inverted(areEqual(clamped, x))
    report(fault, where: limited(isFaulty))
    return clamped
  }
}
