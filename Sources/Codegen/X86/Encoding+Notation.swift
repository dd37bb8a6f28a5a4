/// Reads the manual's opcode notation.
///
///     VEX.128|256.66.0F38.W0 B8 /r       EVEX.LIG.F3.0F.W0 58 /r       VEX.L1.0F.W0 41 /r
///     REX.W + 83 /0 ib       66 + 89 /r       B8+rd id       0F 84 cd       0F 01 D0
///
/// Several lengths in one row stand for as many rows of the manual. A malformed row traps: it is our bug,
/// and building the table once finds it.
struct EncodingNotation {
  /// The encoding, its length field still 0.
  private(set) var encoding = Encoding()
  /// The vector lengths in bits; empty where the length means nothing.
  private(set) var lengths: [Int] = []
  private var hasOpcode = false

  init(_ notation: String) {
    for word in Self.parts(of: notation, separatedBy: " ") { read(word) }
    precondition(hasOpcode, "no opcode in \(notation)")
  }

  /// Cuts bytes rather than characters, and into strings whose comparison is one step: reading the table is
  /// the first thing a process waits for.
  private static func parts(of text: String, separatedBy mark: Unicode.Scalar) -> [String] {
    text.utf8.split(separator: UInt8(ascii: mark)).map { String(Substring($0)) }
  }

  private mutating func read(_ word: String) {
    switch word {
    case "+": break
    case "66" where encoding.prefix == .legacy: encoding.mandatory = .p66
    case "REX.W": encoding.w = true
    case "/r": encoding.modRM = .register
    case "/is4": encoding.hasRegisterImmediate = true
    case "ib", "cb": encoding.immediateByteCount = 1
    case "iw": encoding.immediateByteCount = 2
    case "id", "cd": encoding.immediateByteCount = 4
    case "io": encoding.immediateByteCount = 8
    default: readField(word)
    }
  }

  private mutating func readField(_ word: String) {
    if word.hasPrefix("VEX.") || word.hasPrefix("EVEX.") {
      encoding.prefix = word.first == "E" ? .evex : .vex
      for part in Self.parts(of: word, separatedBy: ".").dropFirst() { readPrefixPart(part) }
    } else if word.first == "/", let digit = UInt8(word.dropFirst()) {
      encoding.modRM = .digit(digit)
    } else {
      readOpcode(word)
    }
  }

  private mutating func readPrefixPart(_ part: String) {
    switch part {
    case "66": encoding.mandatory = .p66
    case "F3": encoding.mandatory = .pF3
    case "F2": encoding.mandatory = .pF2
    case "0F": encoding.map = .m0F
    case "0F38": encoding.map = .m0F38
    case "0F3A": encoding.map = .m0F3A
    case "W1": encoding.w = true
    case "W0", "WIG", "LIG", "L0": break
    case "L1": encoding.length = 1
    default:
      lengths = part.split(separator: "|").compactMap { Int($0) }
      precondition(!lengths.isEmpty, "unknown prefix field \(part)")
    }
  }

  private mutating func readOpcode(_ word: String) {
    if word == "0F" && encoding.prefix == .legacy && encoding.map == .primary && !hasOpcode {
      encoding.map = .m0F
      return
    }
    encoding.addsRegister = word.hasSuffix("+rd")
    guard let byte = UInt8(word.prefix(2), radix: 16) else {
      preconditionFailure("unknown notation \(word)")
    }
    if hasOpcode { encoding.suffix = byte } else { encoding.opcode = byte }
    hasOpcode = true
  }
}
