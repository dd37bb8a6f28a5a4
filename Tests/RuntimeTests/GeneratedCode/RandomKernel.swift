import DescentCodegen
import DescentGraph
import DescentTestSupport

/// A map kernel drawn from a seed: its domain, its program, and the bytes its operands hold.
///
/// Every access stays within its operand, whose bytes are as few as that allows: one element more on either side is
/// outside.
struct RandomKernel {
  let seed: UInt64
  private(set) var domain: [Int] = []
  private(set) var program = VectorProgram()
  /// The bytes of each operand that is read.
  private(set) var operands: [[UInt8]] = []
  /// The registers that are stored.
  private(set) var results: [VectorProgram.Register] = []
  private var random: SplitMix64
  private var faultCount = 0
  private var registers: [VectorProgram.Register] = []

  static let types: [DataType] = [.f32, .i32, .u8, .bool]

  init(seed: UInt64) {
    self.seed = seed
    random = SplitMix64(seed: seed)
    drawDomain()
    let count = random.int(1...14)
    while registers.count < count { drawStep() }
    let stored = registers.filter { program.types[Int($0)] != .i64 }
    results = [stored.isEmpty ? constant(.i32) : stored[stored.count - 1]]
    for _ in 0..<random.int(0...2) where !stored.isEmpty { results.append(pick(stored)) }
  }

  private mutating func pick<T>(_ choices: [T]) -> T { choices[random.int(0...choices.count - 1)] }

  /// Mostly few places, around the widths of vectors; now and then none, or more than one unit holds.
  private mutating func drawDomain() {
    let rank = pick([0, 1, 1, 1, 2, 2, 2, 3, 3, 4])
    for axis in 0..<rank {
      let isLast = axis == rank - 1
      let lengths = [1, 2, 3, 7, 8, 9, 13, 15, 16, 17, 19, 23, 31, 32, 33, 35, 37, 48, 67]
      if random.chance(2) {
        domain.append(0)
      } else if rank == 1, random.chance(3) {
        domain.append(pick([4095, 4096, 4097, 8192, 8209]))
      } else {
        domain.append(isLast ? pick(lengths) : random.int(1...5))
      }
    }
  }

  private mutating func append(_ step: VectorProgram.Instruction) -> VectorProgram.Register {
    let register = program.append(step)
    registers.append(register)
    return register
  }

  // MARK: - Steps

  private mutating func drawStep() {
    switch random.int(0...99) {
    case 0..<24: drawLoad()
    case 24..<32: _ = drawPlace()
    case 32..<37: _ = append(.exists(drawGuards()))
    case 37..<46: drawGather()
    case 46..<49: drawLong()
    case 49..<55: _ = constant(pick(RandomKernel.types))
    default: drawScalar()
    }
  }

  private mutating func constant(_ type: DataType) -> VectorProgram.Register {
    append(.scalar(ScalarInstruction(.constant, type, to: type, immediate: drawBits(type))))
  }

  private mutating func drawBits(_ type: DataType) -> UInt64 {
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
      // Constants are what 32 bits hold; the largest, too.
      UInt64(
        bitPattern: pick([
          0, 1, -1, Int64(Int32.max), Int64(Int32.min), Int64(random.int(-40...40)),
          Int64(Int32(truncatingIfNeeded: random.next())),
        ]))
    case .f64: random.next()
    }
  }

  /// A register of a type; a constant where there is none.
  private mutating func register(_ type: DataType) -> VectorProgram.Register {
    let known = registers.filter { program.types[Int($0)] == type }
    return known.isEmpty || random.chance(10) ? constant(type) : pick(known)
  }

  private mutating func drawLoad() {
    let type = pick(RandomKernel.types)
    var access = drawAccess()
    let operand = addOperand(&access, type)
    _ = append(.load(operand: operand, access, type))
  }

  private mutating func drawPlace() -> VectorProgram.Register {
    var access = drawAccess()
    access.offset = random.int(-5...300)
    return append(.place(access, pick([.i32, .f32, .u8])))
  }

  /// An element at an index that is mostly within its bounds.
  private mutating func drawGather() {
    let bound = pick([1, 2, 5, 17, 40])
    var index = register(pick([.i32, .i32, .u8, .i64]))
    if random.chance(80) {
      let type = program.types[Int(index)]
      let mask = append(
        .scalar(
          ScalarInstruction(.constant, type, to: type, immediate: UInt64(pick([0, 1, 3, 15])))))
      index = append(.scalar(ScalarInstruction(.and, type, to: type, index, mask)))
    }
    let checked = append(.check(index: index, bound: bound, fault: faultCount))
    faultCount += 1
    let type = pick(RandomKernel.types + [.i64])
    var access = drawAccess()
    let stride = pick([0, 1, 1, 2, 3, -1, 16])
    let operand = addOperand(&access, type, index: (bound - 1, stride))
    _ = append(.gather(operand: operand, access, index: checked, stride: stride, type))
  }

  /// 64-bit integers: loaded, counted or widened, and what is made of them.
  private mutating func drawLong() {
    switch random.int(0...8) {
    case 0, 1, 2:
      var access = drawAccess()
      let operand = addOperand(&access, .i64)
      _ = append(.load(operand: operand, access, .i64))
    case 3:
      var access = drawAccess()
      access.offset = random.int(-5...300)
      _ = append(.place(access, .i64))
    case 4:
      let type = pick([DataType.i32, .u8, .bool])
      _ = append(.scalar(ScalarInstruction(.convert, type, to: .i64, register(type))))
    default: break
    }
    let x = register(.i64)
    switch random.int(0...6) {
    case 0, 1:
      let type = pick([DataType.i32, .u8, .bool])
      _ = append(.scalar(ScalarInstruction(.convert, .i64, to: type, x)))
    case 2, 3:
      let relation = pick([ScalarOp.equal, .notEqual, .less, .lessEqual])
      _ = append(.scalar(ScalarInstruction(relation, .i64, to: .bool, x, register(.i64))))
    case 4:
      let op = pick([ScalarOp.add, .sub, .and, .or, .xor, .minimum, .maximum])
      _ = append(.scalar(ScalarInstruction(op, .i64, to: .i64, x, register(.i64))))
    default:
      let mask = register(.bool)
      _ = append(.scalar(ScalarInstruction(.select, .i64, to: .i64, mask, x, register(.i64))))
    }
  }

  // MARK: - Accesses

  private mutating func drawGuards() -> [Access.Guard] {
    domain.indices.filter { _ in random.chance(40) }.map { axis in
      Access.Guard(
        axis: axis, low: random.int(-3...domain[axis] + 1), step: pick([1, 1, 1, 2, 3, 4, 7]),
        count: random.int(0...domain[axis] + 2))
    }
  }

  private mutating func drawAccess() -> Access {
    var access = Access(offset: 0, strides: [])
    var extent = 1
    for axis in domain.indices.reversed() {
      let isLast = axis == domain.count - 1
      let stride =
        random.chance(55)
        ? extent : pick(isLast ? [0, 0, 1, 1, 2, 3, -1, -2, 7] : [0, 0, 1, 2, -3, 5, 11])
      access.strides.insert(stride, at: 0)
      extent *= max(1, domain[axis])
    }
    if random.chance(35) { access.guards = drawGuards() }
    return access
  }

  /// Adds an operand that holds just what an access may reach, and moves the access there.
  private mutating func addOperand(
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
    let count = isReached ? high - low + 1 : 0
    var bytes: [UInt8] = []
    for _ in 0..<count {
      let bits = type == .i64 && random.chance(30) ? random.next() : drawBits(type)
      for shift in 0..<type.byteCount {
        bytes.append(UInt8(truncatingIfNeeded: bits >> UInt64(8 * shift)))
      }
    }
    operands.append(bytes)
    return operands.count - 1
  }

  // MARK: - Scalar operations

  private mutating func drawScalar() {
    switch random.int(0...9) {
    case 0:
      let type = pick(RandomKernel.types)
      let (mask, yes, no) = (register(.bool), register(type), register(type))
      _ = append(.scalar(ScalarInstruction(.select, type, to: type, mask, yes, no)))
    case 1, 2:
      let (from, to) = (pick(RandomKernel.types), pick(RandomKernel.types))
      _ = append(.scalar(ScalarInstruction(.convert, from, to: to, register(from))))
    default: drawOperation(pick(RandomKernel.types + [.f32, .f32, .i32]))
    }
  }

  private mutating func drawOperation(_ type: DataType) {
    let relations: [ScalarOp] = [.equal, .notEqual, .less, .lessEqual]
    let operations: [ScalarOp] =
      switch type {
      case .f32, .f64:
        [.add, .sub, .mul, .div, .fma, .neg, .abs, .sqrt, .floor, .ceil, .round, .truncate]
          + [.minimum, .maximum, .minimum, .maximum, .fma] + relations
      case .i32, .i64, .u8:
        [.add, .sub, .mul, .div, .neg, .abs, .minimum, .maximum, .and, .or, .xor, .not]
          + [.shiftLeft, .shiftRight, .shiftRightLogical, .div] + relations
      case .bool: [.and, .or, .xor, .not, .minimum, .maximum] + relations
      }
    let op = pick(operations)
    let result: DataType = relations.contains(op) ? .bool : type
    let a = register(type)
    switch op {
    case .neg, .abs, .sqrt, .floor, .ceil, .round, .truncate, .not:
      _ = append(.scalar(ScalarInstruction(op, type, to: result, a)))
    case .fma:
      let (b, c) = (register(type), register(type))
      _ = append(.scalar(ScalarInstruction(op, type, to: result, a, b, c)))
    case .shiftLeft, .shiftRight, .shiftRightLogical:
      let width = 8 * type.byteCount
      let mask = append(
        .scalar(ScalarInstruction(.constant, type, to: type, immediate: UInt64(width - 1))))
      let shift = append(.scalar(ScalarInstruction(.and, type, to: type, register(type), mask)))
      _ = append(.scalar(ScalarInstruction(op, type, to: result, a, shift)))
    default:
      _ = append(.scalar(ScalarInstruction(op, type, to: result, a, register(type))))
    }
  }
}
