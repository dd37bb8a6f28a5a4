import DescentCompiler
import DescentGraph
import DescentLearning
import DescentRuntime
import Foundation
import Testing

/// Recurrent layers against plain loops in double precision.
@Suite struct RecurrentLayerTests {
  private let batch = 3, time = 5, features = 4, units = 6

  /// A matrix of numbers, row by row.
  private struct Matrix {
    let columns: Int
    let elements: [Double]

    init(_ array: NDArray) {
      (columns, elements) = (array.dimensions.last ?? 1, array.doubles)
    }

    /// A vector times the matrix.
    func product(_ x: [Double]) -> [Double] {
      (0..<columns).map { column in
        x.indices.reduce(0) { $0 + x[$1] * elements[$1 * columns + column] }
      }
    }
  }

  private func sigmoid(_ x: Double) -> Double { 1 / (1 + Foundation.exp(-x)) }

  /// Returns what a layer makes of sequences, and its weights, drawn anew so that none is 0.
  private func run(
    _ layer: any Module
  ) throws -> (x: NDArray, y: NDArray, weights: [String: NDArray]) {
    let model = try Model(input: Shape([Extent(offset: time), Extent(offset: features)])) {
      Block([layer])
    }
    var number: UInt32 = 1
    func drawn(_ dimensions: [Int]) -> NDArray {
      let count = dimensions.reduce(1, *)
      return NDArray(
        (0..<count).map { _ in
          number = number &* 1_664_525 &+ 1_013_904_223
          return Float(number >> 8) / Float(1 << 23) - 1
        }, dimensions: dimensions)
    }
    let entries = parameters(model.graph).map {
      State.Entry($0.name, drawn($0.type.shape.dimensions))
    }
    let x = drawn([batch, time, features])
    let plan = try model.graph.compile(batch: batch, state: State(entries, seed: 0))
    let y = try #require(try plan.makeSession().run(["inputs": x])["prediction"])
    var weights: [String: NDArray] = [:]
    for entry in entries {
      weights[String(entry.name.split(separator: ".").last ?? "")] = entry.array
    }
    return (x, y, weights)
  }

  /// Compares a layer that returns sequences, forward and reversed, and one that returns the last state, with a loop.
  private func check(
    _ layer: (_ returnsSequences: Bool, _ isReversed: Bool) -> any Module,
    _ step: ([Double], [[Double]], [String: NDArray]) throws -> [[Double]], states: Int
  ) throws {
    for isReversed in [false, true] {
      let (x, y, weights) = try run(layer(true, isReversed))
      let last = try run(layer(false, isReversed)).y
      #expect(y.dimensions == [batch, time, units])
      #expect(last.dimensions == [batch, units])
      for row in 0..<batch {
        var state = Array(repeating: [Double](repeating: 0, count: units), count: states)
        for index in isReversed ? Array((0..<time).reversed()) : Array(0..<time) {
          let start = (row * time + index) * features
          state = try step(Array(x.doubles[start..<start + features]), state, weights)
          for unit in 0..<units {
            let found = y.doubles[(row * time + index) * units + unit]
            #expect(abs(found - state[0][unit]) < 1e-5, "row \(row), step \(index), unit \(unit)")
          }
        }
        for unit in 0..<units {
          #expect(abs(last.doubles[row * units + unit] - state[0][unit]) < 1e-5)
        }
      }
    }
  }

  @Test func simpleRNN() throws {
    try check(
      { SimpleRNN(6, returnsSequences: $0, reversed: $1) },
      { x, state, weights in
        let own = Matrix(try #require(weights["weight"])).product(x)
        let past = Matrix(try #require(weights["recurrent"])).product(state[0])
        let bias = try #require(weights["bias"]).doubles
        return [own.indices.map { Foundation.tanh(own[$0] + past[$0] + bias[$0]) }]
      }, states: 1)
  }

  @Test func longShortTermMemory() throws {
    try check(
      { LSTM(6, returnsSequences: $0, reversed: $1) },
      { x, state, weights in
        let own = Matrix(try #require(weights["weight"])).product(x)
        let past = Matrix(try #require(weights["recurrent"])).product(state[0])
        let bias = try #require(weights["bias"]).doubles
        let gates = own.indices.map { own[$0] + past[$0] + bias[$0] }
        let memory = (0..<units).map {
          sigmoid(gates[units + $0]) * state[1][$0]
            + sigmoid(gates[$0]) * Foundation.tanh(gates[2 * units + $0])
        }
        let hidden = (0..<units).map {
          sigmoid(gates[3 * units + $0]) * Foundation.tanh(memory[$0])
        }
        return [hidden, memory]
      }, states: 2)
  }

  @Test func gatedRecurrentUnit() throws {
    try check(
      { GRU(6, returnsSequences: $0, reversed: $1) },
      { x, state, weights in
        let bias = try #require(weights["bias"]).doubles
        let pastBias = try #require(weights["recurrentBias"]).doubles
        let own = zip(Matrix(try #require(weights["weight"])).product(x), bias).map(+)
        let past = zip(Matrix(try #require(weights["recurrent"])).product(state[0]), pastBias).map(
          +)
        return [
          (0..<units).map {
            let reset = sigmoid(own[$0] + past[$0])
            let update = sigmoid(own[units + $0] + past[units + $0])
            let new = Foundation.tanh(own[2 * units + $0] + reset * past[2 * units + $0])
            return (1 - update) * new + update * state[0][$0]
          }
        ]
      }, states: 1)
  }

  @Test func parametersAndShapes() throws {
    let model = try Model(input: [9, 4]) {
      GRU(8, returnsSequences: true)
      LSTM(5)
    }
    #expect(
      parameters(model.graph).map { "\($0.name) \($0.type)" } == [
        "0.weight f32[4, 24]", "0.recurrent f32[8, 24]", "0.bias f32[24]",
        "0.recurrentBias f32[24]", "1.weight f32[8, 20]", "1.recurrent f32[5, 20]",
        "1.bias f32[20]",
      ])
    #expect(model.summary.rows.map { "\($0.output.shape)" } == ["[batch, 9, 8]", "[batch, 5]"])
    let state = try model.graph.compile(batch: 1).makeSession().state
    let forgetting = (0..<20).map { (5..<10).contains($0) ? 1.0 : 0.0 }
    #expect(state["1.bias"]?.doubles == forgetting)
  }

  @Test func mistakesAreTold() {
    expectError(
      "T.swift:3: error: LSTM: [batch, 6] is not [batch, time, features]\n  in layer 0.LSTM\n  hint: reshape it"
    ) { try Model(input: [6]) { LSTM(2, file: "T.swift", line: 3) } }
    for units in [0, Int.min, Int.max] {
      expectError(
        "T.swift:3: error: GRU: \(units) units are not from 1 to 1048576\n  in layer 0.GRU"
      ) { try Model(input: [2, 6]) { GRU(units, file: "T.swift", line: 3) } }
    }
  }

  /// Whether the first of twelve numbers is above 0: what was read first must be remembered to the end.
  @Test(arguments: ["SimpleRNN", "LSTM", "GRU"]) func remembersTheBeginning(_ name: String) throws {
    var number: UInt32 = 3
    var elements: [Float] = []
    for _ in 0..<256 * 12 {
      number = number &* 1_664_525 &+ 1_013_904_223
      elements.append(Float(number >> 8) / Float(1 << 23) - 1)
    }
    let labels = (0..<256).map { Int32(elements[$0 * 12] > 0 ? 1 : 0) }
    let data = try Dataset(
      inputs: NDArray(elements, dimensions: [256, 12, 1]), targets: NDArray(labels))
    let layers: [String: any Module] = [
      "SimpleRNN": SimpleRNN(16), "LSTM": LSTM(16), "GRU": GRU(16),
    ]
    let layer = try #require(layers[name])
    let model = try Model(input: [12, 1]) {
      Block([layer])
      Dense(2)
    }
    var trainer = try Trainer(
      model, loss: .crossEntropy, optimizer: .adam(2e-2), metrics: [.accuracy], seed: 1)
    let history = try trainer.fit(data, epochs: 25, batch: 32, reporting: .silent)
    let accuracy = history.epochs.last?.training.values.last ?? 0
    #expect(accuracy > 0.9, "\(accuracy)")
  }
}
