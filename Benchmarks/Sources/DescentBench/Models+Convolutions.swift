import Descent

// Networks of convolutions over images `[batch, height, width, channels]`.

/// The layers of a network of images, over leaves by name.
struct ImageLayers {
  let leaves: Workload.Leaves
  /// Whether batch norm takes the batch's statistics, and keeps running ones.
  let isTraining: Bool

  /// Returns a convolution with as many zeros around the image as keep its size at stride 1.
  func convolution(_ x: Tensor, _ name: String, size: Int = 3, stride: Int = 1) -> Tensor {
    convolve(
      x, leaves["\(name)_w"]!, strides: [stride, stride], padding: .zeros([size / 2, size / 2]))
  }

  /// Returns x with each channel normalised, scaled and shifted; `count` elements of a channel are in a batch.
  func norm(_ x: Tensor, _ name: String, count: Int) -> Tensor {
    let (scale, shift) = (leaves["\(name)_g"]!, leaves["\(name)_b"]!)
    let (mean, variance) = (leaves["\(name)_m"]!, leaves["\(name)_v"]!)
    guard isTraining else {
      return batchNorm(x, mean: mean, variance: variance, scale: scale, shift: shift)
    }
    let result = batchNorm(x, scale: scale, shift: shift)
    let unbiased = Double(count) / Double(count - 1)
    leaves.builder.update(mean, to: mean * 0.9 + result.mean * 0.1)
    leaves.builder.update(variance, to: variance * 0.9 + result.variance * (0.1 * unbiased))
    return result.output
  }

  /// Two convolutions of 32 and 64 channels, a pool, and two layers.
  func small(batch: Int) -> Tensor {
    let count = batch * 28 * 28
    var x = relu(norm(convolution(leaves["x"]!, "c1"), "bn1", count: count))
    x = relu(norm(convolution(x, "c2"), "bn2", count: count))
    x = maxPool(x, [1: Window(size: 2), 2: Window(size: 2)])
    x = relu(Models.linear(x.reshape(Shape([batch, 14 * 14 * 64])), leaves, "fc1"))
    return Models.linear(x, leaves, "fc2")
  }

  /// ResNet-18 for images of 32 × 32 (He et al., 2015).
  func resnet18(batch: Int) -> Tensor {
    var (size, x) = (32, leaves["x"]!)
    x = relu(norm(convolution(x, "stem"), "stembn", count: batch * size * size))
    for block in ResidualBlock.resnet18 {
      size /= block.stride
      let (name, count) = (block.name, batch * size * size)
      var y = convolution(x, "\(name)c1", stride: block.stride)
      y = convolution(relu(norm(y, "\(name)n1", count: count)), "\(name)c2")
      y = norm(y, "\(name)n2", count: count)
      if block.stride > 1 {
        x = norm(
          convolution(x, "\(name)d", size: 1, stride: block.stride), "\(name)nd", count: count)
      }
      x = relu(y + x)
    }
    return Models.linear(mean(x, axes: [1, 2]), leaves, "fc")
  }
}

/// Two convolutions beside a shortcut, which is a convolution too where the image becomes smaller.
struct ResidualBlock {
  let name: String
  let channels: Int
  let features: Int
  let stride: Int

  static var resnet18: [ResidualBlock] {
    let widths = [64, 64, 128, 256, 512]
    return (0..<4).flatMap { stage in
      (0..<2).map { index in
        let isFirst = index == 0
        return ResidualBlock(
          name: "s\(stage)b\(index)", channels: widths[isFirst ? stage : stage + 1],
          features: widths[stage + 1], stride: isFirst && stage > 0 ? 2 : 1)
      }
    }
  }
}
