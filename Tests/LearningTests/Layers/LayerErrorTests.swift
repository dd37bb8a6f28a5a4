import DescentGraph
import DescentLearning
import Testing

@Suite struct LayerErrorTests {
  @Test func wrongInnerExtentsInTheThirdLayer() {
    let line = #line + 4
    let build = {
      try Model(input: [14, 14, 8]) {
        Dense(16); ReLU()
        Dense(64, inputs: 3136)
      }
    }
    expectError(
      """
      LayerErrorTests.swift:\(line): error: matmul: inner extents differ: 16 in [batch, 14, 14, 16] \
      and 3136 in [3136, 64]
        in layer 2.Dense
        hint: put Flatten() in front of it
      """, build)
  }

  @Test func wrongInnerExtentsOfARow() {
    expectError(
      """
      main.swift:5: error: matmul: inner extents differ: 64 in [batch, 64] and 32 in [32, 10]
        in layer 1.Dense
        hint: write Dense(10), which takes what comes, or Dense(10, inputs: 64)
      """
    ) {
      try Model(input: [8]) {
        Dense(64); Dense(10, inputs: 32, file: "main.swift", line: 5)
      }
    }
  }

  @Test func mistakesInSeveralLayersAreReportedTogether() {
    struct Wrong: Module {
      let a = Dense(0, file: "main.swift", line: 5)
      func callAsFunction(_ x: Tensor) -> Tensor {
        _ = a(x)
        return x.reshape([7], file: "main.swift", line: 8)
      }
    }
    expectError(
      """
      main.swift:5: error: Dense: 0 units are too few
        in layer 0.Wrong.a.Dense
        hint: ask for at least 1
      main.swift:8: error: reshape: [batch, 3] does not have as many elements as [7]
        in layer 0.Wrong
      """
    ) {
      try Model(input: [3]) {
        Wrong(); Dense(-1)
      }
    }
  }

  @Test func aModuleWithoutAnythingToCompute() {
    struct Idle: Module {}
    expectError(
      """
      main.swift:3: error: Idle: there is nothing to compute
        in layer 0.Idle
        hint: give it a body of layers or a callAsFunction(_ x: Tensor) -> Tensor
      """
    ) { try Model(input: [3], file: "main.swift", line: 3) { Idle() } }
  }

  @Test func layersThatNeedFeatures() {
    expectError(
      """
      main.swift:5: error: Dense: [batch] has no axis of features behind the batch
        in layer 0.Dense
        hint: reshape it to [batch, 1]
      """
    ) { try Model(input: []) { Dense(1, file: "main.swift", line: 5) } }
    expectError(
      """
      main.swift:6: error: LayerNorm: [batch] has no axis of features behind the batch
        in layer 0.LayerNorm
      """
    ) { try Model(input: []) { LayerNorm(file: "main.swift", line: 6) } }
  }

  @Test func anInputWithABatch() {
    expectError(
      """
      main.swift:3: error: Model: input [batch, 3] is not the shape of one example
        hint: leave the batch out and count from 0
      """
    ) { try Model(input: [.batch, 3], file: "main.swift", line: 3) { ReLU() } }
  }

  @Test func extentsThatOverflow() {
    let huge = 1 << 40
    for shape in [[huge, huge], [huge, huge, huge], [Int.max, 3]] {
      #expect(throws: GraphErrors.self) {
        try Model(input: Shape(shape)) {
          Flatten()
          Dense(huge)
        }
      }
    }
  }
}
