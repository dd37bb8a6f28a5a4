import DescentGraph

// At least one case for every operation that has a gradient; a test holds the table to that.

extension GradientCase {
  static let all: [GradientCase] =
    unary + binary + reductions + movements + contractions + indices + composites
    + activations + convolutions + normalizations + losses + shapings + orderings
    + recurrences

  typealias Real = @Sendable (Tensor) -> Tensor

  static func operand(_ shape: Shape, _ range: ClosedRange<Double> = -2...2) -> Operand {
    Operand(shape: shape, range: range)
  }

  static let unary: [GradientCase] = {
    let anywhere: ClosedRange<Double> = -2...2
    let positive: ClosedRange<Double> = 0.3...3
    let functions: [(String, ClosedRange<Double>, Real)] = [
      ("neg", anywhere, { -$0 }), ("abs", anywhere, { abs($0) }),
      ("sqrt", positive, { sqrt($0) }), ("exp", anywhere, { exp($0) }),
      ("log", positive, { log($0) }), ("sin", anywhere, { sin($0) }),
      ("cos", anywhere, { cos($0) }), ("atan", anywhere, { atan($0) }),
      ("tanh", anywhere, { tanh($0) }),
      ("sigmoid", anywhere, { sigmoid($0) }), ("erf", anywhere, { erf($0) }),
      ("relu", anywhere, { relu($0) }),
    ]
    return functions.flatMap { name, range, function in
      [Shape.scalar, [5], [2, 3], [0, 3]].map { (shape: Shape) in
        // The square gives linear functions a second derivative.
        GradientCase(name, [operand(shape, range)]) { x in square(function(x[0])) }
      }
    }
  }()

  static let binary: [GradientCase] = {
    let anywhere = operand([2, 3])
    let away = operand([2, 3], 0.4...2.5)
    let functions: [(String, Operand, Operand, @Sendable (Tensor, Tensor) -> Tensor)] = [
      ("add", anywhere, anywhere, { $0 + $1 }), ("sub", anywhere, anywhere, { $0 - $1 }),
      ("mul", anywhere, anywhere, { $0 * $1 }), ("div", anywhere, away, { $0 / $1 }),
      ("pow", away, anywhere, { pow($0, $1) }),
      ("minimum", anywhere, anywhere, { minimum($0, $1) }),
      ("maximum", anywhere, anywhere, { maximum($0, $1) }),
      ("remainder", anywhere, away, { remainder($0, $1) }),
      ("select", anywhere, anywhere, { select($0 .> 0.5, $0 * $1, $1) }),
    ]
    let plain = functions.map { name, x, y, function in
      GradientCase(name, [x, y]) { square(function($0[0], $0[1])) }
    }
    let repeated = functions.flatMap { name, x, y, function in
      [([3], [2, 3]), ([2, 1], [1, 3]), ([4, 2, 3], [2, 1]), ([], [2, 3])].map {
        (left: Shape, right: Shape) in
        GradientCase("\(name) repeated", [operand(left, x.range), operand(right, y.range)]) {
          square(function($0[0], $0[1]))
        }
      }
    }
    let powers = [0.0, 1, 2, 3, -1, 0.5].map { exponent in
      GradientCase("pow \(exponent)", [away]) { pow($0[0], exponent) + $0[0] }
    }
    let same = [
      GradientCase("pow of itself", [away]) { pow($0[0], $0[0]) },
      GradientCase("div of itself", [away]) { $0[0] / ($0[0] * $0[0] + $0[0]) },
    ]
    return plain + repeated + powers + same
  }()

  static let reductions: [GradientCase] = {
    let kinds: [(String, @Sendable (Tensor, [Int], Bool) -> Tensor)] = [
      ("sum", { $0.sum(axes: $1, keepingAxes: $2) }),
      ("product", { $0.product(axes: $1, keepingAxes: $2) }),
      ("max", { $0.max(axes: $1, keepingAxes: $2) }),
      ("min", { $0.min(axes: $1, keepingAxes: $2) }),
    ]
    let axes: [(Shape, [Int])] = [
      ([5], [0]), ([3, 4], [0]), ([3, 4], [1]), ([3, 4], [0, 1]), ([2, 3, 2], [1]),
      ([2, 3, 2], [0, 2]), ([2, 1, 3], [1]),
    ]
    return kinds.flatMap { name, reduce in
      axes.flatMap { shape, axes in
        [false, true].map { keeping in
          GradientCase("\(name) over \(axes)", [operand(shape)]) {
            square(reduce($0[0], axes, keeping))
          }
        }
      }
    }
  }()

  static let movements: [GradientCase] = {
    let moves: [(String, Shape, Real)] =
      [
        ("reshape", [2, 6], { $0.reshape([3, 4]) }),
        ("transpose", [2, 3], { $0.transpose() }),
        ("transpose", [2, 3, 4], { $0.transpose([1, 2, 0]) }),
        ("broadcast", [2, 1], { $0.broadcast(to: [4, 2, 3]) }),
        ("broadcast", [1], { $0.broadcast(to: [1, 5]) }),
        ("broadcast", [2, 1, 3, 1], { $0.broadcast(to: [2, 4, 3, 2]) }),
        ("slice", [7], { $0.slice(axis: 0, from: 1, to: 6) }),
        ("slice", [7], { $0.slice(axis: 0, from: 1, to: 7, by: 2) }),
        ("slice", [7], { $0.slice(axis: 0, from: 1, to: 6, by: 3) }),
        ("slice", [2, 5], { $0.slice(axis: 1, from: 2, to: 2) }),
        ("slice", [2, 5], { $0.slice(axis: 1, from: 4, to: 4, by: 3) }),
        ("slice", [2, 5], { $0.slice(axis: 1, from: 0, to: 5, by: 9) }),
        ("pad", [2, 3], { $0.pad(low: [1, 0], high: [0, 2], value: 3) }),
        (
          "pad", [2, 3],
          {
            $0.apply(.movement(.pad(low: [0, 1], high: [2, 0], interior: [3, 1], value: 0.5)))
          }
        ),
        ("reverse", [2, 3], { $0.reverse(axes: [0, 1]) }),
      ]
    let joined = GradientCase(
      "concatenate", [operand([2, 3]), operand([2, 1]), operand([2, 2])]
    ) { square(concatenate([$0[0], $0[1], $0[0], $0[2]], axis: 1)) }
    return [joined]
      + (moves + windows).map { name, shape, move in
        GradientCase(name, [operand(shape)]) { square(move($0[0])) }
      }
  }()

  static let contractions: [GradientCase] = {
    let cases: [(Shape, Bool, Shape, Bool)] = [
      ([2, 3], false, [3, 4], false), ([3, 2], true, [3, 4], false),
      ([2, 3], false, [4, 3], true), ([3, 2], true, [4, 3], true),
      ([2, 2, 3], false, [2, 3, 4], false), ([2, 3, 2], true, [2, 3, 4], false),
      ([2, 2, 3], false, [2, 4, 3], true), ([2, 3, 2], true, [2, 4, 3], true),
      ([2, 2, 3], false, [3, 4], false), ([2, 2, 3], false, [4, 3], true),
      ([2, 2, 3], true, [2, 4], false), ([2, 1, 2, 3], false, [3, 3, 2], false),
      ([3], false, [3, 4], false), ([2, 3], false, [3], false), ([3], false, [3], false),
      ([2, 0], false, [0, 3], false),
    ]
    let products = cases.map { left, transposeLeft, right, transposeRight in
      GradientCase(
        "contract \(transposeLeft) \(transposeRight)", [operand(left), operand(right)]
      ) {
        square($0[0].matmul($0[1], transposeLeft: transposeLeft, transposeRight: transposeRight))
      }
    }
    let chunked = GradientCase("contract in chunks", [operand([2, 6]), operand([6, 2])]) {
      square($0[0].apply(.contraction(Contraction(chunk: 4)), $0[1]))
    }
    return products + [chunked]
  }()

  static let indices: [GradientCase] = {
    let rows = NDArray(.i32([2, 0, 2]), dimensions: [3])
    let pairs = NDArray(.i64([1, 1, 0, 2]), dimensions: [2, 2])
    return [
      GradientCase("gather", [operand([3, 2])]) {
        square($0[0].gather($0[0].builder.constant(rows)))
      },
      GradientCase("gather", [operand([2, 3])]) {
        square($0[0].gather($0[0].builder.constant(pairs), axis: 1))
      },
      GradientCase("scatterAdd", [operand([3, 2]), operand([3, 2])]) {
        square($0[0].scatterAdd($0[0].builder.constant(rows), $0[1]))
      },
      GradientCase("scatterAdd", [operand([2, 3]), operand([2, 2, 2])]) {
        square($0[0].scatterAdd($0[0].builder.constant(pairs), $0[1], axis: 1))
      },
    ]
  }()

  static let composites: [GradientCase] = {
    let plain: [(String, Real)] = [
      ("square", { square($0) }), ("mean", { square(mean($0, axes: [1])) }),
      ("variance", { variance($0, axes: [0]) }), ("variance", { variance($0) }),
      ("logSoftmax", { logSoftmax($0) }), ("softmax", { softmax($0, axis: 0) }),
      ("gelu", { gelu($0) }), ("gelu tanh", { gelu($0, .tanh) }), ("silu", { silu($0) }),
      ("leakyRelu", { square(leakyRelu($0)) }), ("softplus", { softplus($0) }),
      ("clamp", { square(clamp($0, -0.5, 1)) }),
    ]
    let labels = NDArray(.i32([1, 3, 0]), dimensions: [3])
    return plain.map { name, function in
      GradientCase(name, [operand([3, 4])]) { function($0[0]) }
    } + [
      GradientCase("crossEntropy of classes", [operand([3, 4])]) {
        crossEntropy($0[0], $0[0].builder.constant(labels))
      },
      GradientCase("crossEntropy of probabilities", [operand([3, 4]), operand([3, 4], 0...1)]) {
        crossEntropy($0[0], $0[1])
      },
      GradientCase("mse", [operand([3, 4]), operand([3, 4])]) { mse($0[0], $0[1]) },
      GradientCase("layerNorm", [operand([3, 4]), operand([4]), operand([4])]) {
        layerNorm($0[0], scale: $0[1], shift: $0[2])
      },
      GradientCase("perceptron", [operand([3, 4]), operand([4, 2]), operand([2])]) {
        tanh($0[0].matmul($0[1]) + $0[2])
      },
      GradientCase("attention", [operand([2, 3, 4]), operand([2, 3, 4]), operand([2, 3, 4])]) {
        softmax($0[0].matmul($0[1], transposeRight: true) * 0.5).matmul($0[2])
      },
    ]
  }()
}
