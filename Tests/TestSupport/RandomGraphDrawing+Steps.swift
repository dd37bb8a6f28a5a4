import DescentGraph

// One operation at a time. A step that finds nothing to work on does nothing.

extension RandomGraphDrawing {
  /// Adds one random operation to the pool.
  mutating func step() {
    let roll = random.int(0...99)
    let result: Tensor? =
      switch roll {
      case ..<16: unary()
      case ..<38: binary()
      case ..<44: selection()
      case ..<48: conversion()
      case ..<60: reduction()
      case ..<78: movement()
      case ..<84: contraction()
      case ..<87: random.chance(75) ? convolution() : winograd()
      case ..<94: indexed()
      case ..<97: composite()
      default: leaf()
      }
    if let result { admit(result) }
  }

  // MARK: - Elementwise

  private mutating func unary() -> Tensor? {
    if options.allowsIntegers, random.chance(20), let x = some(where: { $0.dataType != .f32 }) {
      let functions: [UnaryFunction] =
        x.dataType == .bool ? [.not] : [.neg, .abs, .sign, .not, .relu]
      return x.apply(.elementwise(.unary(random.pick(functions))))
    }
    guard let x = someFloat() else { return nil }
    if options.isTrainable, random.chance(50) {
      // These keep numbers moderate, so that a loss stays finite through many steps.
      let function = random.pick(
        [.tanh, .sigmoid, .sin, .cos, .atan, .relu, .erf] as [UnaryFunction])
      return x.apply(.elementwise(.unary(function)))
    }
    let functions = UnaryFunction.allCases.filter { $0 != .not }
    let function = random.pick(functions)
    let wild: Set<UnaryFunction> = [.exp, .log, .sqrt]
    let operand = options.isTrainable && wild.contains(function) ? abs(tanh(x)) + 0.5 : x
    return operand.apply(.elementwise(.unary(function)))
  }

  private mutating func binary() -> Tensor? {
    guard let (left, right) = pair() else { return nil }
    if random.chance(12) {
      return .elementwise(.compare(random.pick(Comparison.allCases)), left, right)
    }
    var functions: [BinaryFunction]
    switch left.dataType {
    case .bool: functions = [.and, .or, .xor]
    case .i32, .i64, .u8:
      functions = [.add, .sub, .mul, .div, .minimum, .maximum, .remainder, .and, .or, .xor]
    case .f32, .f64:
      functions = [.add, .sub, .mul, .minimum, .maximum, .add, .mul]
      if !options.isTrainable { functions += [.div, .pow, .remainder] }
    }
    return .elementwise(.binary(random.pick(functions)), left, right)
  }

  /// Returns two values of one element type whose shapes broadcast.
  private mutating func pair() -> (Tensor, Tensor)? {
    let isFloat = !options.allowsIntegers || random.chance(80)
    guard let left = isFloat ? someFloat() : some(where: { $0.dataType != .f32 }) else {
      return nil
    }
    let partner = some { other in
      other.dataType == left.dataType && Shape.broadcast(left.shape, other.shape) != nil
    }
    if let partner, random.chance(70) {
      return random.chance(50) ? (left, partner) : (partner, left)
    }
    guard left.dataType == .f32 else { return (left, left) }
    return (left, weight(repeating(to: left.shape)))
  }

  /// Returns a fixed shape that broadcasts to another.
  private mutating func repeating(to shape: Shape) -> Shape {
    let extents = shape.extents.dropFirst(random.int(0...shape.rank))
    return Shape(extents.map { $0.isSymbolic || random.chance(25) ? 1 : $0 })
  }

  private mutating func selection() -> Tensor? {
    guard let (left, right) = pair() else { return nil }
    let condition =
      some { $0.dataType == .bool && Shape.broadcast($0.shape, left.shape) != nil }
      ?? Tensor.elementwise(.compare(.greater), left, right)
    guard let shape = Shape.broadcast(left.shape, right.shape),
      Shape.broadcast(shape, condition.shape) != nil
    else { return nil }
    return select(condition, left, right)
  }

  private mutating func conversion() -> Tensor? {
    guard let x = some() else { return nil }
    guard options.allowsIntegers else { return nil }
    if x.dataType != .f32 { return x.cast(to: .f32) }
    return x.cast(to: random.pick([.i32, .i64, .u8, .bool] as [DataType]))
  }

  // MARK: - Reductions

  private mutating func reduction() -> Tensor? {
    guard let x = some(where: { $0.rank > 0 }) else { return nil }
    let first = random.int(0...x.rank - 1)
    let axes = Array(first...random.int(first...x.rank - 1))
    let keepsAxes = random.chance(30)
    if x.dataType == .bool { return x.reduce(random.pick([.any, .all]), axes, keepsAxes) }
    var kinds: [Reduction.Kind] = [.sum, .sum]
    if !options.isTrainable { kinds.append(.product) }
    if !axes.contains(where: { length(x.shape[$0]) == 0 }) {
      kinds += [.max, .min]
      if options.allowsIntegers { kinds += [.argMax, .argMin] }
    }
    return x.reduce(random.pick(kinds), axes, keepsAxes)
  }

  // MARK: - Contraction

  private mutating func contraction() -> Tensor? {
    guard let x = someFloat(where: { $0.rank >= 2 }) else { return nil }
    let transposesLeft = random.chance(25)
    let transposesRight = random.chance(40)
    let inner = x.shape[x.rank - (transposesLeft ? 2 : 1)]
    let leading = Array(x.shape.extents.dropLast(2))
    guard !inner.isSymbolic, !leading.contains(where: \.isSymbolic) else { return product(x) }
    let columns = Extent(offset: extent())
    let right = weight(
      Shape(leading + (transposesRight ? [columns, inner] : [inner, columns])))
    let chunk = random.chance(20) ? random.int(1...4) : Contraction.defaultChunk
    let product = x.apply(
      .contraction(
        Contraction(
          transposeLeft: transposesLeft, transposeRight: transposesRight, chunk: chunk)),
      right)
    return leading.isEmpty || random.chance(50) ? product : chain(product, leading)
  }

  /// Goes on from a batch of products to another, as an attention does.
  private mutating func chain(_ product: Tensor, _ leading: [Extent]) -> Tensor {
    var x = product
    for _ in 0..<random.int(0...2) {
      switch random.int(0...3) {
      case 0: if x.shape.extents.last != 0 { x = softmax(x) }
      case 1: x = tanh(x)
      case 2: x = x + weight(Shape(Array(x.shape.extents.suffix(random.int(1...2)))))
      default: x = x - x.sum(axes: [-1], keepingAxes: true)
      }
    }
    let transposesLeft = random.chance(20)
    let inner = x.shape[x.rank - (transposesLeft ? 2 : 1)]
    let right = weight(Shape(leading + [inner, Extent(offset: extent())]))
    return x.apply(.contraction(Contraction(transposeLeft: transposesLeft)), right)
  }

  /// Returns x·xᵀ, which exists for every shape.
  private func product(_ x: Tensor) -> Tensor {
    x.apply(.contraction(Contraction(transposeRight: true)), x)
  }

  /// Windows of one to three axes times weights, and possibly the weights' gradient.
  private mutating func convolution() -> Tensor? {
    let found = someFloat { tensor in
      (2...5).contains(tensor.rank)
        && !tensor.shape.extents.dropFirst().contains(where: \.isSymbolic)
    }
    guard var x = found else { return nil }
    if x.rank == 2 || random.chance(10) && x.rank < 5 {
      x = x.reshape(Shape(x.shape.extents + [1]))
    }
    let axes = 1...x.rank - 2
    if random.chance(40) {
      let widths = (0..<x.rank).map { axes.contains($0) ? random.int(0...2) : 0 }
      x = x.pad(low: widths, high: widths.reversed().map { $0 })
    }
    let dilations = axes.map { _ in random.int(1...2) }
    let strides = axes.map { _ in random.chance(60) ? 1 : random.int(1...3) }
    let reachesOutside = random.chance(50)
    let low = axes.map { _ in reachesOutside ? random.int(0...3) : 0 }
    let high = axes.map { _ in reachesOutside ? random.int(0...3) : 0 }
    var kernel: [Extent] = []
    for (number, (axis, dilation)) in zip(axes, dilations).enumerated() {
      let length = low[number] + self.length(x.shape[axis]) + high[number]
      guard length > 0 else { return nil }
      kernel.append(Extent(offset: random.int(1...Swift.min(3, (length - 1) / dilation + 1))))
    }
    let channels = length(x.shape[x.rank - 1])
    let divisors = (1...Swift.max(1, channels)).filter { channels % $0 == 0 }
    let groups = random.chance(40) ? random.pick(divisors) : 1
    let sides = [channels / groups, groups * extent()].map { Extent(offset: $0) }
    let weights = weight(Shape(kernel + sides))
    let convolution = Convolution(
      strides: strides, dilations: dilations, low: low, high: high, groups: groups)
    let product = x.apply(.convolution(convolution), weights)
    guard random.chance(40) else { return product }
    return x.apply(.convolution(convolution.with(kernel: kernel.compactMap(\.fixed))), product)
  }

  /// Tiles made planes, and possibly planes of something else made tiles again.
  private mutating func winograd() -> Tensor? {
    let tile = random.pick(Winograd.tiles)
    if random.chance(25) {
      let planes = weight([3, 3, Extent(offset: extent()), Extent(offset: extent())])
        .apply(.winograd(Winograd(.kernel, tile: tile, axis: 0)))
      guard random.chance(50) else { return planes }
      return tanh(planes).apply(.winograd(Winograd(.kernelGradient, tile: tile, axis: 0)))
    }
    let found = someFloat { (3...6).contains($0.rank) }
    guard var x = found else { return nil }
    let axes = (0..<x.rank - 2).filter { !x.shape[$0].isSymbolic && !x.shape[$0 + 1].isSymbolic }
    guard !axes.isEmpty else { return nil }
    let axis = random.pick(axes)
    let transform = random.chance(60) ? Winograd.Transform.image : .cotangent
    let plain = Winograd(transform, tile: tile, axis: axis)
    var (low, high) = ([0, 0], [0, 0])
    for position in 0..<2 {
      let reach = transform == .image ? plain.extent - 1 : 0
      low[position] = random.int(0...reach)
      // What is missing for a whole number of tiles stands behind, as zeros or as elements.
      let length = self.length(x.shape[axis + position]) + low[position]
      let over = plain.extent - plain.stride
      let tiles = Swift.max(1, (length - over + plain.stride - 1) / plain.stride)
      let missing = tiles * plain.stride + over - length
      high[position] = Swift.min(reach, missing)
      var widths = [Int](repeating: 0, count: x.rank)
      widths[axis + position] = missing - high[position]
      x = x.pad(low: widths.map { _ in 0 }, high: widths)
    }
    let planes = x.apply(
      .winograd(Winograd(transform, tile: tile, axis: axis, low: low, high: high)))
    guard random.chance(50) else { return planes }
    return tanh(planes).apply(.winograd(Winograd(.result, tile: tile, axis: axis)))
  }

  // MARK: - Indices

  private mutating func indexed() -> Tensor? {
    guard random.chance(70) else { return random.chance(50) ? oneHot() : argSort() }
    guard
      let x = some(where: { tensor in
        tensor.dataType != .bool && tensor.rank > 0
          && tensor.shape.extents.contains { !$0.isSymbolic && $0 != 0 }
      })
    else { return nil }
    let axes = (0..<x.rank).filter { !x.shape[$0].isSymbolic && x.shape[$0] != 0 }
    let axis = random.pick(axes)
    guard x.rank <= 6 else { return nil }
    let places = Shape((0..<random.int(0...2)).map { _ in Extent(offset: extent()) })
    let indices = indices(places, below: length(x.shape[axis]))
    let slices = x.gather(indices, axis: axis)
    guard random.chance(40) else { return slices }
    return x.scatterAdd(indices, slices + slices, axis: axis)
  }

  private mutating func argSort() -> Tensor? {
    let x = some { tensor in tensor.shape.extents.contains { !$0.isSymbolic } }
    guard let x else { return nil }
    let axis = random.pick((0..<x.rank).filter { !x.shape[$0].isSymbolic })
    let indices = x.argSort(axis: axis, descending: random.chance(50))
    return options.allowsIntegers ? indices : indices.cast(to: .f32)
  }

  private mutating func oneHot() -> Tensor? {
    let depth = random.int(1...options.maximumExtent)
    let places = Shape((0..<random.int(0...2)).map { _ in Extent(offset: extent()) })
    let dataTypes: [DataType] = options.allowsIntegers ? [.f32, .f32, .i32, .bool] : [.f32]
    return indices(places, below: depth).oneHot(depth, random.pick(dataTypes))
  }

  /// Returns a constant, or an input, of indices in range.
  private mutating func indices(_ shape: Shape, below bound: Int) -> Tensor {
    let type = TensorType(random.chance(70) ? .i32 : .i64, shape)
    if random.chance(50) { return input(type, .below(bound)) }
    return builder.constant(NDArray(type, .below(bound), using: &random))
  }

  // MARK: - Others

  private mutating func composite() -> Tensor? {
    guard let x = someFloat(where: { $0.rank > 0 && $0.shape[$0.rank - 1] != 0 }) else {
      return nil
    }
    switch random.int(0...7) {
    case 0: return softmax(x)
    case 4: return dropout(x, 0.4)
    case 5: return builder.normal(x.shape)
    case 6: return x.shape[x.rank - 1].isSymbolic ? nil : x.cumulativeSum()
    case 1: return logSoftmax(x)
    case 2: return gelu(x, random.chance(50) ? .exact : .tanh)
    case 3: return mean(x, axes: [-1], keepingAxes: random.chance(50))
    default: return variance(x, axes: [-1])
    }
  }

  private mutating func leaf() -> Tensor? {
    let shape = shape()
    if shape.rank > 0, random.chance(50) {
      let dataType: DataType = options.allowsIntegers ? random.pick([.i32, .f32, .i64]) : .f32
      return builder.iota(shape, axis: random.int(0...shape.rank - 1), dataType)
    }
    return weight(shape)
  }
}
