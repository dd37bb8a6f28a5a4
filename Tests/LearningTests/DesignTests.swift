import Descent
import Testing

// What the design page shows users, as far as layers go that exist.

struct DenseBlock: Module {
  let features: Int
  var body: Block {
    Dense(features)
    LayerNorm()
    ReLU()
  }
}

struct DenseResidual: Module {
  let a = Dense(64), b = Dense(64)
  func callAsFunction(_ x: Tensor) -> Tensor { relu(x + b(relu(a(x)))) }
}

struct ConvBlock: Module {
  let channels: Int
  var body: Block {
    Conv2D(channels, kernel: 3)
    BatchNorm()
    ReLU()
    MaxPool2D(2)
  }
}

@Suite struct DesignTests {
  @Test func aConvolutionalClassifier() throws {
    let model = try Model(input: [28, 28, 1]) {
      for channels in [4, 8] { ConvBlock(channels: channels) }
      Flatten(); Dense(16); Dropout(0.5); Dense(10)
    }
    #expect(
      parameterNames(model.graph) == [
        "0.0.weight", "0.0.bias", "0.1.scale", "0.1.shift", "1.0.weight", "1.0.bias", "1.1.scale",
        "1.1.shift", "3.weight", "3.bias", "5.weight", "5.bias",
      ])
    // One bright row or column.
    var pixels: [Float] = []
    for image in 0..<64 {
      for place in 0..<784 {
        let line = image % 2 == 0 ? place / 28 : place % 28
        pixels.append(line == image / 4 ? 1 : 0)
      }
    }
    let data = try Dataset(
      inputs: NDArray(pixels, dimensions: [64, 28, 28, 1]),
      targets: NDArray((0..<64).map { Int32($0 % 2) }))
    var trainer = try Trainer(
      model, loss: .crossEntropy, optimizer: .adam(1e-2), metrics: [.accuracy], seed: 1)
    let history = try trainer.fit(data, epochs: 8, batch: 16, reporting: .silent)
    #expect((history.epochs.last?.training.values.last ?? 0) > 0.9)
  }

  @Test func aDigitClassifier() throws {
    try withFile("images", "") { images in
      let labels = images + ".labels"
      let pixels = (0..<40 * 784).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 8) }
      try IDX.write(NDArray(.u8(pixels), dimensions: [40, 28, 28]), to: images)
      try IDX.write(NDArray(.u8((0..<40).map { $0 % 10 }), dimensions: [40]), to: labels)

      let (train, valid) = try Dataset.idx(images: images, labels: labels).split(0.9, seed: 1)
      let model = try Model(input: [784]) {
        Dense(12); ReLU(); Dense(6); ReLU(); Dense(10)
      }
      var trainer = try Trainer(
        model, loss: .crossEntropy, optimizer: .adam(1e-3), metrics: [.accuracy], seed: 42)
      try trainer.fit(train, validation: valid, epochs: 1, batch: 32, reporting: .silent)
      try trainer.state.save(to: images + ".safetensors")
      #expect(try State(path: images + ".safetensors")["0.weight"] == trainer.state["0.weight"])
      #expect(model.summary.parameterCount == 784 * 12 + 12 + 12 * 6 + 6 + 6 * 10 + 10)
    }
  }

  /// The third example as it stands there, compiled to a training step.
  @Test func convolutionsAndAResidual() throws {
    let cnn = try Model(input: [28, 28, 1]) {
      for channels in [16, 32] { ConvBlock(channels: channels) }
      Flatten(); Dense(64); DenseResidual(); Dropout(0.5); Dense(10)
    }
    #expect(
      parameterNames(cnn.graph).suffix(8) == [
        "3.weight", "3.bias", "4.a.weight", "4.a.bias", "4.b.weight", "4.b.bias", "6.weight",
        "6.bias",
      ])
    #expect(
      cnn.summary.rows.map { "\($0.output.shape)" } == [
        "[batch, 13, 13, 16]", "[batch, 5, 5, 32]", "[batch, 800]", "[batch, 64]", "[batch, 64]",
        "[batch, 64]", "[batch, 10]",
      ])
    _ = try cnn.graph(loss: .crossEntropy).minimizing("loss", with: .adam(1e-3)).compile(batch: 4)
  }

  @Test func blocksAndResiduals() throws {
    let model = try Model(input: [28, 28, 1]) {
      for features in [16, 32] { DenseBlock(features: features) }
      Flatten(); Dense(64); DenseResidual(); Dense(10)
    }
    #expect(
      parameterNames(model.graph).suffix(7) == [
        "3.bias", "4.a.weight", "4.a.bias", "4.b.weight", "4.b.bias", "5.weight", "5.bias",
      ])
    #expect("\(model.output)" == "f32[batch, 10]")
  }
}
