import DescentCodegen
import DescentTestSupport
import Foundation
import Testing

/// Random instructions against the assembler of the system: `DESCENT_FUZZ_ASSEMBLER=20000 swift test`.
struct FuzzTests {
  static let count = ProcessInfo.processInfo.environment["DESCENT_FUZZ_ASSEMBLER"].flatMap {
    Int($0)
  }
  static let seed =
    ProcessInfo.processInfo.environment["DESCENT_FUZZ_SEED"].flatMap { UInt64($0) } ?? 1

  @Test(.enabled(if: count != nil))
  func `random instructions have the bytes of the outside assembler`() throws {
    var random = SplitMix64(seed: Self.seed)
    var instructions: [Instruction] = []
    while instructions.count < Self.count ?? 0 {
      let form = random.pick(InstructionTable.shared.forms)
      if let instruction = RandomInstruction(form: form).draw(&random) {
        instructions.append(instruction)
      }
    }
    let texts = instructions.map { "\($0)" }
    let outside = try OutsideAssembler.bytes(of: texts)
    var equivalents: [String: Int] = [:]
    for ((instruction, text), theirs) in zip(zip(instructions, texts), outside) {
      let ours = try #require(instruction.encoded())
      if ours == theirs { continue }
      let reason = Equivalence.explains(text)
      equivalents[reason ?? "", default: 0] += 1
      #expect(reason != nil, "\(text): ours \(hex(ours)), theirs \(hex(theirs))")
    }
    let total = equivalents.values.reduce(0, +)
    print(
      "\(instructions.count) instructions, seed \(Self.seed), \(total) equivalent: \(equivalents)")
  }
}
