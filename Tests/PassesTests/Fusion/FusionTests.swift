import DescentGraph
import DescentPasses
import DescentTestSupport
import Testing

/// Which groups models become; a star marks what is stored.
@Suite struct FusionTests {
  @Test func softmaxIsARow() throws {
    let graph = Graph("softmax") { g in
      g.output("y", softmax(g.input("x", [.batch, 4, 10])))
    }
    expectSnapshot(
      try FusedGraph(compiling: graph, batch: 8).lines,
      """
      row [8, 4, 10]: max sub exp sum div mul*
      """)
  }

  @Test func logSoftmaxIsARow() throws {
    let graph = Graph("logSoftmax") { g in
      g.output("y", logSoftmax(g.input("x", [.batch, 10])))
    }
    expectSnapshot(
      try FusedGraph(compiling: graph, batch: 8).lines,
      """
      row [8, 10]: max sub exp sum log sub*
      """)
  }

  @Test func softmaxOverAMiddleAxisIsTwoColumnsAndAMap() throws {
    let graph = Graph("softmax") { g in
      g.output("y", softmax(g.input("x", [.batch, 40, 10]), axis: 1))
    }
    expectSnapshot(
      try FusedGraph(compiling: graph, batch: 8).lines,
      """
      column [8, 40, 10]: max*
      column [8, 40, 10]: sub exp* sum div*
      map [8, 40, 10]: mul*
      """)
  }

  @Test func aFewRowsAreSweptAgain() throws {
    let graph = Graph("softmax") { g in
      g.output("y", softmax(g.input("x", [.batch, 4, 10]), axis: 1))
    }
    expectSnapshot(
      try FusedGraph(compiling: graph, batch: 8).lines,
      """
      column [8, 4, 10]: max sub exp sum div mul*
      """)
  }

  /// What follows from sums may read so much that there is no room left; the elements they are of come first.
  @Test func whatIsSummedComesBeforeWhatFollows() throws {
    let graph = Graph("sums") { g in
      let x = g.input("x", [256, 16])
      let masked = relu(g.input("y", [256, 16])) * g.input("z", [256, 16])
      let (one, two) = (masked.sum(axes: [0]), (masked * x).sum(axes: [0]))
      for index in 0..<6 {
        g.output("one\(index)", one * g.input("a\(index)", [16]))
        g.output("two\(index)", two * g.input("b\(index)", [16]))
      }
    }
    expectSnapshot(
      try FusedGraph(compiling: graph, batch: 8).lines,
      """
      column [256, 16]: relu mul sum* mul sum mul* mul* mul* mul* mul* mul* mul* mul* mul* mul*
      map [16]: mul* mul*
      """)
  }

  @Test func layerNormIsARowThereAndBackAndOneColumn() throws {
    let graph = try Graph("layerNorm") { g in
      let x = g.input("x", [.batch, 16])
      let hidden = x.matmul(g.parameter("w", [16, 16], .heNormal))
      let y = layerNorm(
        hidden, scale: g.parameter("scale", [16], .ones), shift: g.parameter("shift", [16]))
      g.output("loss", mse(y.matmul(g.parameter("v", [16, 16], .heNormal)), x))
    }.minimizing("loss", with: .sgd(0.1))
    expectSnapshot(
      try FusedGraph(compiling: graph, batch: 8).lines,
      """
      contraction [8, 16]: contract*
      row [8, 16]: sum mul sub* mul sum mul add sqrt* div* mul* mul add*
      contraction [8, 16]: contract sub*
      row [8, 16]: mul sum mul* mul add*
      contraction [8, 16]: contract*
      row [8, 16]: mul mul mul sum div mul mul div mul mul add add neg sum mul add*
      map []: add*
      contraction [16, 16]: contract mul sub*
      column [8, 16]: sum mul sum mul sub* mul sub*
      contraction [16, 16]: contract mul sub*
      """)
  }

  @Test func crossEntropyAndItsGradientAreOneRow() throws {
    let graph = try Graph("crossEntropy") { g in
      let scores = g.input("x", [.batch, 16]).matmul(g.parameter("w", [16, 10], .heNormal))
      g.output("loss", crossEntropy(scores, g.input("labels", [.batch], .i32)))
    }.minimizing("loss", with: .sgd(0.1))
    expectSnapshot(
      try FusedGraph(compiling: graph, batch: 8).lines,
      """
      contraction [8, 10]: contract*
      row [8, 10]: oneHot max sub exp sum log sub select sum* select neg sum div mul add*
      row [8]: neg sum mul*
      map []: add*
      contraction [16, 10]: contract mul sub*
      """)
  }

  @Test func aTrainingStepOfThreeLayersIsFewKernels() throws {
    func step(_ optimizer: Optimizer) throws -> FusedGraph {
      let graph = try Graph("mlp") { g in
        var x = g.input("x", [.batch, 784])
        for (index, width) in [128, 64, 10].enumerated() {
          let weight = g.parameter("\(index).w", [x.shape[1], Extent(offset: width)], .heNormal)
          x = x.matmul(weight) + g.parameter("\(index).b", [Extent(offset: width)])
          if index < 2 { x = relu(x) }
        }
        g.output("loss", crossEntropy(x, g.input("labels", [.batch], .i32)))
      }.minimizing("loss", with: optimizer)
      return try FusedGraph(compiling: graph, batch: 64)
    }
    expectSnapshot(
      try step(.sgd(0.1)).lines,
      """
      contraction [64, 128]: contract add relu*
      contraction [64, 64]: contract add relu*
      contraction [64, 10]: contract add*
      row [64, 10]: oneHot max sub exp sum log sub select sum* select neg sum div mul add*
      row [64]: neg sum mul*
      contraction [64, 64]: contract greater select*
      contraction [64, 128]: contract greater select*
      map []: add*
      contraction [784, 128]: contract mul sub*
      column [64, 128]: sum mul sub*
      contraction [128, 64]: contract mul sub*
      column [64, 64]: sum mul sub*
      contraction [64, 10]: contract mul sub*
      column [64, 10]: sum mul sub*
      """)
    expectSnapshot(
      try step(.adam(1e-3)).groups.map(\.kind.rawValue).joined(separator: " "),
      """
      contraction contraction contraction row row contraction contraction map contraction column contraction column contraction column
      """)
  }

  @Test func siblingsShareTheirPass() throws {
    let graph = Graph("siblings") { g in
      let (x, y) = (g.input("x", [.batch, 16]), g.input("y", [.batch, 16]))
      g.output("columns", (x * y).sum(axes: [0]))
      g.output("sums", x.sum(axes: [0]))
      g.output("best", x.argMax())
      g.output("greatest", exp(x).max(axes: [1]))
      g.output("sine", sin(x))
      g.output("cosine", cos(x))
      g.output("apart", cos(y))
    }
    expectSnapshot(
      try FusedGraph(compiling: graph, batch: 8).lines,
      """
      row [8, 16]: argMax* exp max* sin* cos*
      column [8, 16]: mul sum* sum* cos*
      """)
  }

  @Test func anEpilogueEndsWhereItsMembersMeet() throws {
    let graph = Graph("gelu") { g in
      let x = g.input("x", [.batch, 16])
      let y = gelu(x.matmul(g.parameter("w", [16, 16])) + g.parameter("b", [16])) + x
      g.output("y", y)
      g.output("z", (exp(y) * sin(y)).matmul(g.parameter("v", [16, 16])))
    }
    expectSnapshot(
      try FusedGraph(compiling: graph, batch: 8).lines,
      """
      contraction [8, 16]: contract add mul mul erf add mul add* exp sin mul*
      contraction [8, 16]: contract*
      """)
  }

  @Test func anOptimizerStepIsOneMap() throws {
    let graph = try Graph("adam") { g in
      let w = g.parameter("w", [128, 128], .heNormal)
      g.output("loss", mean(square(w)))
    }.minimizing("loss", with: .adamW(1e-3))
    expectSnapshot(
      try FusedGraph(compiling: graph, batch: 1).lines,
      """
      row [128, 128]: mul sum mul*
      map []: add* cast mul tanh mul add div div* mul tanh mul add div sqrt div* mul*
      map [128, 128]: mul add mul mul add* mul mul mul add* sqrt mul add div mul mul sub sub*
      """)
  }

  @Test func withoutFusionEveryNodeIsAKernel() throws {
    let graph = Graph("apart") { g in
      let x = g.input("x", [4, 8])
      g.output("y", softmax(relu(x.transpose() * 2.0), axis: 0))
    }
    let fused = FusedGraph(fusing: graph, isEnabled: false)
    #expect(fused.groups.allSatisfy { $0.nodes.count == 1 })
    #expect(
      fused.groups.map { graph[$0.root].op.name } == [
        "mul", "relu", "max", "stopGradient", "sub", "exp", "sum", "div", "mul",
      ]
    )
    #expect(fused.verdicts.allSatisfy { $0.outcome == .stored(.disabled) || $0.reader == nil })
  }
}
