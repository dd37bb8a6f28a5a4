import DescentCodegen
import DescentCompiler
import DescentGraph
import DescentPasses
import DescentRuntime
import DescentTestSupport
import Foundation
import Testing

/// Products of 3×3 windows in tiles agree with the interpreter in every bit on every backend, and with products all at
/// once but for rounding.
@Suite struct WinogradTests {
  static let backends = Backend.allCases.filter { $0.runs(on: CPUFeatures.detected) }

  /// Maps of random shapes with what may stand behind them, a state that is updated in place among it.
  @Test(arguments: 0..<60) func everyMapAgrees(seed: Int) throws {
    var random = SplitMix64(seed: UInt64(seed))
    let graph = try Self.drawn(&random).validated()
    let backend = Self.backends[seed % Self.backends.count]
    let plan = try graph.compile(
      options: CompileOptions(threads: 1 + seed % 4, poison: seed % 3 == 0, backend: backend))
    let session = try plan.makeSession(seed: UInt64(seed))
    var state = Dictionary(uniqueKeysWithValues: session.state.entries.map { ($0.name, $0.array) })
    for _ in 0..<2 {
      var inputs: [String: NDArray] = [:]
      for name in ["x", "other"] {
        guard let leaf = graph.leaf(name) else { continue }
        inputs[name] = NDArray(graph[leaf].type, .ordinary, using: &random)
      }
      let expected = try Interpreter().run(plan.graph, inputs: inputs, state: state)
      let found = try session.run(inputs)
      for output in expected.outputs {
        let isEqual = found[output.name]?.equalsBits(of: output.array) == true
        #expect(isEqual, "seed \(seed), \(output.name) on \(backend):\n\(graph.text)")
      }
      state = expected.state
      for entry in session.state.entries {
        #expect(
          state[entry.name]?.equalsBits(of: entry.array) == true,
          "seed \(seed), \(entry.name) on \(backend):\n\(graph.text)")
      }
    }
  }

  /// A result may take the place of what is read behind the map: of a value that dies there, or of a state.
  @Test(arguments: backends, [1, 2]) func nothingIsStoredBeforeItIsRead(
    backend: Backend, threads: Int
  ) throws {
    let graph = try Graph("in place") { g in
      let p = g.input("p", [16, 2, 3, 2, 33]), q = g.input("q", [16, 2, 3, 2, 33])
      let map = Op.winograd(Winograd(.result, tile: 2, axis: 1))
      let (dying, result) = (p.apply(map), q.apply(map))
      let (gate, sum) = (relu(result), result + dying)
      g.output("products", tanh(gate).matmul(sum.transpose()))
      let state = g.state("state", [2, 6, 4, 33], .f32, .uniform(-1, 1))
      let other = (q * 0.5).apply(map)
      g.update(state.value, to: other.value)
      g.output("difference", other - state)
    }.validated()
    let plan = try graph.compile(options: CompileOptions(threads: threads, backend: backend))
    #expect(plan.program.kernels.contains { !$0.inPlace.isEmpty && $0.name.hasPrefix("winograd") })
    let session = try plan.makeSession(seed: 1)
    let state = Dictionary(uniqueKeysWithValues: session.state.entries.map { ($0.name, $0.array) })
    var random = SplitMix64(seed: 2)
    let inputs = Dictionary(
      uniqueKeysWithValues: ["p", "q"].map {
        ($0, NDArray(TensorType(.f32, [16, 2, 3, 2, 33]), .ordinary, using: &random))
      })
    let expected = try Interpreter().run(plan.graph, inputs: inputs, state: state)
    let found = try session.run(inputs)
    for output in expected.outputs {
      #expect(found[output.name]?.equalsBits(of: output.array) == true, "\(output.name)")
    }
    #expect(session.state["state"]?.equalsBits(of: expected.state["state"]!) == true)
  }

  /// Around an image there are zeros, be it formed by its reader or lie in memory.
  @Test(arguments: backends) func imagesThatNobodyStoresEndToo(backend: Backend) throws {
    let shape: Shape = [1, 4, 8, 20]
    let graph = try Graph("formed") { g in
      let image = Op.winograd(
        Winograd(.image, tile: 4, axis: 1, low: [1, 1], high: [1, 1]))
      g.output("ones", g.constant(1).broadcast(to: shape).apply(image))
      g.output("places", g.iota(shape, axis: 3, .f32).apply(image))
    }.validated()
    let options = CompileOptions(disabled: ["fold"], backend: backend)
    let plan = try graph.compile(options: options)
    let expected = try Interpreter().run(plan.graph, inputs: [:])
    let found = try plan.makeSession().run([:])
    for output in expected.outputs {
      #expect(found[output.name]?.equalsBits(of: output.array) == true, "\(output.name)")
    }
  }

  private static func drawn(_ random: inout SplitMix64) -> Graph {
    let transform = random.pick(Winograd.Transform.allCases)
    let tile = random.pick(Winograd.tiles)
    let outer = (0..<random.int(0...2)).map { _ in random.int(1...3) }
    let inner = (0..<random.int(1...2)).map { _ in random.pick([1, 2, 3, 8, 15, 16, 17, 33]) }
    var (low, high) = ([0, 0], [0, 0])
    let plain = Winograd(transform, tile: tile, axis: outer.count)
    var tiles = [random.int(1...3), random.int(1...4)]
    if transform == .kernel || transform == .kernelGradient { tiles = [1, 1] }
    var lines = tiles.map { $0 * plain.stride + plain.extent - plain.stride }
    if transform == .image {
      for axis in 0..<2 {
        low[axis] = random.int(0...min(plain.extent - 1, lines[axis]))
        high[axis] = random.int(0...min(plain.extent - 1, lines[axis] - low[axis]))
        lines[axis] -= low[axis] + high[axis]
      }
    }
    let op = Winograd(transform, tile: tile, axis: outer.count, low: low, high: high)
    let spatial = outer + lines + inner
    let planes = [op.planes] + outer + tiles + inner
    let (from, to) = transform.makesPlanes ? (spatial, planes) : (planes, spatial)
    let isTurned = transform == .kernel && random.chance(50)
    let (epilogue, updates) = (random.int(0...3), random.chance(40))
    return Graph("tiles") { g in
      var x = g.input("x", Shape(from))
      if isTurned { x = x.reverse(axes: [outer.count, outer.count + 1]) }
      var y = x.apply(.winograd(op))
      if epilogue == 1 || epilogue == 3 {
        y = y * g.parameter("scale", Shape([inner.last!]), .uniform(-1, 1)) + 0.5
      }
      if epilogue >= 2 {
        let other = g.input("other", Shape(to))
        y = relu(y + other)
        g.output("gate", y * sigmoid(other))
      }
      if updates {
        let weights = g.parameter("weights", Shape(to), .uniform(-1, 1))
        let slot = g.state("slot", Shape(to), .f32, .uniform(-1, 1))
        let moved = slot * 0.9 + y
        g.update(weights.value, to: (weights - moved * 0.1).value)
        g.update(slot.value, to: moved.value)
      }
      g.output("y", y)
    }
  }

  /// A step of a small network, as it is and in tiles.
  private func step(_ fast: Bool, _ disabled: Set<String> = []) throws -> Plan {
    let graph = Graph("images") { g in
      let x = g.input("x", [4, 16, 16, 32]), goal = g.input("goal", [4, 16, 16, 32])
      let w1 = g.parameter("w1", [3, 3, 32, 32], .uniform(-0.1, 0.1))
      let w2 = g.parameter("w2", [3, 3, 32, 32], .uniform(-0.1, 0.1))
      let padding = ConvolutionPadding.same
      let hidden = relu(convolve(x, w1, padding: padding))
      let y = convolve(hidden, w2, padding: padding) + x
      g.output("y", y)
      g.output("loss", mean(square(y - goal)))
    }
    return try graph.minimizing("loss", with: .sgd(0.1, momentum: 0.9))
      .compile(options: CompileOptions(threads: 2, disabled: disabled, fast: fast))
  }

  @Test func aStepInTilesIsTheStepButForRounding() throws {
    let (plain, tiles) = (try step(false), try step(true))
    let names = tiles.graph.nodes.map(\.op.name)
    #expect(names.filter { $0 == "winogradResult" }.count == 3)
    #expect(names.filter { $0 == "winogradKernelGradient" }.count == 2)
    #expect(!names.contains { $0 == "convolve" || $0 == "weightGradient" })
    #expect(!plain.graph.nodes.contains { $0.op.isWinograd })
    #expect(try step(true, ["winograd"]).graph.nodes.allSatisfy { !$0.op.isWinograd })
    let entries = tiles.journal.entries.filter { $0.pass == "winograd" }
    #expect(entries.count == 5)
    #expect(
      entries[0].description.hasPrefix(
        "winograd/tiles: %4 convolve in tiles of 4×4: 2359296 products rather than 8667136"))

    var random = SplitMix64(seed: 3)
    let inputs = Dictionary(
      uniqueKeysWithValues: ["x", "goal"].map {
        ($0, NDArray(TensorType(.f32, [4, 16, 16, 32]), .ordinary, using: &random))
      })
    let sessions = [try plain.makeSession(seed: 1), try tiles.makeSession(seed: 1)]
    for _ in 0..<3 {
      let results = try sessions.map { try $0.run(inputs) }
      let losses = results.map { Double($0["loss"]!.scalar) }
      #expect(abs(losses[0] - losses[1]) < 1e-5 * abs(losses[0]))
    }
    for (a, b) in zip(sessions[0].state.entries, sessions[1].state.entries) {
      guard case .f32(let a) = a.array.storage, case .f32(let b) = b.array.storage else { continue }
      let scale = a.map(abs).max()!
      #expect(zip(a, b).allSatisfy { abs($0 - $1) < 1e-4 * scale })
    }
  }

  /// In a step with a shortcut, gradients take the place of what they follow from.
  @Test func everyBackendTakesTheSameSteps() throws {
    let graph = try Graph("shortcut") { g in
      let x = g.input("x", [4, 16, 16, 32]), goal = g.input("goal", [4, 16, 16, 32])
      let w0 = g.parameter("w0", [3, 3, 32, 32], .uniform(-0.1, 0.1))
      let w1 = g.parameter("w1", [3, 3, 32, 32], .uniform(-0.1, 0.1))
      let shortcut = convolve(x, w0, padding: .same)
      let y = convolve(x, w1, padding: .same) * g.parameter("scale", [32], .ones)
      g.output("loss", mean(square(y + shortcut - goal)))
    }.minimizing("loss", with: .sgd(0.1))
    var random = SplitMix64(seed: 5)
    let inputs = Dictionary(
      uniqueKeysWithValues: ["x", "goal"].map {
        ($0, NDArray(TensorType(.f32, [4, 16, 16, 32]), .ordinary, using: &random))
      })
    let states = try Self.backends.map { backend in
      let options = CompileOptions(threads: 2, fast: true, backend: backend)
      let plan = try graph.compile(options: options)
      #expect(plan.graph.nodes.contains { $0.op.isWinograd })
      let session = try plan.makeSession(seed: 1)
      for _ in 0..<2 { _ = try session.run(inputs) }
      return session.state
    }
    for state in states.dropFirst() {
      for (found, expected) in zip(state.entries, states[0].entries) {
        #expect(found.array.equalsBits(of: expected.array), "\(found.name)")
      }
    }
  }

  /// Sizes that nobody has are compiled as they are.
  @Test func hugeImagesAreNoTiles() throws {
    let graph = Graph("huge") { g in
      let x = g.input("x", Shape([1, 1 << 20, 1 << 20, 1 << 18]))
      let w = g.parameter("w", Shape([3, 3, 1 << 18, 1 << 18]), .zeros)
      g.output("y", convolve(x, w, padding: .same))
    }
    let plan = try graph.compile(options: CompileOptions(threads: 1, fast: true))
    #expect(!plan.graph.nodes.contains { $0.op.isWinograd })
  }

  /// What follows a map is computed where its tile is; planes are the only values between.
  @Test func kernelsOfAStep() throws {
    expectSnapshot(
      try step(true).program.kernels.map(\.name).joined(separator: "\n"),
      """
      add
      winogradImage
      winogradKernel
      contract
      winogradResult+relu+greater
      winogradImage
      winogradKernel
      contract
      winogradResult+add+sub+mul+mul+add
      sum+mul
      winogradImage
      winogradKernel
      contract
      winogradResult+select
      winogradImage
      winogradCotangent
      contract
      winogradKernelGradient+mul+add+mul+sub
      winogradImage
      winogradCotangent
      contract
      winogradKernelGradient+mul+add+mul+sub
      """)
  }
}
