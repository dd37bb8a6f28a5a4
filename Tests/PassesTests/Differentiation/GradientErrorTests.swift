import DescentGraph
import DescentPasses
import Testing

/// What the user reads when there is no gradient.
@Suite struct GradientErrorTests {
  private func message(
    _ output: String, _ leaves: [String], _ body: (GraphBuilder) -> Void
  ) -> String {
    do {
      _ = try Graph("errors", body).gradient(of: output, withRespectTo: leaves)
      return "no error"
    } catch {
      return error.description
    }
  }

  @Test func onlyThroughAnOperationWithoutGradient() {
    let text = message("loss", ["w"]) { g in
      let w = g.parameter("w", [2, 3], file: "main.swift", line: 2)
      let best = (w * 2.0).argMax(file: "main.swift", line: 5)
      g.output("loss", best.cast(to: .f32, file: "main.swift", line: 6).sum())
    }
    #expect(
      text == """
        main.swift:5: error: gradient: "loss" does not depend on "w" through differentiable \
        operations: argMax has no gradient because its result is an index
        """)
  }

  @Test(arguments: [
    ("floor", "its derivative is 0 wherever it has one"),
    ("stopGradient", "it was asked to stop it"),
    ("cast", "its result is i32"), ("greater", "its result is a truth value"),
  ])
  func reasonsAreNamed(_ operation: String, _ reason: String) {
    let text = message("loss", ["x"]) { g in
      let x = g.input("x", [3], file: "main.swift", line: 1)
      let y =
        switch operation {
        case "floor": floor(x)
        case "stopGradient": stopGradient(x)
        case "cast": x.cast(to: .i32).cast(to: .f32)
        default: select(x .> 0.0, g.constant(1), g.constant(2))
        }
      g.output("loss", y.sum())
    }
    #expect(
      text.hasSuffix(
        """
        error: gradient: "loss" does not depend on "x" through differentiable operations: \
        \(operation) has no gradient because \(reason)
        """), "\(text)")
  }

  @Test func noDependenceAtAll() {
    let text = message("y", ["x", "z"]) { g in
      let x = g.input("x", [3])
      let z = g.input("z", [3], file: "main.swift", line: 4)
      // An obstacle beside the path to the output is not to blame.
      g.output("elsewhere", floor(z))
      g.output("y", x * x)
    }
    #expect(text == "main.swift:4: error: gradient: \"y\" does not depend on \"z\"")
  }

  @Test func unknownNamesAreReportedTogether() {
    let text = message("los", ["a", "labels", "x"]) { g in
      let x = g.input("x", [3])
      _ = g.input("labels", [3], .i32, file: "main.swift", line: 7)
      g.output("loss", x.sum())
    }
    #expect(
      text == """
        error: gradient: there is no output "los"
          hint: the outputs are "loss"
        error: gradient: there is no input, parameter or state "a"
          hint: those of real numbers are "x"
        main.swift:7: error: gradient: "labels" is i32[3]; only real numbers have a gradient
        """)
  }

  @Test func outputsThatAreNotReal() {
    let text = message("best", ["x"]) { g in
      g.output("best", g.input("x", [3]).argMax(file: "main.swift", line: 2))
    }
    #expect(text == "main.swift:2: error: gradient: output \"best\" is i32[], not real numbers")
  }

  @Test func noOutputs() {
    #expect(
      message("y", []) { _ in } == """
        error: gradient: there is no output "y"
          hint: declare it with g.output
        """)
  }

  @Test func theSameGradientTwice() {
    let text = message("y", ["x", "x"]) { g in g.output("y", exp(g.input("x", [3]))) }
    #expect(text == "error: gradient: there already is an output \"dy/dx\"")
  }

  @Test func mistakesInTheGraphComeFirst() {
    let text = message("y", ["nothing"]) { g in
      let x = g.input("x", [3])
      g.output("y", x.matmul(g.input("z", [4]), file: "main.swift", line: 3))
    }
    #expect(
      text == "main.swift:3: error: matmul: inner extents differ: 3 in [1, 3] and 4 in [4, 1]")
  }
}
