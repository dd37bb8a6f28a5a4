import DescentGraph
import DescentLearning
import Testing

@Suite struct SummaryTests {
  @Test func theTableShowsShapesParametersAndCost() throws {
    let model = try Model("digits", input: [64]) {
      Dense(128)
      ReLU()
      Dense(10)
    }
    #expect(
      model.summary.description == """
        digits: f32[batch, 64]
        layer    output           parameters   FLOPs  bytes
        0.Dense  f32[batch, 128]       8,320  16,512    512
        1.ReLU   f32[batch, 128]           0     256    512
        2.Dense  f32[batch, 10]        1,290   2,570     40
        ───────────────────────────────────────────────────
        total                          9,610  19,338  1,064
        parameters take 38,440 bytes; FLOPs and bytes are those of one example
        """)
  }

  @Test func sharedParametersCountOnce() throws {
    struct Twice: Module {
      let dense = Dense(4)
      func callAsFunction(_ x: Tensor) -> Tensor { dense(dense(x)) }
    }
    let model = try Model(input: [4]) { Twice() }
    #expect(model.summary.parameterCount == 20)
    #expect(model.summary.flops == 72)
  }
}
