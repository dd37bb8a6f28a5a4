extension Convolution {
  package func reference(_ operands: [NDArray], result: TensorType) -> NDArray {
    let (x, second) = (operands[0].type.shape, operands[1].type.shape)
    let places = Places(self, x, second)
    let dimensions = result.shape.dimensions
    switch (operands[0].storage, operands[1].storage) {
    case (.f32(let x), .f32(let second)):
      return NDArray(.f32(sums(places, x, second)), dimensions: dimensions)
    case (.f64(let x), .f64(let second)):
      return NDArray(.f64(sums(places, x, second)), dimensions: dimensions)
    default: preconditionFailure("\(name) has two operands of one float type")
    }
  }

  private func sums<T: FloatingPoint>(_ places: Places, _ x: [T], _ second: [T]) -> [T] {
    kernel == nil ? places.products(x, second) : places.gradient(x, second)
  }

  /// Where the elements of one image lie.
  private struct Places {
    /// The first element of each image.
    let images: [Int]
    /// How many windows are summed by themselves, if it is the weights' gradient.
    let chunk: Int
    /// The first index of each window along each axis, before those of the operand at times.
    let windows: [[Int]]
    /// The index of each element of a window, from the window's first.
    let elements: [[Int]]
    let extents: [Int]
    /// The distance between neighbours along each spatial axis.
    let steps: [Int]
    let features: Int
    /// The number of groups, and the channels and features of each.
    let groups: Int
    let part: (channels: Int, features: Int)

    init(_ convolution: Convolution, _ shape: Shape, _ second: Shape) {
      let count = convolution.spatialRank
      let axes = 0..<count
      let (windows, kernel) = (
        convolution.windowCounts(shape, second), convolution.kernel(second)
      )
      let x = shape.dimensions
      steps = (1...count).map { x[($0 + 1)...].reduce(1, *) }
      extents = Array(x[1...count])
      images = stridedOffsets([x[0]], strides: [x[1...].reduce(1, *)])
      chunk = convolution.chunk(shape, second)
      (features, groups) = (second.dimensions[count + 1], convolution.groups)
      part = (x[count + 1] / groups, features / groups)
      self.windows = Places.indices(windows).map { window in
        axes.map { window[$0] * convolution.strides[$0] - convolution.low[$0] }
      }
      elements = Places.indices(kernel).map { element in
        axes.map { element[$0] * convolution.dilations[$0] }
      }
    }

    /// Where an element of a window is in its image, or nothing where the window does not find it.
    private func place(_ window: [Int], _ element: [Int]) -> Int? {
      var place = 0
      for axis in extents.indices {
        let index = window[axis] + element[axis]
        guard (0..<extents[axis]).contains(index) else { return nil }
        place += index * steps[axis]
      }
      return place
    }

    /// The indices of all elements of an array, in row-major order.
    private static func indices(_ extents: [Int]) -> [[Int]] {
      extents.reduce([[]]) { outer, extent in
        outer.flatMap { index in (0..<extent).map { index + [$0] } }
      }
    }

    private func features(of group: Int) -> Range<Int> {
      group * part.features..<(group + 1) * part.features
    }

    func products<T: FloatingPoint>(_ x: [T], _ weights: [T]) -> [T] {
      var results: [T] = []
      results.reserveCapacity(images.count * windows.count * features)
      for image in images {
        for window in windows {
          var sums = [T](repeating: 0, count: features)
          for (number, element) in elements.enumerated() {
            guard let place = place(window, element) else { continue }
            for group in 0..<groups {
              for channel in 0..<part.channels {
                let factor = x[image + place + group * part.channels + channel]
                let row = (number * part.channels + channel) * features
                for feature in features(of: group) {
                  sums[feature].addProduct(factor, weights[row + feature])
                }
              }
            }
          }
          results += sums
        }
      }
      return results
    }

    func gradient<T: FloatingPoint>(_ x: [T], _ cotangent: [T]) -> [T] {
      var results: [T] = []
      results.reserveCapacity(elements.count * part.channels * features)
      for element in elements {
        for channel in 0..<part.channels {
          var (totals, sums, term) = ([T](), [T](repeating: 0, count: features), 0)
          for image in images {
            for window in windows {
              if term > 0, term % chunk == 0 {
                totals = totals.isEmpty ? sums : zip(totals, sums).map(+)
                sums = [T](repeating: 0, count: features)
              }
              let row = term * features
              term += 1
              guard let place = place(window, element) else { continue }
              for group in 0..<groups {
                let factor = x[image + place + group * part.channels + channel]
                for feature in features(of: group) {
                  sums[feature].addProduct(factor, cotangent[row + feature])
                }
              }
            }
          }
          results += totals.isEmpty ? sums : zip(totals, sums).map(+)
        }
      }
      return results
    }
  }
}
