import DescentGraph

extension GradientCase {
  /// Slices and products of one value whose shares are joined, and some that must not be.
  static let recurrences: [GradientCase] = [
    GradientCase("scan", [operand([3, 1, 3]), operand([3, 3]), operand([1, 3])]) { operands in
      let result = scan([operands[0]], from: [operands[2]]) { slices, states in
        let state = tanh(slices[0] + states[0].matmul(operands[1]))
        return ScanStep(states: [state], outputs: [state])
      }
      return result.outputs[0] + square(result.states[0])
    },
    GradientCase("scan reversed", [operand([2, 3, 2]), operand([2])]) { operands in
      scan([operands[0]], from: [operands[0].element(1)], axis: 1, reversed: true) {
        slices, states in
        ScanStep(states: [states[0] * operands[1]], outputs: [states[0].sum(axes: [0]) * slices[0]])
      }.outputs[0]
    },
    GradientCase("products of few rows, there and back", [operand([1, 4]), operand([4, 4])]) {
      let (x, w) = ($0[0], $0[1])
      return square(x.matmul(w)).matmul(w).matmul(w, transposeRight: true)
    },
    GradientCase("slices side by side", [operand([6, 2])]) { x in
      let parts = x[0].split([1, 2, 3])
      return square(parts[0]) * parts[1] + exp(parts[2].slice(axis: 0, to: 2))
    },
    GradientCase("slices with gaps", [operand([7])]) { x in
      square(x[0].slice(axis: 0, from: 1, to: 3)) * x[0].slice(axis: 0, from: 4, to: 6)
    },
    GradientCase("slices that overlap", [operand([3, 5])]) { x in
      let windows = (0..<4).map {
        x[0].slice(axis: 1, from: Extent(offset: $0), to: Extent(offset: $0 + 2))
      }
      return square(windows[0]) * windows[1] + square(windows[2]) * windows[3]
        + x[0].slice(axis: 1, from: 3) * square(x[0]).slice(axis: 1, to: 2)
    },
    GradientCase("slices of different axes", [operand([4, 4])]) { x in
      let rows = x[0].split(every: 2, axis: 0)
      let columns = x[0].split(every: 2, axis: 1)
      return square(rows[0]) * rows[1] + (square(columns[0]) * columns[1]).transpose()
    },
  ]
}
