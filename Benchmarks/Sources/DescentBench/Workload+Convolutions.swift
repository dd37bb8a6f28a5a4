import Descent

// Networks of images, with the names, shapes and initial weights other frameworks are measured with. Files hold
// channels before height and width; they are brought into our order when they are read.

extension Workload {
  static var convolutional: [Workload] {
    images("cnn", [28, 28, 1], batch: 64, inference: [1, 64], .adam(1e-3), small) {
      $0.small(batch: $1)
    }
      + images(
        "resnet18", [32, 32, 3], batch: 32, inference: [1, 16], .sgd(1e-2, momentum: 0.9), resnet18
      ) { $0.resnet18(batch: $1) }
  }

  /// Parameters, and how many products an image costs.
  private typealias Weights = (parameters: [Parameter], products: Int)

  private static func images(
    _ name: String, _ image: [Int], batch: Int, inference: [Int], _ optimizer: Optimizer,
    _ weights: Weights, _ body: @escaping @Sendable (ImageLayers, Int) -> Tensor
  ) -> [Workload] {
    let input = { (batch: Int) in
      Input(
        name: "x", dimensions: [batch] + image,
        layout: .channelsFirst([batch, image[2], image[0], image[1]]))
    }
    let (kind, bytes) = training(optimizer, weights.parameters)
    // No gradient with respect to the image is wanted.
    let first = weights.parameters[0].count * image[0] * image[1]
    let train = Workload(
      name: "\(name)_train", kind: kind,
      inputs: [input(batch), Input(name: "t", dimensions: [batch], classes: 10)],
      parameters: weights.parameters,
      operations: Double(2 * batch * (3 * weights.products - first)),
      bytes: bytes, writes: true
    ) { leaves in
      crossEntropy(body(ImageLayers(leaves: leaves, isTraining: true), batch), leaves["t"]!)
    }
    return [train]
      + inference.map { batch in
        Workload(
          name: "\(name)_infer_b\(batch)", inputs: [input(batch)], parameters: weights.parameters,
          operations: Double(2 * batch * weights.products),
          bytes: 4 * weights.parameters.reduce(0) { $0 + $1.count }
        ) { body(ImageLayers(leaves: $0, isTraining: false), batch) }
      }
  }

  private static var small: Weights {
    // The file's rows are channels, heights and widths; ours heights, widths and channels.
    let flat = Layout(dimensions: [64, 14, 14, 128], axes: [1, 2, 0, 3])
    let parameters =
      [kernel("c1", 3, 1, 32)] + norm("bn1", 32) + [kernel("c2", 3, 32, 64)] + norm("bn2", 64) + [
        Parameter(name: "fc1_w", dimensions: [64 * 14 * 14, 128], layout: flat),
        Parameter(name: "fc1_b", dimensions: [128]),
        Parameter(name: "fc2_w", dimensions: [128, 10]), Parameter(name: "fc2_b", dimensions: [10]),
      ]
    let places = 28 * 28
    return (parameters, (9 * 32 + 9 * 32 * 64) * places + weightCount(parameters))
  }

  private static var resnet18: Weights {
    var parameters = [kernel("stem", 3, 3, 64)] + norm("stembn", 64)
    var places = 32 * 32
    var products = parameters[0].count * places
    for block in ResidualBlock.resnet18 {
      let (name, features) = (block.name, block.features)
      places /= block.stride * block.stride
      var kernels = [kernel("\(name)c1", 3, block.channels, features)]
      parameters += [kernels[0]] + norm("\(name)n1", features)
      kernels.append(kernel("\(name)c2", 3, features, features))
      parameters += [kernels[1]] + norm("\(name)n2", features)
      if block.stride > 1 {
        kernels.append(kernel("\(name)d", 1, block.channels, features))
        parameters += [kernels[2]] + norm("\(name)nd", features)
      }
      products += kernels.reduce(0) { $0 + $1.count } * places
    }
    parameters += [
      Parameter(name: "fc_w", dimensions: [512, 10]), Parameter(name: "fc_b", dimensions: [10]),
    ]
    return (parameters, products + weightCount(parameters))
  }

  private static func kernel(
    _ name: String, _ size: Int, _ channels: Int, _ features: Int
  ) -> Parameter {
    Parameter(
      name: "\(name)_w", dimensions: [size, size, channels, features],
      layout: Layout(dimensions: [features, channels, size, size], axes: [2, 3, 1, 0]))
  }

  /// Scale, shift, and the running mean and variance.
  private static func norm(_ name: String, _ channels: Int) -> [Parameter] {
    ["g", "b", "m", "v"].map { kind in
      Parameter(
        name: "\(name)_\(kind)", dimensions: [channels], isState: kind == "m" || kind == "v")
    }
  }
}
