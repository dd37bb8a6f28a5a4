public import DescentGraph

// Recurrent layers over sequences `[batch, time, features]`. What a step makes of its input alone is one product over
// all steps, before the first of them; so a step multiplies only the state before it.

/// Carries a state along a sequence: h ← tanh(x·W + h·U + b) (Elman, 1990).
///
/// Parameters: `weight` `[features, units]`, `recurrent` `[units, units]` and `bias` `[units]`. The first state is 0.
public struct SimpleRNN: Layer {
  private let settings: RecurrentSettings
  /// What tells the layer from an equal one.
  public let identity: LayerIdentity

  /// Creates a layer; its arguments are those of `LSTM`.
  public init(
    _ units: Int, returnsSequences: Bool = false, reversed isReversed: Bool = false,
    init initializer: Initializer = .glorotUniform,
    recurrentInit recurrentInitializer: Initializer = .glorotUniform,
    file: String = #fileID, line: Int = #line
  ) {
    settings = RecurrentSettings(
      units: units, gates: 1, returnsSequences: returnsSequences, isReversed: isReversed,
      initializer: initializer, recurrentInitializer: recurrentInitializer)
    identity = LayerIdentity(file: file, line: line)
  }

  /// Adds the layer to the graph and returns its result.
  public func build(_ x: Tensor, in scope: LayerScope) -> Tensor {
    settings.build(x, in: scope, "SimpleRNN", states: 1) { input, states, recurrent in
      [tanh(input + states[0].matmul(recurrent))]
    }
  }
}

/// Carries a state and a memory along a sequence (Hochreiter and Schmidhuber, 1997; Gers et al., 2000).
///
/// With i, f, g, o the four quarters of x·W + h·U + b:
/// c ← sigmoid(f)·c + sigmoid(i)·tanh(g) and h ← sigmoid(o)·tanh(c).
///
/// Parameters: `weight` `[features, 4·units]`, `recurrent` `[units, 4·units]` and `bias` `[4·units]`, which begins at 1
/// for f, so that nothing is forgotten at first (Jozefowicz et al., 2015), and else at 0. Both states begin at 0.
public struct LSTM: Layer {
  private let settings: RecurrentSettings
  /// What tells the layer from an equal one.
  public let identity: LayerIdentity

  /// Creates a layer.
  ///
  /// - Parameters:
  ///   - units: The extent of the state.
  ///   - returnsSequences: Whether the result has the states of all steps, `[batch, time, units]`, or the last,
  ///     `[batch, units]`.
  ///   - isReversed: Whether steps go from the end of the sequence to its beginning; the states stand beside what they
  ///     have read all the same.
  ///   - initializer: How the matrix of inputs begins.
  ///   - recurrentInitializer: How the matrix of states begins.
  ///   - file: The file the layer is written in.
  ///   - line: The line the layer is written on.
  public init(
    _ units: Int, returnsSequences: Bool = false, reversed isReversed: Bool = false,
    init initializer: Initializer = .glorotUniform,
    recurrentInit recurrentInitializer: Initializer = .glorotUniform,
    file: String = #fileID, line: Int = #line
  ) {
    settings = RecurrentSettings(
      units: units, gates: 4, returnsSequences: returnsSequences, isReversed: isReversed,
      initializer: initializer, recurrentInitializer: recurrentInitializer)
    identity = LayerIdentity(file: file, line: line)
  }

  /// Adds the layer to the graph and returns its result.
  public func build(_ x: Tensor, in scope: LayerScope) -> Tensor {
    let units = settings.units
    return settings.build(
      x, in: scope, "LSTM", states: 2,
      bias: .values(NDArray((0..<4 * units).map { $0 / units == 1 ? 1 : 0 as Float }))
    ) { input, states, recurrent in
      let gates = (input + states[0].matmul(recurrent)).split(every: units, axis: 1)
      let memory = sigmoid(gates[1]) * states[1] + sigmoid(gates[0]) * tanh(gates[2])
      return [sigmoid(gates[3]) * tanh(memory), memory]
    }
  }
}

/// Carries a state along a sequence that two gates let through (Cho et al., 2014).
///
/// With r, z the first thirds of x·W + b + h·U + b′, and n, m the last thirds of x·W + b and of h·U + b′:
/// h ← (1 − sigmoid(z))·tanh(n + sigmoid(r)·m) + sigmoid(z)·h. The reset gate acts behind the product, as in cuDNN,
/// PyTorch and Keras.
///
/// Parameters: `weight` `[features, 3·units]`, `recurrent` `[units, 3·units]`, `bias` and `recurrentBias` `[3·units]`.
/// The first state is 0.
public struct GRU: Layer {
  private let settings: RecurrentSettings
  /// What tells the layer from an equal one.
  public let identity: LayerIdentity

  /// Creates a layer; its arguments are those of `LSTM`.
  public init(
    _ units: Int, returnsSequences: Bool = false, reversed isReversed: Bool = false,
    init initializer: Initializer = .glorotUniform,
    recurrentInit recurrentInitializer: Initializer = .glorotUniform,
    file: String = #fileID, line: Int = #line
  ) {
    settings = RecurrentSettings(
      units: units, gates: 3, returnsSequences: returnsSequences, isReversed: isReversed,
      initializer: initializer, recurrentInitializer: recurrentInitializer)
    identity = LayerIdentity(file: file, line: line)
  }

  /// Adds the layer to the graph and returns its result.
  public func build(_ x: Tensor, in scope: LayerScope) -> Tensor {
    let units = settings.units
    return settings.build(x, in: scope, "GRU", states: 1) { input, states, recurrent in
      let bias = scope.parameter("recurrentBias", Shape([3 * units]))
      let own = input.split(every: units, axis: 1)
      let past = (states[0].matmul(recurrent) + bias).split(every: units, axis: 1)
      let (reset, update) = (sigmoid(own[0] + past[0]), sigmoid(own[1] + past[1]))
      let new = tanh(own[2] + reset * past[2])
      return [(1.0 - update) * new + update * states[0]]
    }
  }
}

/// What the layers have in common.
private struct RecurrentSettings: Sendable {
  var units: Int
  /// How many times the units a step computes.
  var gates: Int
  var returnsSequences: Bool
  var isReversed: Bool
  var initializer: Initializer
  var recurrentInitializer: Initializer

  /// More would have matrices beyond any memory.
  private static let mostUnits = 1 << 20

  /// Adds the parameters and the steps.
  ///
  /// - Parameters:
  ///   - x: The sequences.
  ///   - scope: The layer.
  ///   - name: Its name, for mistakes.
  ///   - count: How many states there are; the first is the result.
  ///   - bias: How the bias begins.
  ///   - step: Makes the next states of the step's part of x·W + b, the states before it, and U.
  /// - Returns: The last state, or those of all steps.
  func build(
    _ x: Tensor, in scope: LayerScope, _ name: String, states count: Int,
    bias: @autoclosure () -> Initializer = .zeros, step: (Tensor, [Tensor], Tensor) -> [Tensor]
  ) -> Tensor {
    guard x.rank == 3, let features = x.shape[2].fixed, x.shape[1].fixed != nil else {
      return x.failure(
        "\(name): \(x.shape) is not [batch, time, features]", hint: "reshape it")
    }
    guard (1...RecurrentSettings.mostUnits).contains(units) else {
      return x.failure("\(name): \(units) units are not from 1 to \(RecurrentSettings.mostUnits)")
    }
    let weight = scope.parameter("weight", Shape([features, gates * units]), initializer)
    let recurrent = scope.parameter(
      "recurrent", Shape([units, gates * units]), recurrentInitializer)
    // With time in front, what belongs to one step is one run of memory.
    let inputs =
      x.transpose([1, 0, 2]).matmul(weight, file: scope.file, line: scope.line)
      + scope.parameter("bias", Shape([gates * units]), bias())
    let zeros = x.number(0).broadcast(to: Shape([x.shape[0], Extent(offset: units)]))
    let result = scan(
      [inputs], from: Array(repeating: zeros, count: count), reversed: isReversed,
      file: scope.file, line: scope.line
    ) { slices, states in
      let next = step(slices[0], states, recurrent)
      return ScanStep(states: next, outputs: [next[0]])
    }
    guard returnsSequences else { return result.states[0] }
    return result.outputs[0].transpose([1, 0, 2])
  }
}
