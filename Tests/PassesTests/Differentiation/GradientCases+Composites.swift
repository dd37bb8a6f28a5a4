import DescentGraph

// Composites: each has a case, since each formula may meet 0·∞ or a wrong branch of its own.

extension GradientCase {
  static let windows: [(String, Shape, Real)] = [
    (3, 1, 1), (2, 2, 1), (2, 3, 1), (3, 2, 1), (5, 2, 1), (2, 1, 3), (3, 2, 2), (1, 9, 1),
    (7, 1, 1),
  ].map { size, stride, dilation in
    (
      "window \(size) \(stride) \(dilation)", [2, 7, 2],
      { $0.windows(axis: 1, size: size, stride: stride, dilation: dilation) }
    )
  }

  static let winogradMaps: [GradientCase] = Winograd.tiles.flatMap { tile in
    let planes = Extent(offset: (tile + 2) * (tile + 2))
    let shapes: [(Winograd.Transform, Shape)] = [
      (.image, [2, Extent(offset: 2 * tile), Extent(offset: tile + 1), 2]), (.kernel, [3, 3, 2]),
      (.cotangent, [Extent(offset: 2 * tile), Extent(offset: tile), 3]),
      (.result, [planes, 2, 1, 2]),
      (.kernelGradient, [planes, 1, 1, 2]),
    ]
    return shapes.map { transform, shape in
      let isImage = transform == .image
      let map = Winograd(
        transform, tile: tile, axis: isImage ? 1 : 0, low: isImage ? [1, 0] : [0, 0],
        high: isImage ? [1, 1] : [0, 0])
      return GradientCase("\(map.name), tile \(tile)", [operand(shape)]) {
        $0[0].apply(.winograd(map))
      }
    }
  }

  static let convolutions: [GradientCase] =
    winogradMaps + [
      GradientCase("convolve 1D", [operand([2, 5, 2]), operand([3, 2, 2])]) {
        convolve($0[0], $0[1], padding: .same)
      },
      GradientCase("convolve strided", [operand([1, 5, 4, 2]), operand([2, 3, 2, 2])]) {
        convolve(
          $0[0], $0[1], strides: [2, 1], padding: .zeros(low: [1, 0], high: [0, 1]),
          dilations: [2, 1])
      },
      GradientCase("convolve dilated", [operand([2, 5, 3, 2]), operand([3, 2, 2, 3])]) {
        convolve($0[0], $0[1], dilations: [2, 1])
      },
      // The last window ends before the last element, and between windows lie elements that none holds.
      GradientCase("convolve apart", [operand([2, 8, 3]), operand([2, 3, 2])]) {
        convolve($0[0], $0[1], strides: [3])
      },
      GradientCase("convolve of itself", [operand([2, 2, 2])]) {
        convolve($0[0], $0[0].reshape([2, 2, 2]))
      },
      GradientCase("convolve 3D", [operand([1, 2, 3, 2, 2]), operand([2, 2, 1, 2, 2])]) {
        convolve($0[0], $0[1], strides: [1, 1, 2])
      },
      GradientCase("convolve asymmetric", [operand([2, 4, 3, 2]), operand([3, 2, 2, 2])]) {
        convolve($0[0], $0[1], padding: .zeros(low: [2, 0], high: [1, 1]))
      },
      GradientCase("convolve dilated, padded", [operand([1, 4, 3, 2]), operand([3, 2, 2, 2])]) {
        convolve($0[0], $0[1], padding: .zeros(low: [1, 2], high: [3, 0]), dilations: [2, 2])
      },
      // The outermost windows see nothing of the operand.
      GradientCase("convolve far outside", [operand([2, 3, 2]), operand([2, 2, 3])]) {
        convolve($0[0], $0[1], padding: .zeros(low: [4], high: [3]))
      },
      GradientCase("convolve far before", [operand([1, 2, 3, 1]), operand([1, 3, 1, 2])]) {
        convolve($0[0], $0[1], padding: .zeros(low: [2, 4], high: [0, 1]))
      },
      GradientCase(
        "convolve far outside, strided", [operand([1, 3, 4, 2]), operand([2, 3, 2, 2])]
      ) {
        convolve($0[0], $0[1], strides: [2, 3], padding: .zeros(low: [4, 1], high: [3, 5]))
      },
      // The last window ends before the last zero.
      GradientCase("convolve apart, padded", [operand([2, 6, 2]), operand([2, 2, 2])]) {
        convolve($0[0], $0[1], strides: [3], padding: .zeros(low: [1], high: [2]), dilations: [2])
      },
      GradientCase("convolve nothing", [operand([2, 0, 2]), operand([2, 2, 2])]) {
        convolve($0[0], $0[1], padding: .zeros([2]))
      },
      GradientCase("convolve 3D padded", [operand([1, 2, 2, 3, 1]), operand([2, 1, 3, 1, 2])]) {
        convolve($0[0], $0[1], padding: .zeros(low: [1, 1, 0], high: [0, 2, 3]))
      },
      GradientCase("convolve 3D strided", [operand([1, 2, 2, 3, 1]), operand([2, 1, 3, 1, 2])]) {
        convolve(
          $0[0], $0[1], strides: [1, 2, 2], padding: .zeros(low: [1, 0, 2], high: [1, 1, 1]))
      },
      GradientCase("weightGradient", [operand([2, 4, 3, 2]), operand([2, 4, 3, 2])]) {
        let windows = Convolution(strides: [1, 1], dilations: [1, 1], low: [1, 1], high: [1, 0])
        return $0[0].weightGradient(windows, kernel: [3, 2], $0[1])
      },
      GradientCase("weightGradient, strided", [operand([1, 5, 4, 1]), operand([1, 3, 2, 2])]) {
        let windows = Convolution(strides: [2, 3], dilations: [2, 1], low: [1, 1], high: [1, 0])
        return $0[0].weightGradient(windows, kernel: [2, 2], $0[1])
      },
      GradientCase("weightGradient of itself", [operand([2, 3, 2])]) {
        let windows = Convolution(strides: [1], dilations: [1], low: [2], high: [0])
        return $0[0].weightGradient(windows, kernel: [3], $0[0])
      },
      GradientCase("convolve groups", [operand([1, 3, 3, 4]), operand([2, 2, 2, 4])]) {
        convolve($0[0], $0[1], groups: 2)
      },
      GradientCase("convolve depthwise", [operand([1, 3, 3, 2]), operand([2, 2, 1, 4])]) {
        convolve($0[0], $0[1], groups: 2)
      },
      GradientCase("convolveTransposed", [operand([1, 2, 3, 2]), operand([3, 2, 2, 2])]) {
        convolveTransposed($0[0], $0[1], strides: [2, 3], padding: .zeros([1, 0]))
      },
      GradientCase("convolveTransposed side by side", [operand([1, 3, 2]), operand([3, 2, 2])]) {
        convolveTransposed($0[0], $0[1], padding: .zeros([1]))
      },
    ]

  static let activations: [GradientCase] = {
    let anywhere: ClosedRange<Double> = -3...3
    let inside: ClosedRange<Double> = -0.9...0.9
    let positive: ClosedRange<Double> = 0.3...3
    let functions: [(String, ClosedRange<Double>, Real)] = [
      ("reciprocal", positive, { reciprocal($0) }), ("rsqrt", positive, { rsqrt($0) }),
      ("expm1", anywhere, { expm1($0) }), ("log1p", inside, { log1p($0) }),
      ("exp2", anywhere, { exp2($0) }), ("log2", positive, { log2($0) }),
      ("log10", positive, { log10($0) }), ("erfc", anywhere, { erfc($0) }),
      ("tan", inside, { tan($0) }), ("asin", inside, { asin($0) }), ("acos", inside, { acos($0) }),
      ("sinh", anywhere, { sinh($0) }), ("cosh", anywhere, { cosh($0) }),
      ("asinh", anywhere, { asinh($0) }), ("acosh", 1.2...3, { acosh($0) }),
      ("atanh", inside, { atanh($0) }), ("logSigmoid", anywhere, { logSigmoid($0) }),
      ("elu", anywhere, { elu($0, alpha: 1.5) }), ("celu", anywhere, { celu($0, alpha: 1.5) }),
      ("selu", anywhere, { selu($0) }), ("mish", anywhere, { mish($0) }),
      ("softsign", anywhere, { softsign($0) }),
      ("hardSigmoid", anywhere, { square(hardSigmoid($0)) }),
      ("hardSwish", anywhere, { hardSwish($0) }),
      ("softShrink", anywhere, { square(softShrink($0)) }),
      ("hardShrink", anywhere, { square(hardShrink($0)) }),
      ("tanhShrink", anywhere, { tanhShrink($0) }),
      ("threshold", anywhere, { square(threshold($0, above: 0.5, otherwise: 2)) }),
      ("glu", anywhere, { glu($0) }), ("softplus", anywhere, { softplus($0, beta: 2) }),
      ("nanToNumber", anywhere, { square(nanToNumber($0)) }),
    ]
    return functions.map { name, range, function in
      GradientCase(name, [operand([3, 4], range)]) { function($0[0]) }
    } + [
      GradientCase("prelu", [operand([3, 4]), operand([4])]) { prelu($0[0], slope: $0[1]) },
      GradientCase("atan2", [operand([3, 4]), operand([3, 4])]) { atan2($0[0], $0[1]) },
      GradientCase("hypot", [operand([3, 4]), operand([3, 4])]) { hypot($0[0], $0[1]) },
      GradientCase("logAddExp", [operand([3, 4]), operand([3, 4])]) { logAddExp($0[0], $0[1]) },
      GradientCase("xlogy", [operand([3, 4]), operand([3, 4], 0.3...2)]) { xlogy($0[0], $0[1]) },
      GradientCase("fmod", [operand([3, 4]), operand([3, 4], 0.4...0.9)]) {
        square(fmod($0[0], $0[1]))
      },
      GradientCase("copySign", [operand([3, 4]), operand([3, 4])]) {
        square(copySign($0[0], $0[1]) + 1.0)
      },
      GradientCase("lerp", [operand([3, 4]), operand([3, 4]), operand([4])]) {
        square(lerp($0[0], $0[1], $0[2]))
      },
      GradientCase("fmax and fmin", [operand([3, 4]), operand([3, 4])]) {
        square(fmax($0[0], $0[1])) * fmin($0[0], $0[1])
      },
    ]
  }()

  static let normalizations: [GradientCase] = [
    GradientCase("normalize", [operand([2, 3, 4]), operand([3, 4]), operand([4])]) {
      normalize($0[0], axes: [1, 2], scale: $0[1], shift: $0[2])
    },
    GradientCase("rmsNorm", [operand([3, 4]), operand([4])]) { rmsNorm($0[0], scale: $0[1]) },
    GradientCase("groupNorm", [operand([2, 4, 3]), operand([4]), operand([4])]) {
      groupNorm($0[0], groups: 2, axis: 1, scale: $0[1], shift: $0[2])
    },
    GradientCase("instanceNorm", [operand([2, 3, 4])]) { instanceNorm($0[0], axis: 1) },
    GradientCase("batchNorm", [operand([4, 3]), operand([3]), operand([3])]) {
      let result = batchNorm($0[0], scale: $0[1], shift: $0[2])
      return result.output + result.mean * result.variance
    },
    GradientCase("batchNorm inference", [operand([4, 3]), operand([3]), operand([3], 0.3...2)]) {
      batchNorm($0[0], mean: $0[1], variance: $0[2])
    },
    GradientCase("localResponseNorm", [operand([2, 5, 2])]) {
      localResponseNorm($0[0], size: 3, alpha: 0.5, axis: 1)
    },
    GradientCase("standardDeviation", [operand([3, 4])]) {
      standardDeviation($0[0], axes: [1], correction: 1)
    },
    GradientCase("norm", [operand([3, 4])]) {
      norm($0[0]) + norm($0[0], order: 3, axes: [0]).sum()
    },
    GradientCase("logSumExp", [operand([3, 4])]) { logSumExp($0[0], axes: [1], keepingAxes: true) },
  ]

  static let losses: [GradientCase] = {
    let (x, y, unit) = (operand([3, 4]), operand([3, 4]), operand([3, 4], 0.2...0.8))
    let labels = NDArray(.i32([1, 3, 0]), dimensions: [3])
    return [
      GradientCase("mae", [x, y]) { square(mae($0[0], $0[1])) },
      GradientCase("huber", [x, y]) { huber($0[0], $0[1], delta: 0.7, reduction: .sum) },
      GradientCase("smoothL1", [x, y]) { smoothL1($0[0], $0[1], beta: 0.7, reduction: .none) },
      GradientCase("binaryCrossEntropy", [unit, unit]) { binaryCrossEntropy($0[0], $0[1]) },
      GradientCase("binaryCrossEntropyWithLogits", [x, unit, unit]) {
        binaryCrossEntropyWithLogits($0[0], $0[1], weight: $0[2])
          + binaryCrossEntropyWithLogits($0[0], $0[1], positiveWeight: $0[2])
      },
      GradientCase("softMargin", [x, y]) { softMargin($0[0], $0[1]) },
      GradientCase("hinge", [x, y]) { square(hinge($0[0], $0[1])) },
      GradientCase("marginRanking", [x, y]) {
        square(marginRanking($0[0], $0[1], sign($0[0]), margin: 0.5))
      },
      GradientCase("klDivergence", [x, unit]) { klDivergence($0[0], $0[1]) },
      GradientCase("klDivergence of logarithms", [x, y]) {
        klDivergence($0[0], $0[1], targetIsLogarithm: true)
      },
      GradientCase("gaussianNLL", [x, y, unit]) {
        gaussianNLL($0[0], $0[1], variance: $0[2], isFull: true)
      },
      GradientCase("poissonNLL", [x, operand([3, 4], 0.5...3)]) {
        poissonNLL($0[0], $0[1], isFull: true)
      },
      GradientCase("cosineSimilarity", [x, y]) { cosineSimilarity($0[0], $0[1]) },
      GradientCase("tripletMargin", [x, y, operand([3, 4])]) {
        tripletMargin(anchor: $0[0], positive: $0[1], negative: $0[2], margin: 4, swap: true)
      },
      GradientCase("crossEntropy weighted", [x, operand([4], 0.5...2)]) {
        crossEntropy(
          $0[0], $0[0].builder.constant(labels), weights: $0[1], smoothing: 0.2, ignoring: 3)
      },
      GradientCase("negativeLogLikelihood", [x]) {
        square(negativeLogLikelihood($0[0], $0[0].builder.constant(labels)))
      },
    ]
  }()

  static let shapings: [GradientCase] = {
    let moves: [(String, Shape, Real)] = [
      ("tile", [2, 3], { $0.tile([2, 1, 3]) }),
      ("repeatElements", [2, 3], { $0.repeatElements(2, axis: 1) }),
      ("roll", [2, 5], { $0.roll([2, -1], axes: [1, 0]) }),
      ("stack", [2, 3], { stack([$0, square($0)], axis: 1) }),
      ("split", [5, 2], { $0.split([2, 3])[1] }), ("unstack", [3, 2], { $0.unstack(axis: 1)[1] }),
      ("diagonal", [2, 3, 4], { $0.diagonal(offset: 1) }),
      ("diagonalMatrix", [2, 3], { $0.diagonalMatrix(offset: -1) }),
      ("lowerTriangle", [3, 4], { $0.lowerTriangle(offset: -1) }),
      ("upperTriangle", [3, 4], { $0.upperTriangle() }), ("trace", [3, 4], { $0.trace() }),
      ("pad edge", [2, 4], { $0.pad(low: [0, 2], high: [1, -1], mode: .edge) }),
      ("pad reflect", [2, 4], { $0.pad(low: [1, 2], high: [0, 3], mode: .reflect) }),
      ("pad wrap", [2, 4], { $0.pad(low: [0, 4], high: [1, 2], mode: .wrap) }),
      ("matrixPower", [3, 3], { $0.matrixPower(3) }),
      ("linear", [2, 4], { $0.resample(axis: 1, to: 7, .linear) }),
      ("cubic", [4, 2], { $0.resample(axis: 0, to: 3, .cubic) }),
      ("nearest", [2, 4], { $0.resample(axis: 1, to: 6, .nearest) }),
      ("area", [2, 5], { $0.resample(axis: 1, to: 3, .area) }),
      (
        "maxPool", [2, 5, 6],
        {
          maxPool($0, [1: Window(size: 3, stride: 2, padding: 1), 2: Window(size: 2, dilation: 2)])
        }
      ),
      (
        "averagePool", [2, 5, 6],
        {
          averagePool(
            $0, [1: Window(size: 3, stride: 2, padding: 1, roundsUp: true), 2: Window(size: 2)],
            countsPadding: false)
        }
      ),
      ("adaptiveMaxPool", [2, 5, 4], { $0.adaptiveMaxPool([1: 3, 2: 2]) }),
    ]
    return moves.map { name, shape, move in
      GradientCase(name, [operand(shape)]) { square(move($0[0])) }
    } + [
      GradientCase("inner", [operand([2, 3]), operand([4, 3])]) { square($0[0].inner($0[1])) },
      GradientCase("outer", [operand([2]), operand([3])]) { square($0[0].outer($0[1])) },
      GradientCase("contract axes", [operand([2, 3, 4]), operand([4, 2])]) {
        square($0[0].contract($0[1], axes: [2, 0], [0, 1]))
      },
      GradientCase("kron", [operand([2, 1]), operand([2, 3])]) { square($0[0].kron($0[1])) },
      GradientCase("cross", [operand([2, 3]), operand([3])]) { square($0[0].cross($0[1])) },
      GradientCase("bilinear", [operand([2, 3]), operand([2, 4]), operand([2, 3, 4])]) {
        square(bilinear($0[0], $0[1], weight: $0[2]))
      },
      GradientCase("einsum", [operand([2, 3]), operand([3, 4, 2]), operand([4])]) {
        square(einsum("bi,ijb,j->b", $0))
      },
      GradientCase("attention", [operand([2, 3, 4]), operand([2, 3, 4]), operand([2, 3, 4])]) {
        scaledDotProductAttention($0[0], $0[1], $0[2], isCausal: true)
      },
    ]
  }()

  static let orderings: [GradientCase] = {
    let columns = NDArray(.i32([1, 3, 1, 0, 2, 2]), dimensions: [3, 2])
    let places = NDArray(.i64([1, 3, 1, 0, 1, 3]), dimensions: [3, 2])
    return [
      GradientCase("takeAlong", [operand([3, 4])]) {
        square($0[0].takeAlong($0[0].builder.constant(columns), axis: 1))
      },
      GradientCase("addAlong", [operand([3, 4]), operand([3, 2])]) {
        square($0[0].addAlong($0[0].builder.constant(columns), $0[1], axis: 1))
      },
      GradientCase("putAlong", [operand([4, 2]), operand([3, 2])]) {
        square($0[0].putAlong($0[0].builder.constant(columns), $0[1], axis: 0))
      },
      GradientCase("gatherND", [operand([3, 4, 2])]) {
        square($0[0].gatherND($0[0].builder.constant(places)))
      },
      GradientCase("scatterAddND", [operand([3, 4, 2]), operand([3, 2])]) {
        square($0[0].scatterAddND($0[0].builder.constant(places), $0[1]))
      },
      GradientCase("embedding", [operand([4, 2])]) {
        square(embedding($0[0].builder.constant(columns), $0[0]))
      },
      GradientCase("sort", [operand([3, 4])]) {
        let sorted = $0[0].sort(axis: 1, descending: true)
        return square(sorted.values) * sorted.indices.cast(to: .f64)
      },
      GradientCase("topK", [operand([3, 4])]) { square($0[0].topK(2).values) },
      GradientCase("cumulativeSum", [operand([2, 5])]) { square($0[0].cumulativeSum()) },
      GradientCase("cumulativeProduct", [operand([5, 2])]) { $0[0].cumulativeProduct(axis: 0) },
      GradientCase("cumulativeMax", [operand([2, 5])]) { square($0[0].cumulativeMax()) },
      GradientCase("cumulativeLogSumExp", [operand([2, 5])]) { $0[0].cumulativeLogSumExp() },
    ]
  }()
}
