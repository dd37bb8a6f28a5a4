import Descent

/// A model whose layers are described by lines such as `linear(96,48) fc2`.
struct TrainModel {
  let builder: GraphBuilder
  let initial: [String: NDArray]

  /// One line of a description: what the layer is, its numbers and options, and its name.
  private struct Line {
    let kind: String
    let arguments: [String]
    let name: String

    init(_ text: String) {
      let open = text.firstIndex(of: "(") ?? text.endIndex
      let close = text.lastIndex(of: ")") ?? text.endIndex
      kind = text[..<open].split(separator: " ").first.map(String.init) ?? ""
      let inside = open < close ? text[text.index(after: open)..<close] : ""
      arguments = inside.split(separator: ",").map {
        $0.drop { $0 == " " }.description
      }
      let rest = close < text.endIndex ? text[text.index(after: close)...] : ""
      // `W=fc1.weight[out,in] b=fc1.bias` names the layer by its parameters.
      let words = rest.split(separator: " ")
      let word = words.first.map { $0.split(separator: "=").last ?? $0 } ?? ""
      name = String(word.split(separator: ".").first ?? "")
    }

    /// Returns the number of an option such as `pad1` or `eps=1e-5`.
    func option(_ name: String, default value: Double) -> Double {
      for argument in arguments where argument.hasPrefix(name) {
        if let number = Double(argument.dropFirst(name.count).drop { $0 == "=" }) { return number }
      }
      return value
    }

    func has(_ word: String) -> Bool { arguments.contains(word) }
  }

  /// Returns what a line's layer makes of its input.
  mutating func apply(_ text: String, to x: Tensor) throws -> Tensor {
    let line = Line(text)
    switch line.kind {
    case "relu": return relu(x)
    case "tanh": return tanh(x)
    case "sigmoid": return sigmoid(x)
    case "gelu": return gelu(x)
    case "silu": return silu(x)
    case "flatten": return x.flatten(from: 1)
    case "reshape":
      return x.reshape(
        Shape(
          [.batch] + line.arguments.dropFirst().compactMap { Int($0) }.map { Extent(offset: $0) }))
    case "linear":
      let product = x.matmul(try parameter(line, "weight"), transposeRight: true)
      return has(line, "bias") ? product + (try parameter(line, "bias")) : product
    case "layer_norm":
      return layerNorm(
        x, scale: try parameter(line, "weight"), shift: try parameter(line, "bias"),
        epsilon: line.option("eps", default: 1e-5))
    case "conv2d": return try convolution(line, x)
    case "max_pool2d":
      guard let size = line.arguments.first.flatMap({ Int($0) }) else { break }
      return maxPool(x, [2: Window(size: size), 3: Window(size: size)])
    case "batch_norm2d": return try batchNormalization(line, x)
    default: break
    }
    throw WorkerError.unsupported("layer \(text)")
  }

  private func has(_ line: Line, _ part: String) -> Bool { initial["\(line.name).\(part)"] != nil }

  private func array(_ line: Line, _ part: String) throws -> NDArray {
    let name = "\(line.name).\(part)"
    guard let array = initial[name] else { throw WorkerError.refused("there is no \(name)") }
    return array
  }

  private func parameter(_ line: Line, _ part: String) throws -> Tensor {
    let array = try array(line, part)
    return builder.parameter("\(line.name).\(part)", array.type.shape, .values(array))
  }

  private func convolution(_ line: Line, _ x: Tensor) throws -> Tensor {
    let padding = Int(line.option("pad", default: 0))
    let stride = Int(line.option("stride", default: 1))
    let result = convolve(
      x, try parameter(line, "weight"), strides: [stride, stride],
      padding: .zeros([padding, padding]), groups: Int(line.option("groups", default: 1)),
      channels: .first)
    return try result.biased(has(line, "bias") ? try parameter(line, "bias") : nil)
  }

  private func batchNormalization(_ line: Line, _ x: Tensor) throws -> Tensor {
    let momentum = line.option("momentum", default: 0.1)
    let result = batchNorm(
      x, axis: 1, scale: try parameter(line, "weight"), shift: try parameter(line, "bias"),
      epsilon: line.option("eps", default: 1e-5))
    // The running variance is Bessel's: n / (n − 1) of the batch's.
    let statistics = [
      ("running_mean", result.mean),
      ("running_var", variance(x, axes: [0, 2, 3], correction: 1)),
    ]
    for (part, found) in statistics {
      let array = try array(line, part)
      let cell = builder.state("\(line.name).\(part)", array.type.shape, .f32, .values(array))
      builder.update(cell, to: cell * (1 - momentum) + found * momentum)
    }
    return result.output
  }
}
