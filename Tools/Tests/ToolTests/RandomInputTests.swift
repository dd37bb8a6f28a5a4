import Descent
import Testing
import ToolSupport

@Suite struct RandomInputTests {
  private let graph = Graph("lookup") { g in
    let table = g.input("table", [5, 2])
    let indices = g.input("indices", [64], .i32)
    let labels = g.input("labels", [64], .i64)
    g.output("rows", table.gather(indices.reshape([8, 8]), axis: 0))
    g.output("oneHot", labels.oneHot(3))
  }

  @Test func indicesStayInRange() throws {
    var random = RandomInputs(seed: 7)
    let inputs = random.fill(graph)
    #expect(try #require(inputs["indices"]).doubles.allSatisfy { (0..<5).contains($0) })
    #expect(Set(try #require(inputs["labels"]).doubles) == [0, 1, 2])
    #expect(try #require(inputs["table"]).doubles.allSatisfy { (-1..<1).contains($0) })
  }

  @Test func theSeedDecides() {
    var (one, same, other) = (RandomInputs(seed: 7), RandomInputs(seed: 7), RandomInputs(seed: 8))
    let inputs = one.fill(graph)
    #expect(same.fill(graph, except: ["table"])["indices"] == inputs["indices"])
    #expect(other.fill(graph)["indices"] != inputs["indices"])
  }
}
