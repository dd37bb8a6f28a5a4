import DescentGraph
import DescentTestSupport
import Testing

/// Whatever a text holds, parsing returns a lawful graph or throws.
@Suite struct ParserFuzzTests {
  @Test func randomEditsNeverTrap() {
    var random = SplitMix64(seed: 7)
    var accepted = 0
    for seed in 0..<60 as Range<UInt64> {
      var options = seed % 2 == 0 ? RandomGraph.Options() : .training
      options.allowsBatch = true
      options.steps = 1...8
      let text = Array(RandomGraph(seed: seed, options).graph.text(origins: false).utf8)
      for _ in 0..<40 {
        var bytes = text
        for _ in 0..<random.int(1...4) { edit(&bytes, &random) }
        do {
          let graph = try Graph(parsing: String(decoding: bytes, as: UTF8.self), file: "x.graph")
          #expect(graph.verify().isEmpty)
          let again = try Graph(parsing: graph.text, file: "x.graph")
          #expect(again.text(origins: false) == graph.text(origins: false))
          _ = try graph.bound(batch: random.int(1...3))
          accepted += 1
        } catch {
          #expect(!error.errors.isEmpty)
        }
      }
    }
    #expect(accepted > 20, "edits that are all refused test little")
  }

  // Not arguments of the test: a run would print each of them whole.
  @Test func longAndExtremeLinesAreRefused() {
    let lines = [
      String(repeating: "(", count: 100_000), String(repeating: "[", count: 100_000),
      "%0 = exp(" + String(repeating: "%0, ", count: 50_000),
      "%0 = reshape shape=[" + String(repeating: "1, ", count: 50_000) + "1] : f32[]",
      "%0 = transpose permutation=[" + String(repeating: "0, ", count: 50_000) + "1] : f32[]",
      "%0 = iota axis=-9223372036854775808 : f32[9223372036854775807*batch-9223372036854775808]",
      "%0 = size extents=[9223372036854775807*batch+9223372036854775807, 3] : u8[]",
      "%0 = input name=\"x\" : f32[16, 1, 1, 2]\n"
        + "%1 = winogradResult(%0) tile=2 axis=9223372036854775807 : f32[2, 2, 2]",
      "%0 = input name=\"x\" : f32[4, 4, 2]\n"
        + "%1 = winogradImage(%0) tile=9223372036854775807 axis=-9223372036854775808 : f32[2]",
    ]
    for (index, line) in lines.enumerated() {
      #expect(throws: GraphErrors.self, "line \(index)") {
        let graph = try Graph(parsing: "graph \"g\"\n" + line, file: "x.graph")
        _ = try graph.bound(batch: .max)
      }
    }
  }

  @Test func extremeMovementsAreRefused() {
    let extremes =
      [Int.min, -1, 0, 1, 2, Int.max].map(String.init) + ["batch", "9223372036854775807*batch-1"]
    for low in extremes {
      for high in extremes {
        let text = """
          graph "g"
          %0 = input name="x" : f32[3]
          %1 = slice(%0) starts=[\(low)] limits=[\(high)] strides=[9223372036854775807] : f32[1]
          %2 = pad(%0) low=[\(low)] high=[\(high)] interior=[\(Int.max)] value=0.0 : f32[1]
          %3 = slice(%0) starts=[\(low)] limits=[\(high)] strides=[1] : f32[\(high)]
          """
        #expect(throws: GraphErrors.self) { try Graph(parsing: text, file: "x.graph") }
      }
    }
  }

  private func edit(_ bytes: inout [UInt8], _ random: inout SplitMix64) {
    guard !bytes.isEmpty else { return }
    let at = random.int(0...bytes.count - 1)
    switch random.int(0...5) {
    case 0: bytes[at] = UInt8(truncatingIfNeeded: random.int(0...255))
    case 1: bytes[at] = random.pick(Array("0123456789-[]()%=,:\"\n*+xe.".utf8))
    case 2: bytes.remove(at: at)
    case 3: bytes.insert(random.pick(Array("0123456789-[]()%=,:\"\n".utf8)), at: at)
    case 4:
      let end = min(bytes.count, at + random.int(1...12))
      bytes.insert(contentsOf: bytes[at..<end], at: random.int(0...bytes.count - 1))
    default: bytes.removeSubrange(at..<min(bytes.count, at + random.int(1...12)))
    }
  }
}
