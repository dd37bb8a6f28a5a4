// Random numbers that are functions of seed, run, place in the program and element: no matter in which order or on how
// many threads they are drawn, and which of them twice, they are the same; so nothing random is stored for a gradient,
// and training that is resumed goes on with the numbers it would have had.
//
// The seed and the number of runs are state, `random.seed` and `random.step`. Philox makes of them and of the number of
// the call a key of two words for each run, and of the key and the number of an element that element's words.

extension GraphBuilder {
  /// The name of the state that holds the seed.
  public static let seedName: String = "random.seed"
  /// The name of the state that counts runs.
  public static let randomStepName: String = "random.step"

  /// Adds numbers drawn evenly from 0 up to but without 1.
  public func uniform(
    _ shape: Shape, _ dataType: DataType = .f32, file: String = #fileID, line: Int = #line
  ) -> Tensor {
    at(Site(file, line), "uniform") { evenly(randomKey(), shape, word: 0).cast(to: dataType) }
  }

  /// Adds numbers drawn from the normal distribution of mean 0 and deviation 1 (Box and Muller, 1958).
  public func normal(
    _ shape: Shape, _ dataType: DataType = .f32, file: String = #fileID, line: Int = #line
  ) -> Tensor {
    at(Site(file, line), "normal") {
      let key = randomKey()
      // From 2⁻²⁴ to 1, so that the logarithm is finite.
      let u = evenly(key, shape, word: 0) + 0x1p-24
      let angle = evenly(key, shape, word: 1) * 6.283185307179586
      return (sqrt(log(u) * -2.0) * cos(angle)).cast(to: dataType)
    }
  }

  /// Adds truth values that are true with a probability.
  public func bernoulli(
    _ probability: Double, _ shape: Shape, file: String = #fileID, line: Int = #line
  ) -> Tensor {
    at(Site(file, line), "bernoulli") {
      guard probability >= 0, probability <= 1 else {
        record(GraphError("bernoulli: the probability is \(probability), not from 0 to 1"))
        return Tensor(self, nil)
      }
      return evenly(randomKey(), shape, word: 0) .< probability
    }
  }

  /// Returns two words that no other call and no other run has, as numbers without axes.
  private func randomKey() -> (Tensor, Tensor) {
    let (seed, step) = randomState()
    let stream = scalar(Double(randomCalls), .i32)
    randomCalls += 1
    let words = [seed.element(0), seed.element(1), step.cast(to: .i32), stream].map(\.value)
    let make = { Tensor(self, self.add(.elementwise(.philox(word: $0)), words)) }
    return (make(0), make(1))
  }

  /// Returns the state cells, declared by the first call; each run counts its number up.
  private func randomState() -> (seed: Tensor, step: Tensor) {
    if let seed = leaf(GraphBuilder.seedName), let step = leaf(GraphBuilder.randomStepName) {
      return (Tensor(self, seed), Tensor(self, step))
    }
    let seed = state(GraphBuilder.seedName, [2], .i32, .seed)
    let step = state(GraphBuilder.randomStepName, .scalar, .i64)
    update(step, to: step + 1.0)
    return (seed, step)
  }

  /// Returns the upper 24 bits of a random word for each element, as a number from 0 up to but without 1.
  private func evenly(_ key: (Tensor, Tensor), _ shape: Shape, word: Int) -> Tensor {
    let words = [
      key.0.broadcast(to: shape), key.1.broadcast(to: shape), numbers(of: shape),
      scalar(0, .i32).broadcast(to: shape),
    ]
    let bits = Tensor(self, add(.elementwise(.philox(word: word)), words.map(\.value)))
    return and(bits, bits.number(0xFF_FFFF)).cast(to: .f32) * 0x1p-24
  }

  /// Returns the number of each element in row-major order.
  private func numbers(of shape: Shape) -> Tensor {
    var number = scalar(0, .i32).broadcast(to: shape)
    for axis in shape.extents.indices.reversed() where shape[axis] != 1 {
      let place = iota(shape, axis: axis)
      let inner = Shape(shape.extents.suffix(from: axis + 1).filter { $0 != 1 })
      number = inner.rank == 0 ? place : number + place * count(inner)
    }
    return number
  }

  /// Returns how many elements a shape has as one number, which may wait for the batch size.
  private func count(_ shape: Shape) -> Tensor {
    guard let fixed = shape.elementCount?.fixed, fixed <= Int(Int32.max) else {
      return Tensor(self, add(.leaf(.size(shape.extents, .i32)), []))
    }
    return scalar(Double(fixed), .i32)
  }
}

/// Returns 0 in place of some elements, each with a probability, and the others scaled up so that the mean stays
/// (Srivastava et al., 2014).
///
/// Which ones is drawn anew in each run, and again rather than stored for the gradient.
public func dropout(
  _ x: Tensor, _ probability: Double, file: String = #fileID, line: Int = #line
) -> Tensor {
  x.builder.at(Site(file, line), "dropout") {
    guard probability >= 0, probability < 1 else {
      return x.failure("dropout: the probability is \(probability), not at least 0 and below 1")
    }
    guard probability > 0, !x.isPlaceholder else { return x }
    let isKept = x.builder.bernoulli(1 - probability, x.shape)
    return select(isKept, x * (1 / (1 - probability)), x.number(0))
  }
}
