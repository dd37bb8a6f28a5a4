/// Writes x86-64 machine code.
///
///     var asm = Assembler(features: .avx512Backend)
///     let loop = asm.makeLabel()
///     asm.emit(.vxorps, .xmm(0), .xmm(0), .xmm(0))
///     asm.bind(loop)
///     asm.emit(.vfmadd231ps, .zmm(0), .zmm(1), .at(.rsi, 64).broadcast, mask: .merging(.k(1)))
///     asm.emit(.sub, .rcx, 16)
///     asm.emit(.jne, loop)
///     asm.emit(.ret)
///     let code = asm.finish()
///
/// Among the forms that fit its operands an instruction takes the first in the table: VEX where it can, EVEX
/// where it must. Operands that no form takes are a bug of ours and trap, with the instruction printed.
package struct Assembler: ~Copyable {
  var code = CodeBuffer()
  private var pool = ConstantPool()
  /// The offset of each label; −1 before it is bound.
  private var labelOffsets: [Int] = []
  private let allowedFeatures: CPUFeatures
  private var usedFeatures: CPUFeatures = []
  private let keepsListing: Bool
  private var lines: [ListingLine] = []

  /// Creates an assembler that may use some extensions, and keeps a listing if asked.
  package init(features: CPUFeatures, listing: Bool = false) {
    allowedFeatures = features
    keepsListing = listing
    code.reserve(byteCount: 4096)
  }

  /// The bytes of code so far.
  package var byteCount: Int { code.offset }

  /// Creates a label, to be bound before the code is finished.
  package mutating func makeLabel() -> Label {
    labelOffsets.append(-1)
    return Label(number: labelOffsets.count - 1)
  }

  /// Places a label here.
  /// - Precondition: It has no place yet.
  package mutating func bind(_ label: Label) {
    precondition(labelOffsets[label.number] < 0, "\(label) is bound twice")
    labelOffsets[label.number] = code.offset
    if keepsListing { lines.append(.label(label)) }
  }

  /// Returns the place of some bytes in the constant pool, aligned to their number: a power of two up to
  /// 64, or many times 64, which is then the alignment.
  package mutating func constant(_ bytes: [UInt8]) -> Constant { pool.insert(bytes) }

  /// Returns the constant of a number, repeated to fill a vector.
  package mutating func constant(
    repeating bits: some FixedWidthInteger & UnsignedInteger, count: Int
  ) -> Constant {
    pool.insert(repeating: bits, count: count)
  }

  /// Adds a remark to the listing.
  package mutating func remark(_ text: @autoclosure () -> String) {
    if keepsListing { lines.append(.remark(text())) }
  }

  /// Appends an instruction.
  package mutating func emit(_ instruction: Instruction) {
    guard let form = instruction.form(with: allowedFeatures) else {
      preconditionFailure("\(allowedFeatures) cannot encode \(instruction)")
    }
    let start = code.offset
    instruction.append(to: &code, as: form)
    usedFeatures.formUnion(form.features)
    guard keepsListing else { return }
    lines.append(
      .instruction(instruction, form, offset: start, byteCount: code.offset - start))
  }

  /// The label as a jump from here should see it: short if it is bound and near.
  func reaching(_ label: Label) -> Label {
    let target = labelOffsets[label.number]
    // Two bytes is what a short jump takes, and the distance counts from its end.
    return target >= 0 && target - (code.offset + 2) >= -128 ? label.near : label
  }

  /// Lays out the constants, fills every hole and returns the code.
  /// - Precondition: Every label in use is bound.
  package consuming func finish() -> MachineCode {
    if !pool.isEmpty { align(to: pool.alignment) }
    let codeByteCount = code.offset
    let constantOffsets = pool.append(to: &code)
    for fixup in code.fixups {
      switch fixup.target {
      case .label(let label):
        precondition(labelOffsets[label.number] >= 0, "\(label) is not bound")
        code.fill(fixup, target: labelOffsets[label.number])
      case .constant(let memory, let constant):
        code.fill(fixup, target: constantOffsets[constant.number] + Int(memory.displacement))
      }
    }
    return MachineCode(
      bytes: code.bytes, codeByteCount: codeByteCount, alignment: max(16, pool.alignment),
      features: usedFeatures, lines: lines)
  }
}
