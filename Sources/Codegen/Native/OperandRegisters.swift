/// The machine registers of what an operation reads, taken one after the other.
struct OperandRegisters {
  private var remaining: ArraySlice<UInt8>
  private let core: UInt8

  /// Creates the registers of an allocation; where it says so, the register of the kernel's core.
  init(_ numbers: [UInt8], core: UInt8) {
    (remaining, self.core) = (numbers[...], core)
  }

  /// The next one, if there is one.
  var first: UInt8? {
    remaining.first.map { $0 == VectorEmitter.coreRegister ? core : $0 }
  }

  /// Takes the next one.
  mutating func next() -> UInt8 {
    let number = remaining.removeFirst()
    return number == VectorEmitter.coreRegister ? core : number
  }
}
