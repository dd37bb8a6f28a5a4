import DescentGraph

/// The state of drawing one random graph: a pool of values, from which each step takes and to which it adds.
struct RandomGraphDrawing {
  let options: RandomGraph.Options
  let builder: GraphBuilder
  let batch: Int
  var random: SplitMix64
  var pool: [Tensor] = []
  private(set) var inputs: [String: NDArray] = [:]
  private(set) var parameters: [(name: String, tensor: Tensor)] = []

  init(seed: UInt64, _ options: RandomGraph.Options) {
    var options = options
    if options.isTrainable {
      options.allowsEmpty = false
      options.allowsSpecials = false
    }
    self.options = options
    builder = GraphBuilder(name: "random \(seed)")
    random = SplitMix64(seed: seed)
    batch = random.int(1...4)
  }

  /// Draws everything and returns the objective, if there is to be one.
  mutating func draw() -> Objective? {
    for _ in 0..<random.int(1...3) { pool.append(input()) }
    if options.isTrainable {
      for _ in 0..<random.int(1...3) { pool.append(parameter(shape())) }
    }
    for number in 1...random.int(options.steps) {
      builder.origin = Origin(file: "random", line: number)
      step()
    }
    declareOutputs()
    guard options.isTrainable else { return nil }
    builder.output("loss", loss())
    return options.minimizes ? Objective(minimizing: "loss", with: optimizer()) : nil
  }

  // MARK: - The pool

  /// Adds a value that later steps may use, unless it is too large.
  mutating func admit(_ tensor: Tensor) {
    guard count(tensor.shape) <= options.maximumElements else { return }
    pool.append(tensor)
  }

  /// Returns some value of the pool that fits, the youngest more often.
  mutating func some(where fits: (Tensor) -> Bool = { _ in true }) -> Tensor? {
    let fitting = pool.filter(fits)
    guard !fitting.isEmpty else { return nil }
    return random.chance(50)
      ? fitting[max(0, fitting.count - random.int(1...3))] : random.pick(fitting)
  }

  /// Returns some value of real numbers; there is always one.
  mutating func someFloat(where fits: (Tensor) -> Bool = { _ in true }) -> Tensor? {
    some { $0.dataType == .f32 && fits($0) }
  }

  /// Returns how many elements a shape has at the drawn batch size.
  func count(_ shape: Shape) -> Int { shape.extents.reduce(1) { $0 * length($1) } }

  /// Returns the length of an axis at the drawn batch size.
  func length(_ extent: Extent) -> Int { extent.bound(batch: batch) ?? 0 }

  // MARK: - Leaves

  /// Returns random extents.
  mutating func shape() -> Shape {
    Shape((0..<random.int(0...options.maximumRank)).map { _ in Extent(offset: extent()) })
  }

  /// Returns a random extent; 1 is frequent, since it repeats.
  mutating func extent() -> Int {
    if random.chance(20) { return 1 }
    if options.allowsEmpty, random.chance(3) { return 0 }
    return random.int(1...options.maximumExtent)
  }

  /// Declares an input of random type.
  mutating func input() -> Tensor {
    var shape = shape()
    if options.allowsBatch, shape.rank > 0, random.chance(60) {
      shape = Shape([.batch] + shape.extents.dropFirst())
    }
    let others: [DataType] = [.i32, .i64, .u8, .bool]
    let isFloat = inputs.isEmpty || !options.allowsIntegers || random.chance(75)
    return input(
      TensorType(isFloat ? .f32 : random.pick(others), shape),
      options.allowsSpecials && random.chance(30) ? .special : .ordinary)
  }

  /// Declares an input and draws its array.
  mutating func input(_ type: TensorType, _ elements: RandomElements) -> Tensor {
    let name = "x\(inputs.count)"
    let bound = TensorType(
      type.dataType, Shape(type.shape.extents.map { Extent(offset: length($0)) }))
    inputs[name] = NDArray(bound, elements, using: &random)
    return builder.input(name, type.shape, type.dataType, file: "random", line: 0)
  }

  /// Declares a parameter of a fixed shape.
  mutating func parameter(_ shape: Shape) -> Tensor {
    let name = "p\(parameters.count)"
    let values = NDArray(TensorType(.f32, shape), .ordinary, using: &random)
    let initializer: Initializer =
      random.chance(85) ? .values(values) : random.pick([.ones, .zeros, .constant(0.5)])
    let tensor = builder.parameter(name, shape, initializer, file: "random", line: 0)
    parameters.append((name, tensor))
    return tensor
  }

  /// Returns a constant, or in graphs that are trained sometimes a parameter.
  mutating func weight(_ shape: Shape) -> Tensor {
    if options.isTrainable, random.chance(60) { return parameter(shape) }
    return builder.constant(NDArray(TensorType(.f32, shape), .ordinary, using: &random))
  }

  // MARK: - Outputs

  private mutating func declareOutputs() {
    let used = Set(builder.nodes.flatMap(\.operands))
    var outputs = pool.filter { tensor in tensor.value.map { !used.contains($0) } ?? false }
    if outputs.isEmpty { outputs = [pool[pool.count - 1]] }
    for (number, tensor) in outputs.prefix(6).enumerated() {
      builder.output("y\(number)", tensor.value)
    }
  }

  private mutating func loss() -> Value? {
    var terms = pool.filter { $0.dataType == .f32 }.suffix(3).map { mean(tanh($0)) }
    // Each parameter reaches the loss on a smooth path, whatever else becomes of it.
    terms += parameters.map { mean(square($0.tensor)) * 0.125 }
    return terms.dropFirst().reduce(terms[0]) { $0 + $1 }.value
  }

  private mutating func optimizer() -> Optimizer {
    var optimizer = random.pick(
      [
        .sgd(0.1), .sgd(0.05, momentum: 0.9), .sgd(0.05, momentum: 0.5, nesterov: true),
        .sgd(0.1, weightDecay: 0.01), .adam(0.01), .adam(0.01, weightDecay: 0.1), .adamW(0.02),
      ] as [Optimizer])
    if random.chance(30) { optimizer.clipNorm = 0.5 }
    return optimizer
  }
}
