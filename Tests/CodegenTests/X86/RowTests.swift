import DescentCodegen
import Foundation
import Testing

/// Every form of the table against bytes that an outside assembler wrote down once.
///
/// A line of `Rows.txt` is the bytes and the text. Where the outside assembler prefers an equivalent encoding
/// the line shows both, ours first. `UPDATE_SNAPSHOTS=1` asks the outside assembler anew.
struct RowTests {
  static let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("Rows.txt")

  /// The samples in table order; distances in code are tested with labels instead.
  static var samples: [Instruction] {
    InstructionTable.shared.forms.enumerated().flatMap { position, form in
      SampleInstructions(form: form, position: position).instructions
    }
  }

  @Test func `bytes and text equal the frozen rows`() throws {
    let samples = Self.samples
    if ProcessInfo.processInfo.environment["UPDATE_SNAPSHOTS"] == "1" {
      try Self.write(samples)
    }
    let lines = try String(contentsOf: Self.file, encoding: .utf8).split(separator: "\n")
    try #require(lines.count == samples.count)
    for (line, sample) in zip(lines, samples) {
      let bytes = hex(try #require(sample.encoded()))
      let frozenBytes = line.prefix { $0 != " " }.prefix { $0 != "=" }
      let frozenText = line.drop { $0 != " " }.dropFirst()
      #expect(bytes == frozenBytes, "\(line)")
      #expect("\(sample)" == frozenText)
    }
  }

  @Test func `a row differs from the outside assembler only where listed`() throws {
    let lines = try String(contentsOf: Self.file, encoding: .utf8).split(separator: "\n")
    for line in lines where line.prefix(while: { $0 != " " }).contains("=") {
      let text = String(line.drop { $0 != " " }.dropFirst())
      #expect(Equivalence.explains(text) != nil, "\(line)")
    }
  }

  @Test func `every form has a row`() {
    for (position, form) in InstructionTable.shared.forms.enumerated() {
      let isDistance = !form.kinds[0].isDisjoint(with: .anyDistance)
      let samples = SampleInstructions(form: form, position: position).instructions
      #expect(isDistance || !samples.isEmpty, "\(form.mnemonic) \(form.encoding)")
    }
  }

  @Test func `every mnemonic has a form`() {
    for mnemonic in Mnemonic.allCases {
      #expect(!InstructionTable.shared.range(of: mnemonic).isEmpty, "\(mnemonic)")
    }
  }

  private static func write(_ samples: [Instruction]) throws {
    let outside = try OutsideAssembler.bytes(of: samples.map { "\($0)" })
    var text = ""
    for (sample, theirs) in zip(samples, outside) {
      let ours = sample.encoded() ?? []
      // Our own bytes are written only beside different ones: the first test decides on the rest.
      let isEquivalent = ours != theirs && Equivalence.explains("\(sample)") != nil
      text += (isEquivalent ? hex(ours) + "=" : "") + hex(theirs) + " \(sample)\n"
    }
    try text.write(to: file, atomically: true, encoding: .utf8)
  }
}

/// Returns bytes as hexadecimal digits.
func hex(_ bytes: [UInt8]) -> String {
  let digits = Array("0123456789abcdef")
  return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
}
