import Descent

/// What a workload starts from: weights under "p.NAME" and inputs under "x.NAME" of a file, or numbers made up here.
struct Data {
  let state: State?
  let inputs: [String: NDArray]

  init(_ workload: Workload, file: String?) throws {
    guard let file else {
      state = nil
      inputs = Data.madeUp(workload)
      return
    }
    let tensors = try Safetensors(path: file)
    var inputs: [String: NDArray] = [:]
    var entries: [State.Entry] = []
    for input in workload.inputs {
      guard let array = tensors["x.\(input.name)"] else { throw Missing("x.\(input.name)", file) }
      inputs[input.name] = array.arranged(as: input.dimensions, from: input.layout)
    }
    for parameter in workload.parameters {
      guard let array = tensors["p.\(parameter.name)"] else {
        throw Missing("p.\(parameter.name)", file)
      }
      let arranged = array.arranged(as: parameter.dimensions, from: parameter.layout)
      entries.append(State.Entry(parameter.name, arranged))
    }
    self.inputs = inputs
    state = State(entries)
  }

  private static func madeUp(_ workload: Workload) -> [String: NDArray] {
    var random = SplitMix()
    var inputs: [String: NDArray] = [:]
    for input in workload.inputs {
      let count = input.dimensions.reduce(1, *)
      inputs[input.name] =
        if let classes = input.classes {
          NDArray(
            .i32((0..<count).map { _ in Int32.random(in: 0..<Int32(classes), using: &random) }),
            dimensions: input.dimensions)
        } else {
          // Evenly between ±√3: mean 0 and variance 1.
          NDArray(
            .f32((0..<count).map { _ in Float.random(in: -1.732...1.732, using: &random) }),
            dimensions: input.dimensions)
        }
    }
    return inputs
  }
}

extension NDArray {
  /// Returns the elements in the order the graph wants them.
  fileprivate func arranged(as dimensions: [Int], from layout: Workload.Layout?) -> NDArray {
    guard let layout, case .f32(let elements) = storage else { return self }
    var strides = [Int](repeating: 1, count: layout.dimensions.count)
    for axis in strides.indices.dropLast().reversed() {
      strides[axis] = strides[axis + 1] * layout.dimensions[axis + 1]
    }
    var places = [0]
    for axis in layout.axes {
      places = places.flatMap { place in
        (0..<layout.dimensions[axis]).map { place + $0 * strides[axis] }
      }
    }
    return NDArray(.f32(places.map { elements[$0] }), dimensions: dimensions)
  }
}

/// A file of weights that lacks one.
struct Missing: Error, CustomStringConvertible {
  let description: String

  init(_ name: String, _ file: String) {
    description = "data: \(file) has no tensor \"\(name)\""
  }
}

/// A generator with a fixed beginning (Steele, Lea and Flood, 2014), so that all runs see the same numbers.
private struct SplitMix: RandomNumberGenerator {
  var state: UInt64 = 7

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}
