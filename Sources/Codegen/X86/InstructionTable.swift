/// Every instruction the assembler knows, grouped by mnemonic.
package struct InstructionTable: Sendable {
  /// The table, read once.
  package static let shared = InstructionTable(rows: allRows)

  /// The rows, family by family, in the manual's notation.
  package static var allRows: [InstructionRow] {
    integerRows + controlRows + vectorMoveRows + vectorFloatRows + vectorIntegerRows + compareRows
      + convertRows + shuffleRows + gatherRows + maskRows
  }

  /// The forms; those of one mnemonic are neighbours, preferred ones first.
  package private(set) var forms: [InstructionForm] = []
  /// Where the forms of each mnemonic start, and where the last ones end.
  private var starts: [Int] = []

  init(rows: [InstructionRow]) {
    var formsByMnemonic = [[InstructionForm]](repeating: [], count: Mnemonic.allCases.count)
    for (row, form) in Self.read(rows) {
      assert(form.problem(in: row) == nil, "\(row): expected \(form.problem(in: row) ?? "")")
      formsByMnemonic[Int(row.mnemonic.rawValue)].append(form)
    }
    for group in formsByMnemonic {
      starts.append(forms.count)
      forms += Self.markingAmbiguity(group)
    }
    starts.append(forms.count)
  }

  /// Returns what each row lacks, for the rows that lack something.
  package static func problems(in rows: [InstructionRow]) -> [String] {
    read(rows).compactMap { row, form in
      form.problem(in: row).map { "\(row.mnemonic) \(row.operands): expected \($0)" }
    }
  }

  /// Reads the rows, one form for each vector length; most share their operand column with many others.
  private static func read(_ rows: [InstructionRow]) -> [(InstructionRow, InstructionForm)] {
    struct Column: Hashable {
      let operands: String
      let length: Int
    }
    var columns: [Column: OperandNotation] = [:]
    var forms: [(InstructionRow, InstructionForm)] = []
    for row in rows {
      let notation = EncodingNotation(row.notation)
      for length in notation.lengths.isEmpty ? [0] : notation.lengths {
        let column = Column(operands: row.operands, length: length)
        let places =
          columns[column] ?? OperandNotation(row.operands, vectorByteCount: length / 8)
        columns[column] = places
        forms.append((row, InstructionForm(row, notation, places, length: length)))
      }
    }
    return forms
  }

  /// The positions in `forms` of a mnemonic's forms.
  package func range(of mnemonic: Mnemonic) -> Range<Int> {
    let position = Int(mnemonic.rawValue)
    return starts[position]..<starts[position + 1]
  }

  private static func markingAmbiguity(_ group: [InstructionForm]) -> [InstructionForm] {
    group.map { form in
      var marked = form
      marked.needsMemorySize = group.contains { form.isAmbiguous(with: $0) }
      return marked
    }
  }
}
