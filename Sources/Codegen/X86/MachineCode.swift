/// Finished code: bytes that run at any address of the stated alignment.
package struct MachineCode: Sendable {
  /// The instructions, then the constants.
  package let bytes: [UInt8]
  /// How many of the bytes are instructions and padding.
  package let codeByteCount: Int
  /// What the address of the first byte must be a multiple of.
  package let alignment: Int
  /// The extensions the instructions belong to.
  package let features: CPUFeatures
  /// What was emitted, where the assembler was asked to keep it.
  let lines: [ListingLine]
}

/// A line of a listing: an instruction, a label or a remark, at an offset of the code.
enum ListingLine: Sendable {
  case instruction(Instruction, InstructionForm, offset: Int, byteCount: Int)
  case label(Label)
  case remark(String)
}

extension MachineCode {
  /// The code in Intel's syntax, each instruction with its offset and bytes; empty if none was kept.
  package var listing: String { lines.map { text(of: $0) + "\n" }.joined() }

  private func text(of line: ListingLine) -> String {
    switch line {
    case .label(let label): "\(label):"
    case .remark(let remark): "; \(remark)"
    case .instruction(let instruction, let form, let offset, let byteCount):
      Self.column(Self.hex(offset), 6) + "  "
        + Self.column(hex(offset..<offset + byteCount), 34) + instruction.text(as: form)
    }
  }

  private func hex(_ range: Range<Int>) -> String {
    bytes[range].map { Self.hex(Int($0)) }.joined(separator: " ")
  }

  private static func hex(_ value: Int) -> String {
    let digits = String(value, radix: 16)
    return digits.utf8.count < 2 ? "0" + digits : digits
  }

  private static func column(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(1, width - text.utf8.count))
  }
}
