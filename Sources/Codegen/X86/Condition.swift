/// What a conditional instruction asks of the flags; the raw value is the low half of its opcode.
package enum Condition: UInt16, Hashable, Sendable, CaseIterable {
  case overflow, noOverflow, below, aboveOrEqual, equal, notEqual, belowOrEqual, above
  case sign, noSign, parity, noParity, less, greaterOrEqual, lessOrEqual, greater

  /// The condition that holds exactly where this one does not: the lowest bit says which of the two it is.
  package var negated: Condition { Self.allCases[Int(rawValue ^ 1)] }

  /// The jump, the move and the byte store under this condition.
  package var jump: Mnemonic { Self.member(of: .jo, rawValue) }
  package var move: Mnemonic { Self.member(of: .cmovo, rawValue) }
  package var set: Mnemonic { Self.member(of: .seto, rawValue) }

  private static func member(of first: Mnemonic, _ offset: UInt16) -> Mnemonic {
    guard let mnemonic = Mnemonic(rawValue: first.rawValue + offset) else {
      preconditionFailure("the conditional families have sixteen members")
    }
    return mnemonic
  }
}
