import DescentCodegen
import DescentCompiler
import DescentGraph
import DescentRuntime
import DescentTestSupport
import Glibc
import Testing

#if arch(x86_64)
  /// What the caller has set for its own arithmetic changes no bit of ours, and is as it was afterwards.
  @Suite struct FloatingPointEnvironmentTests {
    /// Bits of MXCSR.
    enum Mode: UInt32, CaseIterable {
      case flushesToZero = 0x8000
      case takesSubnormalsForZero = 0x0040
      case roundsUp = 0x4000
      case roundsDown = 0x2000
      case roundsTowardZero = 0x6000
    }

    private static let backends = Backend.allCases.filter { $0.runs(on: CPUFeatures.detected) }

    /// A training step with every class of kernel, among subnormal numbers; some of it is constant.
    private static func graph() throws -> Graph {
      try Graph("small") { g in
        let x = g.input("x", [9, 24])
        let w = g.parameter("w", [24, 8], .normal(mean: 0, deviation: 1e-19))
        let tiny = g.parameter("tiny", [8], .normal(mean: 0, deviation: 1e-39))
        let folded = exp(g.constant(NDArray([0.1, 0.2, 0.3, 0.7, 1, 2, 3, 4]))) * 1e-39
        let h = x.matmul(w) + tiny + folded / 3.0
        g.output("h", h)
        g.output("wide", exp(h * 1e38) / 7.0)
        g.output("rows", h.sum(axes: [1]))
        g.output("columns", h.sum(axes: [0]))
        g.output("loss", mean(square(h * 1e30)))
      }.minimizing("loss", with: .sgd(1e-30))
    }

    private static func inputs() -> [String: NDArray] {
      var random = SplitMix64(seed: 11)
      let x = (0..<9 * 24).map { _ in (Float(random.next() >> 40) / Float(1 << 24) - 0.5) * 1e-20 }
      return ["x": NDArray(x, dimensions: [9, 24])]
    }

    /// Calls a function under changed modes, and checks that it leaves them so.
    ///
    /// MXCSR also records what happened so far; those bits are no modes.
    private func under<T>(mxcsr: UInt32, _ body: () throws -> T) rethrows -> T {
      var before = fenv_t()
      fegetenv(&before)
      var changed = before
      changed.__mxcsr = mxcsr
      fesetenv(&changed)
      defer { fesetenv(&before) }
      let result = try body()
      var after = fenv_t()
      fegetenv(&after)
      fesetenv(&before)
      #expect(after.__mxcsr & ~0x3F == mxcsr)
      return result
    }

    @Test(arguments: Mode.allCases) func runsGiveTheSameBits(mode: Mode) throws {
      let inputs = Self.inputs()
      for backend in Self.backends {
        for threads in [1, 2] {
          let plan = try Self.graph().compile(
            options: CompileOptions(threads: threads, minimumWorkPerThread: 1, backend: backend))
          let session = try plan.makeSession(seed: 3)
          let state = Dictionary(
            uniqueKeysWithValues: session.state.entries.map { ($0.name, $0.array) })
          let expected = try Interpreter().run(plan.graph, inputs: inputs, state: state)
          let found = try under(mxcsr: 0x1F80 | mode.rawValue) { try session.run(inputs) }
          for output in expected.outputs {
            #expect(
              found[output.name]?.equalsBits(of: output.array) == true,
              "\(output.name) on \(backend), \(threads) threads")
          }
          for (name, array) in expected.state {
            #expect(
              session.state[name]?.equalsBits(of: array) == true,
              "state \(name) on \(backend), \(threads) threads")
          }
        }
      }
    }

    @Test(arguments: Mode.allCases) func plansAndFirstStatesAreTheSame(mode: Mode) throws {
      let graph = try Self.graph()
      let plan = try graph.compile()
      let state = try plan.makeSession(seed: 3).state
      let (other, otherState) = try under(mxcsr: 0x1F80 | mode.rawValue) {
        let other = try graph.compile()
        return (other, try other.makeSession(seed: 3).state)
      }
      #expect(other.program == plan.program)
      #expect(otherState == state)
    }

    /// Without the mask of an exception, an operation that raises it ends the process.
    @Test func nothingInterrupts() async {
      await #expect(processExitsWith: .success) {
        let tests = FloatingPointEnvironmentTests()
        let inputs = FloatingPointEnvironmentTests.inputs()
        let graph = try FloatingPointEnvironmentTests.graph()
        for threads in [1, 2] {
          try tests.under(mxcsr: 0) {
            let options = CompileOptions(threads: threads, minimumWorkPerThread: 1)
            let session = try graph.compile(options: options).makeSession(seed: 3)
            _ = try session.run(inputs)
          }
        }
      }
    }
  }
#endif
