import DescentCodegen
import DescentGraph

// What a vector program means, one place and one scalar at a time.

extension RandomKernel {
  /// Returns the bits of each result at every place in row-major order, and the least fault that is reported.
  func evaluate() -> (results: [[UInt64]], fault: Int?) {
    var values = results.map { _ in [UInt64]() }
    var fault: Int?
    var places = domain.map { _ in 0 }
    for _ in 0..<domain.reduce(1, *) {
      let registers = evaluate(at: places, &fault)
      for (index, result) in results.enumerated() { values[index].append(registers[Int(result)]) }
      for axis in domain.indices.reversed() {
        places[axis] += 1
        if places[axis] < domain[axis] { break }
        places[axis] = 0
      }
    }
    return (values, fault)
  }

  private func evaluate(at places: [Int], _ fault: inout Int?) -> [UInt64] {
    var registers: [UInt64] = []
    for (position, step) in program.instructions.enumerated() {
      let type = program.types[position]
      switch step {
      case .scalar(let step):
        let value = { (register: Int32) in register < 0 ? 0 : registers[Int(register)] }
        registers.append(step.evaluate(value(step.a), value(step.b), value(step.c)))
      case .load(let operand, let access, _):
        registers.append(
          element(operand, type, access.offset(at: places)))
      case .gather(let operand, let access, let index, let stride, _):
        let moved = integer(registers[Int(index)], program.types[Int(index)]) * stride
        registers.append(element(operand, type, access.offset(at: places).map { $0 + moved }))
      case .place(let access, _):
        let place = Int64(access.offset(at: places) ?? 0)
        registers.append(
          ScalarInstruction(.convert, .i64, to: type).evaluate(UInt64(bitPattern: place)))
      case .exists(let guards):
        let access = Access(offset: 0, strides: places.map { _ in 0 }, guards: guards)
        registers.append(access.offset(at: places) == nil ? 0 : 1)
      case .check(let index, let bound, let number):
        let value = integer(registers[Int(index)], type)
        let clamped = min(max(value, 0), bound - 1)
        if value != clamped { fault = min(fault ?? number, number) }
        registers.append(UInt64(clamped))
      case .core: preconditionFailure("a map has no core")
      }
    }
    return registers
  }

  private func integer(_ bits: UInt64, _ type: DataType) -> Int {
    switch type {
    case .i32: Int(Int32(truncatingIfNeeded: bits))
    case .u8: Int(bits & 0xff)
    default: Int(Int64(bitPattern: bits))
    }
  }

  private func element(_ operand: Int, _ type: DataType, _ offset: Int?) -> UInt64 {
    guard let offset else { return 0 }
    var bits: UInt64 = 0
    for byte in 0..<type.byteCount {
      bits |= UInt64(operands[operand][offset * type.byteCount + byte]) << UInt64(8 * byte)
    }
    return bits
  }
}

extension Access {
  /// The address of a place, in elements, or nil where it does not exist.
  fileprivate func offset(at places: [Int]) -> Int? {
    var guarded = places
    for condition in guards {
      let distance = places[condition.axis] - condition.low
      guard distance >= 0, distance % condition.step == 0,
        distance / condition.step < condition.count
      else { return nil }
      guarded[condition.axis] = distance / condition.step
    }
    return zip(strides, guarded).reduce(offset) { $0 + $1.0 * $1.1 }
  }
}
