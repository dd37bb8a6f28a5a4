extension Convolution {
  package func reference(_ operands: [NDArray], result: TensorType) -> NDArray {
    let (x, weights) = (operands[0].dimensions, operands[1].dimensions)
    let places = Places(self, x, weights, windows: Array(result.shape.dimensions[1...spatialRank]))
    let dimensions = result.shape.dimensions
    switch (operands[0].storage, operands[1].storage) {
    case (.f32(let x), .f32(let weights)):
      return NDArray(.f32(places.products(x, weights)), dimensions: dimensions)
    case (.f64(let x), .f64(let weights)):
      return NDArray(.f64(places.products(x, weights)), dimensions: dimensions)
    default: preconditionFailure("convolve has two operands of one float type")
    }
  }

  /// Where the elements of one image lie.
  private struct Places {
    /// The first element of each image.
    let images: [Int]
    /// The first element of each window, from that of its image.
    let windows: [Int]
    /// Every element of a window, from its first.
    let elements: [Int]
    let features: Int

    init(_ convolution: Convolution, _ x: [Int], _ weights: [Int], windows: [Int]) {
      let count = convolution.spatialRank
      // The distance between neighbours along each spatial axis.
      let steps = (1...count).map { x[($0 + 1)...].reduce(1, *) }
      images = stridedOffsets([x[0]], strides: [x[1...].reduce(1, *)])
      self.windows = stridedOffsets(windows, strides: zip(steps, convolution.strides).map(*))
      elements = stridedOffsets(
        Array(weights[...count]), strides: zip(steps, convolution.dilations).map(*) + [1])
      features = weights[count + 1]
    }

    func products<T: FloatingPoint>(_ x: [T], _ weights: [T]) -> [T] {
      var results: [T] = []
      results.reserveCapacity(images.count * windows.count * features)
      for image in images {
        for window in windows {
          var sums = [T](repeating: 0, count: features)
          for (k, element) in elements.enumerated() {
            let factor = x[image + window + element]
            for feature in 0..<features {
              sums[feature].addProduct(factor, weights[k * features + feature])
            }
          }
          results += sums
        }
      }
      return results
    }
  }
}
