import DescentCodegen
import DescentCompiler
import DescentGraph
import DescentRuntime
import DescentTestSupport
import Testing

/// Runs graphs compiled and interpreted, and compares every bit.
struct Agreement {
  /// The random graph, the options and the step at which results differ first, for messages.
  struct Difference: CustomStringConvertible {
    let description: String
  }

  let random: RandomGraph
  var steps = 1

  /// Returns where a compiled plan and the interpreter differ, or nil where they agree.
  ///
  /// The interpreter runs the plan's own final graph: that is what the plan promises to equal.
  func difference(_ options: CompileOptions) throws -> Difference? {
    let plan = try random.graph.compile(batch: random.batch, options: options)
    let session = try plan.makeSession(seed: random.seed)
    var state = Dictionary(uniqueKeysWithValues: session.state.entries.map { ($0.name, $0.array) })
    for step in 0..<steps {
      let inputs = random.inputs(step: UInt64(step))
      let expected = try Interpreter().run(plan.graph, inputs: inputs, state: state)
      let found = try session.run(inputs)
      for output in expected.outputs {
        let (name, array) = (output.name, output.array)
        guard let other = found[name], other.equalsBits(of: array) else {
          return Difference(
            description:
              "seed \(random.seed), step \(step), output \(name): \(String(describing: found[name])) instead of \(array)"
          )
        }
      }
      state = expected.state
      for entry in session.state.entries {
        guard let array = state[entry.name], entry.array.equalsBits(of: array) else {
          return Difference(
            description:
              "seed \(random.seed), step \(step), state \(entry.name): \(entry.array) instead of \(String(describing: state[entry.name]))"
          )
        }
      }
    }
    return nil
  }
}

extension Plan {
  /// Expects the next run of a session to give what the interpreter makes of the session's state.
  func expectAgreement(
    of session: Session, on inputs: [String: NDArray], _ comment: String,
    sourceLocation: SourceLocation
  ) throws {
    let state = Dictionary(uniqueKeysWithValues: session.state.entries.map { ($0.name, $0.array) })
    let expected = try Interpreter().run(graph, inputs: inputs, state: state)
    let found = try session.run(inputs)
    for output in expected.outputs {
      #expect(
        found[output.name]?.equalsBits(of: output.array) == true, "\(output.name) \(comment)",
        sourceLocation: sourceLocation)
    }
  }
}

/// Expects the first run of plans of one graph, on every backend and some numbers of threads, to give and to leave the
/// interpreter's bits, for elements of each kind.
func expectBits(
  threads: ClosedRange<Int>, elements: [RandomElements] = [.ordinary, .special],
  sourceLocation: SourceLocation, plan: (_ threads: Int, _ backend: Backend) throws -> Plan
) throws {
  for elements in elements {
    var expected: Interpreter.Result?
    for backend in Backend.allCases where backend.runs(on: CPUFeatures.detected) {
      for threads in threads {
        let plan = try plan(threads, backend)
        let session = try plan.makeSession(seed: 3)
        var random = SplitMix64(seed: 11)
        let inputs = Dictionary(
          uniqueKeysWithValues: session.inputTypes.map {
            ($0.name, NDArray($0.type, elements, using: &random))
          })
        let state = Dictionary(
          uniqueKeysWithValues: session.state.entries.map { ($0.name, $0.array) })
        let reference =
          try expected ?? Interpreter().run(plan.graph, inputs: inputs, state: state)
        expected = reference
        let found = try session.run(inputs)
        for output in reference.outputs {
          #expect(
            found[output.name]?.equalsBits(of: output.array) == true,
            "\(output.name) on \(backend), \(threads) threads", sourceLocation: sourceLocation)
        }
        for entry in session.state.entries {
          #expect(
            reference.state[entry.name]?.equalsBits(of: entry.array) == true,
            "\(entry.name) on \(backend), \(threads) threads", sourceLocation: sourceLocation)
        }
      }
    }
  }
}

extension NDArray {
  /// Whether type, dimensions and bits agree, any NaN being equal to any other.
  func equalsBits(of other: NDArray) -> Bool {
    guard dimensions == other.dimensions else { return false }
    guard case .f32(let a) = storage, case .f32(let b) = other.storage else { return self == other }
    return a.elementsEqual(b) { $0.bitPattern == $1.bitPattern || ($0.isNaN && $1.isNaN) }
  }
}
