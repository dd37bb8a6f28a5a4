import DescentCodegen
import DescentGraph
import DescentTestSupport

// What operands hold, and how programs find it.

extension ProgramDrawing {
  /// Adds an operand of so many elements and returns its number.
  ///
  /// Sums must depend on their order, so there are operands without values that swallow all others.
  mutating func addOperand(_ type: DataType, count: Int, terms: Int = 1) -> Int {
    var bytes: [UInt8] = []
    // A long sum of numbers that are often infinite says nothing of its terms.
    let special = pick(terms > 64 ? [100, 0, 0, 0, 0] : [100, 100, 3, 0, 0])
    let exponents = pick([0, 1, 10])
    for _ in 0..<count {
      let bits =
        switch type {
        case .i64 where random.chance(30): random.next()
        case .f32 where !random.chance(special): drawNumber(exponents)
        default: drawBits(type)
        }
      for shift in 0..<type.byteCount {
        bytes.append(UInt8(truncatingIfNeeded: bits >> UInt64(8 * shift)))
      }
    }
    return addOperand(bytes)
  }

  /// The bits of a number with any mantissa and an exponent around that of 1.
  private mutating func drawNumber(_ exponents: Int) -> UInt64 {
    let exponent = UInt64(127 + random.int(-exponents...exponents))
    return random.next() & 0x807f_ffff | exponent << 23
  }

  /// Adds an operand and returns its number.
  mutating func addOperand(_ bytes: [UInt8]) -> Int {
    operands.append(bytes)
    return operands.count - 1
  }

  mutating func drawBits(_ type: DataType) -> UInt64 {
    switch type {
    case .bool: UInt64(random.int(0...1))
    case .u8: UInt64(random.int(0...255))
    case .f32:
      pick([
        0, 0x8000_0000, 0x3f80_0000, 0xbf80_0000, 0x7f80_0000, 0xff80_0000, 0x7fc0_0000, 1,
        0x4f00_0000, 0xcf00_0000, 0x437f_0000, 0x4380_0000,
        UInt64(Float(random.int(-2000...2000)).bitPattern) ^ UInt64(random.int(0...7)),
        UInt64((Float(random.int(-2000...2000)) / 16).bitPattern),
        UInt64((Float(random.int(-20...20)) / 4).bitPattern), random.next() & 0xffff_ffff,
      ])
    case .i32:
      pick([
        0, 1, 2, 0xffff_ffff, 0x8000_0000, 0x7fff_ffff, UInt64(random.int(0...40)),
        UInt64(UInt32(bitPattern: Int32(random.int(-40...40)))), random.next() & 0xffff_ffff,
      ])
    case .i64:
      UInt64(
        bitPattern: pick([
          0, 1, -1, Int64(Int32.max), Int64(Int32.min), Int64.max, Int64.min,
          Int64(random.int(-40...40)), Int64(Int32(truncatingIfNeeded: random.next())),
          // Around the bounds to which floats are exact, and ties beyond them.
          pick([1, -1]) * (1 << Int64(random.int(22...62)) + Int64(random.int(-2...2))),
          Int64(bitPattern: random.next()) >> Int64(random.int(0...62)),
        ]))
    case .f64: random.next()
    }
  }

  // MARK: - Accesses

  mutating func drawGuards() -> [Access.Guard] {
    domain.indices.filter { _ in random.chance(40) }.map { axis in
      Access.Guard(
        axis: axis, low: random.int(-3...domain[axis] + 1), step: pick([1, 1, 1, 2, 3, 4, 7]),
        count: random.int(0...domain[axis] + 2))
    }
  }

  /// Mostly element after element of an array, or of one with room between rows, or transposed.
  mutating func drawAccess() -> Access {
    var access = Access(offset: 0, strides: domain.map { _ in 0 })
    var axes = Array(domain.indices.reversed())
    if random.chance(irregularity / 2) { axes.shuffle(using: &random) }
    var extent = 1
    for axis in axes {
      let isLast = axis == domain.count - 1
      access.strides[axis] =
        random.chance(irregularity)
        ? pick(isLast ? [0, 0, 1, 1, 2, 3, -1, -2, 7] : [0, 0, 1, 2, -3, 5, 11]) : extent
      extent *= max(1, domain[axis])
      if random.chance(irregularity / 4) { extent += random.int(1...9) }
    }
    if random.chance(irregularity) { access.guards = drawGuards() }
    return access
  }

  /// Adds an operand that holds just what an access may reach, and moves the access there.
  mutating func addOperand(
    _ access: inout Access, _ type: DataType, index: (last: Int, stride: Int) = (0, 0)
  ) -> Int {
    var (low, high) = (min(0, index.last * index.stride), max(0, index.last * index.stride))
    var isReached = true
    for axis in domain.indices {
      let places = (0..<domain[axis]).compactMap { place -> Int? in
        guard let guarded = access.guards.first(where: { $0.axis == axis }) else { return place }
        let distance = place - guarded.low
        guard distance >= 0, distance % guarded.step == 0, distance / guarded.step < guarded.count
        else { return nil }
        return distance / guarded.step
      }
      guard let first = places.min(), let last = places.max() else {
        isReached = false
        continue
      }
      low += min(first * access.strides[axis], last * access.strides[axis])
      high += max(first * access.strides[axis], last * access.strides[axis])
    }
    access.offset = -low
    return addOperand(type, count: isReached ? high - low + 1 : 0)
  }
}
