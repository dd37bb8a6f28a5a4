import DescentGraph

// Places in the domain as integers: what guards, gathered addresses and `place` are computed from.
//
// The loop keeps the vector's first place along each axis in memory. Sums are kept modulo 2³²; where an address follows
// from one, or a float, the bounds of the sum are checked when the code is written.

extension InstructionSelection {
  /// An axis of the domain times a stride.
  struct Term {
    var axis: Int
    /// What maps the places, if an access has a guard there.
    var guarded: Access.Guard?
    var stride: Int

    /// The values the term takes.
    func range(in domain: [Int]) -> ClosedRange<Int>? {
      let last = max(0, (guarded?.count ?? domain[axis]) - 1)
      let (end, overflows) = last.multipliedReportingOverflow(by: stride)
      return overflows ? nil : min(0, end)...max(0, end)
    }
  }

  /// Returns the terms of an access with a stride that is not 0.
  func terms(of access: Access) -> [Term] {
    access.strides.indices.filter { access.strides[$0] != 0 }.map { axis in
      Term(
        axis: axis, guarded: access.guards.first { $0.axis == axis },
        stride: access.strides[axis])
    }
  }

  /// Whether the sum of a number and terms is a 32-bit integer at every place that exists.
  func fits(_ offset: Int, _ terms: [Term]) -> Bool {
    var (low, high) = (offset, offset)
    for term in terms {
      guard let range = term.range(in: domain) else { return false }
      let (a, isBelow) = low.addingReportingOverflow(range.lowerBound)
      let (b, isAbove) = high.addingReportingOverflow(range.upperBound)
      guard !isBelow, !isAbove else { return false }
      (low, high) = (a, b)
    }
    return low >= Int(Int32.min) && high <= Int(Int32.max)
  }

  /// Returns the sum of a number and terms.
  mutating func sum(_ offset: Int, _ terms: [Term]) -> VirtualRegister {
    var sum: VirtualRegister?
    for term in terms {
      let place = term.guarded.map { guardedPlace($0) } ?? self.place(along: term.axis)
      let product = product(place, term.stride)
      sum = sum.map { share(.vpaddd, [.register($0), .register(product)]) } ?? product
    }
    let bits = UInt32(truncatingIfNeeded: offset)
    guard let sum else { return share(.vbroadcastss, [.constant(bits)]) }
    return bits == 0 ? sum : share(.vpaddd, [.register(sum), .constant(bits)])
  }

  /// Returns a register times a number.
  mutating func product(_ x: VirtualRegister, _ factor: Int) -> VirtualRegister {
    if factor == 1 { return x }
    if factor > 0, factor & (factor - 1) == 0 {
      let shift = UInt8(truncatingIfNeeded: min(32, factor.trailingZeroBitCount))
      return share(.vpslld, [.register(x), .immediate(shift)])
    }
    return share(.vpmulld, [.register(x), .constant(UInt32(truncatingIfNeeded: factor))])
  }

  /// Returns the place along an axis; along the last each lane has its own.
  private mutating func place(along axis: Int) -> VirtualRegister {
    let first = share(.vbroadcastss, [.memory(stream(.place(axis: axis), isSplat: true))])
    guard axis == domain.count - 1 else { return first }
    return share(.vpaddd, [.register(first), .laneNumbers])
  }
}

// MARK: - Guards

extension InstructionSelection {
  /// Returns the distance of the place from the first that exists.
  private mutating func distance(_ guarded: Access.Guard) -> VirtualRegister {
    let place = place(along: guarded.axis)
    let low = UInt32(truncatingIfNeeded: guarded.low)
    return low == 0 ? place : share(.vpsubd, [.register(place), .constant(low)])
  }

  /// Returns the place that a guard maps the place to; anything where that does not exist.
  private mutating func guardedPlace(_ guarded: Access.Guard) -> VirtualRegister {
    let distance = distance(guarded)
    guard guarded.step != 1 else { return distance }
    return quotient(distance, by: guarded.step, below: reach(of: guarded))
  }

  /// One more than the distance of the last place that exists.
  private func reach(of guarded: Access.Guard) -> Int {
    guarded.count == 0 ? 0 : (guarded.count - 1) * guarded.step + 1
  }

  /// Returns the truth value that the place exists along an axis, or nothing where all do.
  private mutating func exists(_ guarded: Access.Guard) -> VirtualRegister? {
    let reach = min(reach(of: guarded), domain[guarded.axis] - min(guarded.low, 0))
    if guarded.step == 1, guarded.low <= 0, guarded.low + guarded.count >= domain[guarded.axis] {
      return nil
    }
    let distance = distance(guarded)
    let isNear = isBelow(UInt32(truncatingIfNeeded: max(0, reach)), distance)
    guard guarded.step > 1, reach > 1 else { return isNear }
    let multiple = product(guardedPlace(guarded), guarded.step)
    let isMultiple =
      isWide
      ? share(
        .vpcmpd, [.register(distance), .register(multiple), .immediate(0)], to: .mask)
      : share(.vpcmpeqd, [.register(distance), .register(multiple)])
    return share(
      isWide ? .kandw : .vpand, [.register(isNear), .register(isMultiple)], to: truthBank)
  }

  /// Returns whether lanes, taken as unsigned, are below a bound.
  private mutating func isBelow(_ bound: UInt32, _ x: VirtualRegister) -> VirtualRegister {
    if isWide {
      return share(.vpcmpud, [.register(x), .constant(bound), .immediate(1)], to: .mask)
    }
    // AVX2 compares signed integers only; what a minimum does not change is not above it.
    guard bound > 0 else { return share(.vbroadcastss, [.constant(0)]) }
    let lesser = share(.vpminud, [.register(x), .constant(bound - 1)])
    return share(.vpcmpeqd, [.register(x), .register(lesser)])
  }

  /// Returns the truth value that the place exists under guards, or nothing where all do.
  mutating func existence(_ guards: [Access.Guard]) -> VirtualRegister? {
    var all: VirtualRegister?
    for guarded in guards {
      guard let one = exists(guarded) else { continue }
      all =
        all.map {
          share(isWide ? .kandw : .vpand, [.register($0), .register(one)], to: truthBank)
        } ?? one
    }
    return all
  }

  /// Whether every distance that guards ask for is a 32-bit integer.
  func fits(_ guards: [Access.Guard]) -> Bool {
    guards.allSatisfy { guarded in
      let (first, last) = (-guarded.low, domain[guarded.axis] - guarded.low)
      return first >= Int(Int32.min) && last <= Int(Int32.max) && guarded.step <= Int(Int32.max)
    }
  }

  /// Selects whether the place exists.
  mutating func exists(_ guards: [Access.Guard]) -> VirtualRegister? {
    guard fits(guards), hasPlaces else { return nil }
    return existence(guards) ?? register(.constant(1), .bool)
  }

  /// Whether every place is a 32-bit integer.
  var hasPlaces: Bool { domain.allSatisfy { $0 <= Int(Int32.max) } }
}

// MARK: - Values

extension InstructionSelection {
  /// Selects an affine function of the place; 0 where the place does not exist.
  mutating func place(_ access: Access, _ type: DataType) -> VirtualRegister? {
    let terms = terms(of: access)
    guard fits(access.guards), hasPlaces, type != .f32 || fits(access.offset, terms) else {
      return nil
    }
    var value = sum(access.offset, terms)
    if let exists = existence(access.guards) {
      value = blend(exists, yes: .register(value), no: constant(0))
    }
    switch type {
    case .i32: return value
    case .u8: return add(and, [.register(value), .constant(0xff)])
    case .f32: return add(.vcvtdq2ps, [.register(value)])
    case .bool, .i64, .f64: return nil
    }
  }

  /// Selects an index that is clamped to its bounds, and the report where it was not in them.
  mutating func check(_ index: Int32, _ bound: Int, _ fault: Int) -> VirtualRegister? {
    let type = program.types[Int(index)]
    guard type == .i32 || type == .u8 else { return nil }
    let x = register(index)
    let last = UInt32(bitPattern: Int32(clamping: bound - 1))
    let positive = add(.vpmaxsd, [.register(x), .constant(0)])
    let clamped = add(.vpminsd, [.register(positive), .constant(last)])
    let isFaulty =
      isWide
      ? add(.vpcmpd, [.register(clamped), .register(x), .immediate(4)], to: .mask)
      : inverted(add(.vpcmpeqd, [.register(clamped), .register(x)]))
    report(fault, where: limited(isFaulty))
    return clamped
  }
}
