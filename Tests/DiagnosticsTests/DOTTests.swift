import DescentDiagnostics
import DescentGraph
import DescentTestSupport
import Testing

@Suite struct DOTTests {
  @Test func leavesLayersOutputsAndUpdatesAreDrawn() {
    let graph = Graph("a \"small\" one") { g in
      let x = g.input("x", [.batch, 2], file: "m.swift", line: 1)
      let count = g.state("count", [], .i64, file: "m.swift", line: 2)
      g.layers = ["0.Dense"]
      let weight = g.parameter("weight", [2, 3], .heNormal, file: "m.swift", line: 3)
      let y = x.matmul(weight, file: "m.swift", line: 4)
      g.layers = ["1.ReLU"]
      g.output("back\\slash", relu(y, file: "m.swift", line: 5))
      g.layers = []
      g.update(count, to: count + g.constant(1, .i64, file: "m.swift", line: 6))
    }
    expectSnapshot(
      graph.dot,
      """
      digraph "a \\"small\\" one" {
        rankdir=TB;
        node [fontname="Helvetica", fontsize=11, shape=box, style="rounded,filled", fillcolor=white];
        edge [fontname="Helvetica", fontsize=9, color=gray40];
        n0 [label="x\\nf32[batch, 2]", shape=invhouse, style=filled, fillcolor=lightblue, tooltip="m.swift:1"];
        n1 [label="count\\ni64[]", shape=box, style=filled, fillcolor=khaki, tooltip="m.swift:2"];
        n5 [label="%5 constant\\ni64[]", shape=ellipse, style=filled, fillcolor=gray90, tooltip="m.swift:6"];
        n6 [label="%6 add", tooltip="m.swift:6"];
        subgraph cluster1 {
          label="0.Dense"; color=gray70; fontname="Helvetica"; fontsize=10;
          n2 [label="weight\\nf32[2, 3]", shape=box, style=filled, fillcolor=palegreen, tooltip="0.Dense  m.swift:3"];
          n3 [label="%3 contract", tooltip="0.Dense  m.swift:4"];
        }
        subgraph cluster2 {
          label="1.ReLU"; color=gray70; fontname="Helvetica"; fontsize=10;
          n4 [label="%4 relu", tooltip="1.ReLU  m.swift:5"];
        }
        n0 -> n3 [label="f32[batch, 2]"];
        n2 -> n3 [label="f32[2, 3]"];
        n3 -> n4 [label="f32[batch, 3]"];
        n1 -> n6 [label="i64[]"];
        n5 -> n6 [label="i64[]"];
        output0 [label="back\\\\slash", shape=doubleoctagon, style=filled, fillcolor=lightyellow];
        n4 -> output0 [label="f32[batch, 3]"];
        n6 -> n1 [label="update", style=dashed, constraint=false];
      }
      """)
  }

  @Test func everyValueEdgeAndOutputIsThere() {
    for seed in 0..<50 as Range<UInt64> {
      let graph = RandomGraph(seed: seed).graph
      let lines = graph.dot.split(separator: "\n")
      let edges =
        graph.nodes.reduce(0) { $0 + $1.operands.count } + graph.outputs.count
        + graph.updates.count
      #expect(lines.filter { $0.contains(" -> ") }.count == edges, "seed \(seed)")
      let nodes = lines.filter { $0.contains("[label=") && !$0.contains(" -> ") }
      #expect(nodes.count == graph.nodes.count + graph.outputs.count, "seed \(seed)")
      #expect(graph.dot == RandomGraph(seed: seed).graph.dot)
    }
  }

  @Test func hostileNamesStayInTheirQuotes() {
    let graph = Graph("g") { g in g.output("\"]; x -> y [\"\n\\", g.input("\\\"", [1])) }
    for line in graph.dot.split(separator: "\n") {
      let bare = line.replacing("\\\\", with: "").replacing("\\\"", with: "")
      #expect(bare.count { $0 == "\"" } % 2 == 0, "\(line)")
    }
  }
}
