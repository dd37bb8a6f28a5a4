/// Where in memory an operand lies: base + index · scale + displacement, or an entry of the constant pool.
package struct Memory: Hashable, Sendable {
  /// What the address starts from.
  package enum Base: Hashable, Sendable {
    /// A 64-bit general register.
    case register(Register)
    /// The instruction pointer; the distance to the entry becomes the displacement.
    case constant(Constant)
  }

  /// What the address starts from.
  package let base: Base
  /// A 64-bit register, or the vector of indices of a gather or scatter.
  package let index: Register?
  /// What the index is multiplied by: 1, 2, 4 or 8.
  package let scale: UInt8
  /// Bytes added to the address.
  package let displacement: Int32
  /// The operand's size, where the other operands do not tell; 0 leaves it to them.
  package private(set) var byteCount: UInt8 = 0
  /// Whether one element is read and repeated over the vector.
  package private(set) var isBroadcast = false

  /// Creates an operand; `rsp` cannot be an index, since its number means none.
  package init(base: Base, index: Register? = nil, scale: Int = 1, displacement: Int32 = 0) {
    if case .register(let register) = base {
      precondition(register.kind == .r64, "base \(register)")
    }
    if let index {
      let isGeneral = index.kind == .r64 && index.number != 4
      precondition(isGeneral || index.kind.isVector, "\(index) cannot be an index")
      if case .constant = base { preconditionFailure("a constant cannot be indexed") }
    }
    precondition([1, 2, 4, 8].contains(scale), "an index cannot be scaled by \(scale)")
    self.base = base
    self.index = index
    self.scale = UInt8(truncatingIfNeeded: scale)
    self.displacement = displacement
  }

  /// The same place, read as one element that is repeated over the vector.
  package var broadcast: Memory {
    var copy = self
    copy.isBroadcast = true
    return copy
  }

  /// The same place with its size stated; of a broadcast, the size of the whole vector.
  package func sized(_ byteCount: Int) -> Memory {
    precondition([1, 2, 4, 8, 16, 32, 64].contains(byteCount), "no operand has \(byteCount) bytes")
    var copy = self
    copy.byteCount = UInt8(truncatingIfNeeded: byteCount)
    return copy
  }

  /// The base register, if there is one.
  var baseRegister: Register? {
    if case .register(let register) = base { register } else { nil }
  }
}

extension InstructionOperand where Self == Memory {
  /// The place `displacement` bytes after a register.
  package static func at(_ base: Register, _ displacement: Int = 0) -> Memory {
    Memory(base: .register(base), displacement: Int32(displacement))
  }

  /// The place base + index · scale + displacement; a vector of indices makes it a gather's.
  package static func at(
    _ base: Register, index: Register, scale: Int = 1, _ displacement: Int = 0
  ) -> Memory {
    Memory(
      base: .register(base), index: index, scale: scale, displacement: Int32(displacement))
  }

  /// An entry of the constant pool.
  package static func constant(_ constant: Constant) -> Memory { Memory(base: .constant(constant)) }
}

extension Memory: CustomStringConvertible {
  /// The address in brackets.
  package var description: String {
    var text =
      switch base {
      case .register(let register): "[\(register)"
      case .constant(let constant): "[rip + \(constant)"
      }
    if let index { text += " + \(index)" + (scale == 1 ? "" : "*\(scale)") }
    if displacement != 0 { text += displacement < 0 ? " - " : " + " }
    if displacement != 0 { text += "\(displacement.magnitude)" }
    return text + "]"
  }
}
