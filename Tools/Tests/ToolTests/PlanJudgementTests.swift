import Descent
import Foundation
import Testing
import ToolSupport

@Suite struct PlanJudgementTests {
  private func plan() throws -> Plan {
    let graph = Graph("line") { g in
      let x = g.input("x", [.batch, 3])
      let slope = g.parameter("slope", [3, 2], .ones)
      g.output("loss", mean(square(x.matmul(slope))))
    }
    let options = CompileOptions(threads: 2, minimumWorkPerThread: 1)
    return try graph.minimizing("loss", with: .sgd(0.1)).compile(batch: 64, options: options)
  }

  private func faults(_ text: String) -> [String] { PlanJudgement.faults(in: Data(text.utf8)) }

  @Test func aPlanIsAcceptedAndSurvivesJSON() throws {
    let data = try PlanJudgement.encode(plan())
    #expect(PlanJudgement.faults(in: data) == [])
    #expect(try PlanJudgement.encode(plan()) == data)
  }

  @Test func malformedPlansAreRefusedWithTheReason() throws {
    #expect(faults("").count == 1)
    #expect(faults("[]").count == 1)
    #expect(faults("{}") == ["malformed: the plan has no \"version\""])
    let text = String(decoding: try PlanJudgement.encode(plan()), as: UTF8.self)
    let spoil = { (old: String, new: String) in
      self.faults(text.replacingOccurrences(of: old, with: new))
    }
    #expect(spoil("\"version\":1", "\"version\":2") == ["malformed: version is 2, expected 1"])
    #expect(
      spoil("\"alignment\":64", "\"alignment\":\"64\"")
        == ["malformed: alignment is not of type Int"])
    #expect(spoil("\"alignment\":64", "\"alignment\":0") == ["V2: alignment 0 is not positive"])
    #expect(spoil("\"alignment\":64", "\"alignment\":6.5").count == 1)
  }

  /// Whatever number stands in a plan, the checker comes back.
  @Test func noNumberTraps() throws {
    let text = String(decoding: try PlanJudgement.encode(plan()), as: UTF8.self)
    let numbers = text.ranges(of: /-?[0-9]+/)
    let extremes = [
      "-1", "-64", "9223372036854775807", "9223372036854775744", "-9223372036854775808",
      "18446744073709551616", "1e400", "null", "[]",
    ]
    for range in numbers {
      for extreme in extremes {
        _ = faults(text.replacingCharacters(in: range, with: extreme))
      }
    }
    #expect(numbers.count > 50)
  }
}
