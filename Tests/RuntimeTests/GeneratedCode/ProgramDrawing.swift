import DescentCodegen
import DescentGraph
import DescentTestSupport

/// Draws programs, one after the other, and the bytes of the operands they read.
///
/// Every access stays within its operand, whose bytes are as few as that allows: one element more on either side is
/// outside.
struct ProgramDrawing {
  var random: SplitMix64
  /// The bytes of each operand that is read.
  var operands: [[UInt8]] = []
  /// The program under construction, its domain, and the registers to choose from.
  private(set) var program = VectorProgram()
  private(set) var domain: [Int] = []
  private(set) var registers: [VectorProgram.Register] = []
  private var faultCount = 0
  /// How often, of a hundred times, an access is not the plain one.
  let irregularity: Int

  static let types: [DataType] = [.f32, .i32, .u8, .bool]

  init(seed: UInt64) {
    random = SplitMix64(seed: seed)
    irregularity = random.pick([0, 20, 45])
  }

  /// Draws a program of about so many steps, behind some that are given.
  mutating func draw(
    over domain: [Int], steps: Int, after first: [VectorProgram.Instruction] = []
  ) {
    (self.domain, program, registers) = (domain, VectorProgram(), [])
    for step in first { _ = append(step) }
    if steps > 2, random.chance(12) { return drawChain() }
    while registers.count < first.count + steps { drawStep() }
  }

  /// A register that can be stored, of some type if there are any; mostly one of the last.
  mutating func result(
    of types: [DataType] = ProgramDrawing.types + [.i64]
  ) -> VectorProgram.Register {
    let known = registers.filter { types.contains(program.types[Int($0)]) }
    guard !known.isEmpty else { return constant(pick(types)) }
    return random.chance(50) ? known[known.count - 1] : pick(known)
  }

  mutating func pick<T>(_ choices: [T]) -> T { random.pick(choices) }

  private mutating func append(_ step: VectorProgram.Instruction) -> VectorProgram.Register {
    let register = program.append(step)
    registers.append(register)
    return register
  }

  // MARK: - Steps

  /// Draws a chain of operations so long that two vectors at once may be worth it.
  private mutating func drawChain() {
    drawLoad()
    var last = register(.f32)
    for _ in 0..<random.int(9...14) {
      let other = random.chance(50) ? last : register(.f32)
      let op = pick([ScalarOp.add, .sub, .mul, .fma, .fma, .minimum, .maximum, .div])
      let operands = op == .fma ? [last, other, register(.f32)] : [last, other, -1]
      last = append(
        .scalar(ScalarInstruction(op, .f32, to: .f32, operands[0], operands[1], operands[2])))
    }
  }

  private mutating func drawStep() {
    switch random.int(0...99) {
    case 0..<24: drawLoad()
    case 24..<32: _ = drawPlace()
    case 32..<37: _ = append(.exists(drawGuards()))
    case 37..<46: drawGather()
    case 46..<51: drawLong()
    case 51..<56: _ = constant(pick(ProgramDrawing.types))
    default: drawScalar()
    }
  }

  private mutating func constant(_ type: DataType) -> VectorProgram.Register {
    append(.scalar(ScalarInstruction(.constant, type, to: type, immediate: drawBits(type))))
  }

  /// A register of a type; a constant where there is none.
  private mutating func register(_ type: DataType) -> VectorProgram.Register {
    let known = registers.filter { program.types[Int($0)] == type }
    return known.isEmpty || random.chance(10) ? constant(type) : pick(known)
  }

  private mutating func drawLoad() {
    let type = pick(ProgramDrawing.types)
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
    let type = pick(ProgramDrawing.types + [.i64])
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
    case 4, 5:
      let type = pick(ProgramDrawing.types)
      _ = append(.scalar(ScalarInstruction(.convert, type, to: .i64, register(type))))
    default: break
    }
    let x = register(.i64)
    switch random.int(0...8) {
    case 0, 1, 2:
      let type = pick(ProgramDrawing.types + [.f32])
      _ = append(.scalar(ScalarInstruction(.convert, .i64, to: type, x)))
    case 3, 4, 5, 6: drawOperation(.i64)
    default:
      let mask = register(.bool)
      _ = append(.scalar(ScalarInstruction(.select, .i64, to: .i64, mask, x, register(.i64))))
    }
  }

  // MARK: - Scalar operations

  private mutating func drawScalar() {
    switch random.int(0...9) {
    case 0:
      let type = pick(ProgramDrawing.types)
      let (mask, yes, no) = (register(.bool), register(type), register(type))
      _ = append(.scalar(ScalarInstruction(.select, type, to: type, mask, yes, no)))
    case 1, 2:
      let (from, to) = (pick(ProgramDrawing.types), pick(ProgramDrawing.types))
      _ = append(.scalar(ScalarInstruction(.convert, from, to: to, register(from))))
    default: drawOperation(pick(ProgramDrawing.types + [.f32, .f32, .i32]))
    }
  }

  private mutating func drawOperation(_ type: DataType) {
    let relations: [ScalarOp] = [.equal, .notEqual, .less, .lessEqual]
    let operations: [ScalarOp] =
      switch type {
      case .f32, .f64:
        [.add, .sub, .mul, .div, .fma, .neg, .abs, .sqrt, .floor, .ceil, .round, .truncate]
          + [.minimum, .maximum, .minimum, .maximum, .fma, .scale] + relations
      case .i64:
        [.add, .sub, .mul, .neg, .abs, .minimum, .maximum, .and, .or, .xor, .not]
          + [.shiftLeft, .shiftRight, .shiftRightLogical] + relations
      case .i32, .u8:
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
    case .scale:
      let (x, y) = scaleOperands()
      _ = append(.scalar(ScalarInstruction(op, type, to: result, x, y)))
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

  /// A float from 1 to 2, and an integral one from −128 to 127.
  private mutating func scaleOperands() -> (VectorProgram.Register, VectorProgram.Register) {
    let constant = { (drawing: inout ProgramDrawing, bits: UInt64) in
      drawing.append(.scalar(ScalarInstruction(.constant, .i32, to: .i32, immediate: bits)))
    }
    // Any NaN is as good as another, but their bits are not.
    let x = register(.f32)
    let isNumber = append(.scalar(ScalarInstruction(.equal, .f32, to: .bool, x, x)))
    let zero = append(.scalar(ScalarInstruction(.constant, .f32, to: .f32, immediate: 0)))
    let chosen = append(.scalar(ScalarInstruction(.select, .f32, to: .f32, isNumber, x, zero)))
    let bits = append(.scalar(ScalarInstruction(.bitcast, .f32, to: .i32, chosen)))
    let mask = constant(&self, 0x007f_ffff)
    let fraction = append(.scalar(ScalarInstruction(.and, .i32, to: .i32, bits, mask)))
    let one = constant(&self, 0x3f80_0000)
    let number = append(.scalar(ScalarInstruction(.or, .i32, to: .i32, fraction, one)))
    let byte = constant(&self, 255)
    let low = append(.scalar(ScalarInstruction(.and, .i32, to: .i32, register(.i32), byte)))
    let half = constant(&self, 128)
    let steps = append(.scalar(ScalarInstruction(.sub, .i32, to: .i32, low, half)))
    return (
      append(.scalar(ScalarInstruction(.bitcast, .i32, to: .f32, number))),
      append(.scalar(ScalarInstruction(.convert, .i32, to: .f32, steps)))
    )
  }
}
