import Descent
import DescentCodegen
import DescentCompiler
import DescentGraph
import DescentRuntime
import DescentTestSupport
import Testing

/// Networks whose training steps run compiled as the interpreter runs them, in every bit: deep ones, recurrent ones.
@Suite struct NetworkTests {
  private static let backends = Backend.allCases.filter { $0.runs(on: CPUFeatures.detected) }

  /// Trains some steps on every backend, alone and with several threads, and compares with the interpreter.
  private func check(
    _ graph: Graph, batch: Int, steps: Int = 2, threads: [Int] = [1, 3], seed: UInt64 = 11
  ) throws {
    var random = SplitMix64(seed: seed)
    var expected: (graph: Graph, runs: [Interpreter.Result], inputs: [[String: NDArray]])?
    for backend in Self.backends {
      for threads in threads {
        let plan = try graph.compile(
          batch: batch,
          options: CompileOptions(threads: threads, minimumWorkPerThread: 1, backend: backend))
        let session = try plan.makeSession(seed: seed)
        if expected?.graph != plan.graph {
          let inputs = (0..<steps).map { _ in
            Dictionary(
              uniqueKeysWithValues: session.inputTypes.map { ($0.name, drawn($0.type, &random)) })
          }
          expected = (plan.graph, try interpreted(plan.graph, session.state, inputs), inputs)
        }
        let (_, runs, inputs) = try #require(expected)
        for (run, inputs) in zip(runs, inputs) {
          let found = try session.run(inputs)
          for output in run.outputs {
            #expect(
              found[output.name]?.equalsBits(of: output.array) == true,
              "\(output.name) on \(backend), \(threads) threads, seed \(seed)")
          }
        }
        let last = try #require(runs.last?.state)
        for entry in session.state.entries {
          #expect(
            last[entry.name]?.equalsBits(of: entry.array) == true,
            "\(entry.name) on \(backend), \(threads) threads, seed \(seed)")
        }
      }
    }
  }

  private func interpreted(
    _ graph: Graph, _ first: State, _ inputs: [[String: NDArray]]
  ) throws -> [Interpreter.Result] {
    var state = Dictionary(uniqueKeysWithValues: first.entries.map { ($0.name, $0.array) })
    return try inputs.map {
      let results = try Interpreter().run(graph, inputs: $0, state: state)
      state = results.state
      return results
    }
  }

  private func drawn(_ type: TensorType, _ random: inout SplitMix64) -> NDArray {
    let dimensions = type.shape.dimensions
    let words = (0..<type.shape.count).map { _ in random.next() }
    guard type.dataType != .i32 else {
      return NDArray(.i32(words.map { Int32($0 % 2) }), dimensions: dimensions)
    }
    return NDArray(words.map { Float($0 % 2001) / 1000 - 1 }, dimensions: dimensions)
  }

  /// A chain of so many layers, whose gradients pass through all of them.
  private func chain(_ activation: any Module) throws -> Graph {
    try Model(input: [6]) {
      for _ in 0..<100 {
        Dense(6, init: .normal(mean: 0, deviation: 0.5))
        activation
      }
      Dense(2)
    }.graph(loss: .crossEntropy).minimizing("loss", with: .sgd(0.05, momentum: 0.9))
  }

  @Test func aHundredLayersWithTanh() throws { try check(chain(Tanh()), batch: 3) }

  @Test func aHundredLayersWithReLU() throws { try check(chain(ReLU()), batch: 3) }

  @Test func fortyStepsOfAnLSTM() throws {
    let graph = try Model(input: [40, 3]) {
      LSTM(8); Dense(2)
    }
    .graph(loss: .crossEntropy).minimizing("loss", with: .adam(1e-2))
    try check(graph, batch: 2)
  }

  @Test func recurrentLayersOnTopOfEachOther() throws {
    let graph = try Model(input: [7, 3]) {
      GRU(6, returnsSequences: true)
      SimpleRNN(5, returnsSequences: true, reversed: true)
      LSTM(4, reversed: true)
      Dense(2)
    }.graph(loss: .crossEntropy).minimizing("loss", with: .adam(1e-2))
    try check(graph, batch: 3)
  }

  /// All 18 layers of ResNet-18 with their strides and shortcuts, a sixteenth as wide.
  @Test func aResidualNetwork() throws {
    let graph = try Model(input: [32, 32, 3]) {
      Convolved(4)
      ReLU()
      for (stage, channels) in [4, 8, 16, 32].enumerated() {
        ResidualBlock(channels, stride: stage == 0 ? 1 : 2, hasProjection: stage > 0)
        ResidualBlock(channels, stride: 1, hasProjection: false)
      }
      GlobalAveragePool2D()
      Dense(2)
    }.graph(loss: .crossEntropy).minimizing("loss", with: .sgd(0.1, momentum: 0.9))
    #expect(graph.nodes.filter { $0.op.isWeight }.count == 17 + 3 + 1)
    try check(graph, batch: 2, steps: 1, threads: [2])
  }

  /// Down twice and up again, with a skip connection at each size.
  @Test func aUNet() throws {
    let graph = try Model(input: [16, 16, 2]) { UNet() }
      .graph(loss: .mse).minimizing("loss", with: .adam(1e-3))
    try check(graph, batch: 2, steps: 1, threads: [2])
  }

  /// Each step is a product, gates and the way back through both; what is shared by all steps is done once.
  @Test func aStepOfAnLSTMIsFewKernels() throws {
    func kernels(_ steps: Int) throws -> Int {
      let graph = try Model(input: [Extent(offset: steps), 16]) {
        LSTM(32); Dense(2)
      }
      .graph(loss: .crossEntropy).minimizing("loss", with: .adam(1e-2))
      return try graph.compile(batch: 16).kernelCount
    }
    let (short, long) = try (kernels(10), kernels(30))
    #expect(long - short <= 20 * 6, "\(short) and \(long)")
  }
}

/// A convolution that keeps height and width up to its stride, and batch norm.
private struct Convolved: Module {
  let convolution: Conv2D
  let norm = BatchNorm()

  init(_ channels: Int, kernel: Int = 3, stride: Int = 1) {
    convolution = Conv2D(channels, kernel: kernel, stride: stride, padding: .same, bias: false)
  }

  func callAsFunction(_ x: Tensor) -> Tensor { norm(convolution(x)) }
}

/// The basic block of a residual network (He et al., 2016).
private struct ResidualBlock: Module {
  let first: Convolved, second: Convolved
  let shortcut: Convolved?

  init(_ channels: Int, stride: Int, hasProjection: Bool) {
    first = Convolved(channels, stride: stride)
    second = Convolved(channels)
    shortcut = hasProjection ? Convolved(channels, kernel: 1, stride: stride) : nil
  }

  func callAsFunction(_ x: Tensor) -> Tensor {
    relu(second(relu(first(x))) + (shortcut?(x) ?? x))
  }
}

/// A network for images of images (Ronneberger et al., 2015).
private struct UNet: Module {
  let down = [Convolved(4), Convolved(6)]
  let bottom = Convolved(8)
  let up = [
    ConvTranspose2D(4, kernel: 2, stride: 2), ConvTranspose2D(6, kernel: 2, stride: 2),
  ]
  let joined = [Convolved(4), Convolved(6)]
  let last = Conv2D(1, kernel: 1)

  func callAsFunction(_ x: Tensor) -> Tensor {
    var (x, skipped): (Tensor, [Tensor]) = (x, [])
    for layer in down {
      skipped.append(relu(layer(x)))
      x = maxPool(skipped[skipped.count - 1], [1: Window(size: 2), 2: Window(size: 2)])
    }
    x = relu(bottom(x))
    for level in down.indices.reversed() {
      x = relu(joined[level](concatenate([up[level](x), skipped[level]], axis: -1)))
    }
    return last(x)
  }
}

extension Op {
  /// Whether this is the matrix or the filter of a layer.
  fileprivate var isWeight: Bool {
    guard case .leaf(.parameter(let name, _, _)) = self else { return false }
    return name.hasSuffix("weight")
  }
}
