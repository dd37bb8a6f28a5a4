/// Where each operand goes: the manual's Op/En column, one letter an operand.
///
/// R is ModRM.reg, M is ModRM.rm, V is vvvv, I an immediate or a distance, O the low bits of the opcode,
/// C a fixed register that no field names. A fourth R is the register in the trailing byte (/is4).
package enum OperandEncoding: String, Hashable, Sendable {
  case zo = ""
  case o = "O"
  case i = "I"
  case m = "M"
  case oi = "OI"
  case mi = "MI"
  case mc = "MC"
  case rm = "RM"
  case mr = "MR"
  case rmi = "RMI"
  case mri = "MRI"
  case rvm = "RVM"
  case rmv = "RMV"
  case mvr = "MVR"
  case vmi = "VMI"
  case rvmi = "RVMI"
  case rvmr = "RVMR"
}

/// The field of an encoding that an operand fills.
enum OperandRole: Hashable, Sendable {
  case reg, rm, vvvv, immediate, opcode, fixed, trailingRegister
}

extension OperandEncoding {
  /// The field of each operand, in order.
  var roles: [OperandRole] {
    rawValue.utf8.enumerated().map { position, letter in
      switch letter {
      case UInt8(ascii: "R"): position == 3 ? .trailingRegister : .reg
      case UInt8(ascii: "M"): .rm
      case UInt8(ascii: "V"): .vvvv
      case UInt8(ascii: "I"): .immediate
      case UInt8(ascii: "O"): .opcode
      default: .fixed
      }
    }
  }
}
