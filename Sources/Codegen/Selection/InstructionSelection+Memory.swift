import DescentGraph

// Elements of operands: splats, neighbours, and what has to be gathered.

extension InstructionSelection {
  /// How an element is addressed: by the loop, by an offset of its own for each lane, and where it exists.
  private struct Addressing {
    /// What the loop computes: a stride of 0 or 1 along the last axis, and guards that say where there is nothing to
    /// compute.
    var access: Access
    /// What lanes add, in elements.
    var offset = 0
    var terms: [Term] = []
    /// What an index adds.
    var index: (Int32, stride: Int)?
    var isGathered: Bool { !terms.isEmpty || index != nil }
  }

  /// Selects the element of an operand, moved by an index times a stride if there is one.
  mutating func load(
    _ operand: Int, _ access: Access, _ type: DataType, index: (Int32, stride: Int)? = nil
  ) -> Value? {
    guard type != .f64 else { return nil }
    guard access.guards.isEmpty || fits(access.guards) && hasPlaces else { return nil }
    let address = addressing(access, index)
    let exists = existence(access.guards)
    if type.byteCount == 1 {
      return loadByte(operand, access, address, exists, type).map { .register($0) }
    }
    if address.isGathered {
      guard let offset = laneOffsets(address) else { return nil }
      let stream = stream(.element(operand: operand, address.access, type), isSplat: true)
      if type == .i64 { return .pair(gatherLong(stream, offset, exists)) }
      return .register(gather(stream, offset, exists))
    }
    let isSplat = (address.access.strides.last ?? 0) == 0
    let stream = stream(.element(operand: operand, address.access, type), isSplat: isSplat)
    if type == .i64 { return .pair(loadLong(stream, exists)) }
    return .register(loadLanes(stream, exists))
  }

  /// Loads neighbours or a splat of 32 bits where elements exist.
  private mutating func loadLanes(
    _ stream: MachineOperation.Stream, _ exists: VirtualRegister?
  ) -> VirtualRegister {
    let isSplat = stream.isSplat
    guard let exists else { return add(isSplat ? .vbroadcastss : .vmovups, [.memory(stream)]) }
    if isWide {
      // Elements that a mask leaves out are not touched, wherever they would lie.
      return add(isSplat ? .vbroadcastss : .vmovups, [.memory(stream)], mask: limited(exists))
    }
    if isSplat { return gather(stream, constant(0), exists) }
    return add(.vmaskmovps, [.register(limited(exists)), .memory(stream)])
  }

  /// Splits an access into what the loop can address and what lanes must add.
  ///
  /// A guard of step 1 moves the address, and stays. A quotient, and a stride that is neither 0 nor 1 along the last
  /// axis, are left to the lanes, and then that axis with them.
  private func addressing(
    _ access: Access, _ index: (Int32, stride: Int)?
  ) -> Addressing {
    var result = Addressing(
      access: Access(offset: access.offset, strides: access.strides), index: index)
    for guarded in access.guards where guarded.step == 1 {
      result.access.offset -= guarded.low * access.strides[guarded.axis]
      result.access.guards.append(guarded)
    }
    let last = access.strides.count - 1
    result.terms = terms(of: access).filter { ($0.guarded?.step ?? 1) > 1 }
    if let inner = access.strides.last, inner != 0, result.terms.allSatisfy({ $0.axis != last }),
      inner != 1 || result.isGathered
    {
      // The loop's address is that of place 0, which a guard of step 1 has moved already.
      result.terms.append(Term(axis: last, guarded: nil, stride: inner))
    }
    for term in result.terms { result.access.strides[term.axis] = 0 }
    return result
  }

  /// Returns what each lane adds to the address, or nothing where 32 bits may not hold it.
  private mutating func laneOffsets(_ address: Addressing) -> VirtualRegister? {
    guard hasPlaces, fits(address.offset, address.terms) else { return nil }
    guard let (register, stride) = address.index else { return sum(address.offset, address.terms) }
    // A checked index is less than its bound.
    guard case .check(_, let bound, _) = program.instructions[Int(register)] else { return nil }
    let (reach, overflows) = bound.multipliedReportingOverflow(by: stride)
    guard !overflows, reach.magnitude <= Int32.max,
      fits(address.offset + min(0, reach), address.terms),
      fits(address.offset + max(0, reach), address.terms)
    else { return nil }
    let moved = product(self.register(register), stride)
    if address.offset == 0, address.terms.isEmpty { return moved }
    let places = sum(address.offset, address.terms)
    return add(.vpaddd, [.register(places), .register(moved)])
  }

  /// Returns the truth value of those elements that exist at all in a partial vector; no other operation shares it.
  mutating func limited(_ mask: VirtualRegister?) -> VirtualRegister {
    var operands: [MachineOperation.Source] = [.existing]
    if let mask { operands.insert(.register(mask), at: 0) }
    return add(isWide ? .kandw : .vpand, operands, to: truthBank)
  }

  /// Gathers 32 bits for each lane; the instruction clears the mask, which nothing else reads.
  private mutating func gather(
    _ stream: MachineOperation.Stream, _ offsets: VirtualRegister, _ exists: VirtualRegister?
  ) -> VirtualRegister {
    let mask = limited(exists)
    // Zeros in a register of their own: the instruction wants three that differ.
    let zero = add(xor, [.register(offsets), .register(offsets)])
    guard isWide else {
      return add(
        .vpgatherdd,
        [.register(zero), .register(offsets), .memory(stream), .register(mask)],
        isDestructive: true)
    }
    return add(
      .vpgatherdd, [.register(zero), .register(offsets), .memory(stream)], mask: mask,
      isDestructive: true)
  }
}

// MARK: - Bytes

extension InstructionSelection {
  private mutating func loadByte(
    _ operand: Int, _ access: Access, _ address: Addressing, _ exists: VirtualRegister?,
    _ type: DataType
  ) -> VirtualRegister? {
    let isSplat = (address.access.strides.last ?? 0) == 0
    let bytes: VirtualRegister?
    if address.isGathered || exists != nil && (isSplat || !isWide) {
      bytes = gatherByte(operand, access, address, exists, type)
    } else {
      let stream = stream(.element(operand: operand, address.access, type), isSplat: isSplat)
      if isSplat {
        let repeated = add(.vpbroadcastb, [.memory(stream)])
        bytes = add(and, [.register(repeated), .constant(0xff)])
      } else {
        bytes = add(
          .vpmovzxbd, [.memory(stream)], mask: exists.map { limited($0) })
      }
    }
    guard let bytes else { return nil }
    return type == .bool ? isNonzero(bytes) : bytes
  }

  /// Gathers the aligned words that hold bytes, and shifts the bytes down.
  ///
  /// Operands begin at multiples of four bytes, so such a word lies on one page with its byte, and reading it is safe
  /// wherever the byte exists.
  private mutating func gatherByte(
    _ operand: Int, _ access: Access, _ address: Addressing, _ exists: VirtualRegister?,
    _ type: DataType
  ) -> VirtualRegister? {
    let whole = Addressing(
      access: Access(offset: 0, strides: access.strides.map { _ in 0 }), offset: access.offset,
      terms: terms(of: access), index: address.index)
    guard let offsets = laneOffsets(whole) else { return nil }
    let stream = stream(.element(operand: operand, whole.access, type), isSplat: true)
    // The gather counts in words.
    let words = add(.vpsrad, [.register(offsets), .immediate(2)])
    let gathered = gather(stream, words, exists)
    let position = add(and, [.register(offsets), .constant(3)])
    let shift = add(.vpslld, [.register(position), .immediate(3)])
    let bytes = add(.vpsrlvd, [.register(gathered), .register(shift)])
    return add(and, [.register(bytes), .constant(0xff)])
  }
}
