import DescentCodegen
import DescentGraph
import DescentTestSupport

// Products of any shape with what happens to their elements, and scatters.

extension ProgramDrawing {
  /// The most products of two numbers in a kernel.
  private static let mostProducts = 12_000

  /// Draws a batch of matrix products, or a convolution, with an epilogue.
  mutating func drawContraction() -> (body: Kernel.Body, outputs: [RandomKernel.Output]) {
    if random.chance(25) { return drawConvolution() }
    let contraction = Contraction(
      transposeLeft: random.chance(40), transposeRight: random.chance(40),
      chunk: random.chance(65)
        ? Contraction.defaultChunk : pick([1, 2, 3, 7, 8, 16, 17, 31, 32, 48, 100, 128, 320]))
    let batch = (0..<pick([0, 0, 0, 1, 2])).map { _ in random.chance(2) ? 0 : random.int(1...3) }
    let (m, n, k) = drawExtents(batch.reduce(1, *), contraction)
    let isVector = m == 1 || n == 1
    let factors = [
      drawFactor(.left, batch, m, k, isTurned: contraction.transposeLeft, isVector, contraction),
      drawFactor(.right, batch, n, k, isTurned: !contraction.transposeRight, isVector, contraction),
    ]
    return drawEpilogue(
      ContractionKernel(
        extents: contraction.extents(
          Shape([batch.reduce(1, *)] + (contraction.transposeLeft ? [k, m] : [m, k])),
          Shape([batch.reduce(1, *)] + (contraction.transposeRight ? [n, k] : [k, n]))),
        chunk: contraction.chunk, left: factors[0], right: factors[1], domain: batch + [m, n],
        epilogue: VectorProgram(), stores: []))
  }

  /// Draws what happens to the elements of a product, and what is stored.
  mutating func drawEpilogue(
    _ kernel: ContractionKernel
  ) -> (body: Kernel.Body, outputs: [RandomKernel.Output]) {
    var kernel = kernel
    let isPlain = random.chance(25)
    draw(over: kernel.domain, steps: isPlain ? 0 : random.int(1...12), after: [.core(.f32)])
    let results =
      isPlain ? pick([[0], [0], [0, 0]]) : (0..<pick([1, 1, 2, 3, 8])).map { _ in self.result() }
    kernel.epilogue = program
    kernel.stores = results.enumerated().map {
      LoopKernel.Store(register: $0.element, operand: operands.count + $0.offset)
    }
    let outputs = results.map {
      RandomKernel.Output(type: program.types[Int($0)], count: kernel.domain.reduce(1, *))
    }
    return (.contraction(kernel), outputs)
  }

  /// Draws where a factor's elements lie: side by side, or in runs with anything between them, even other runs.
  ///
  /// Where it is turned, what is kept lies within what is summed over.
  mutating func drawFactor(
    _ side: FactorLayout.Side, _ batch: [Int], _ kept: Int, _ summed: Int, isTurned: Bool,
    _ isVector: Bool, _ contraction: Contraction
  ) -> ContractionKernel.Factor {
    if side == .right, random.chance(40), let factor = drawPanels(batch, kept, summed) {
      return factor
    }
    while true {
      let isLoose = random.chance(60) && kept * summed * batch.reduce(1, *) > 0
      var parts = [batch, [kept], [summed]].map { extents in extents.filter { $0 != 1 } }
      if isLoose { parts = parts.map { $0.flatMap { cut($0) } } }
      var layout = FactorLayout(batch: [], kept: [], summed: [])
      var step = 1
      let order = isTurned ? [1, 2, 0] : [2, 1, 0]
      var axes = order.flatMap { role in parts[role].indices.reversed().map { (role, $0) } }
      // The axes within runs stay; those between them may change places.
      if isLoose, axes.count > 1 { axes[1...].shuffle(using: &random) }
      var strides = parts.map { $0.map { _ in 0 } }
      for (role, axis) in axes {
        strides[role][axis] = isLoose && random.chance(10) ? pick([0, 1, step, -step]) : step
        step *= max(1, parts[role][axis])
        if isLoose, random.chance(30) { step += random.int(1...5) }
      }
      let made = zip(parts, strides).map { zip($0, $1).map(FactorLayout.Axis.init) }
      (layout.batch, layout.kept, layout.summed) = (made[0], made[1], made[2])
      // Windows lie in any way, and they are left factors.
      guard
        !isLoose || side == .left
          || layout.isReadable(as: side, isVector: isVector, chunk: contraction.chunk)
      else { continue }
      let all = made.joined()
      let least = all.reduce(0) { $0 + min(0, ($1.extent - 1) * $1.stride) }
      let most = all.reduce(0) { $0 + max(0, ($1.extent - 1) * $1.stride) }
      let isEmpty = all.contains { $0.extent == 0 }
      layout.offset = isEmpty ? 0 : -least + (isLoose ? random.int(0...3) : 0)
      let count = isEmpty ? 0 : layout.offset + most + 1
      return ContractionKernel.Factor(
        operand: addOperand(.f32, count: count, terms: summed), layout: layout)
    }
  }

  /// Draws a right factor that is packed: panels of columns, each with its terms line after line, for all terms or for
  /// blocks of them.
  private mutating func drawPanels(
    _ batch: [Int], _ columns: Int, _ terms: Int
  ) -> ContractionKernel.Factor? {
    let width = ContractionKernel.packedColumns
    let products = batch.reduce(1, *)
    let count = products * columns * terms
    guard count > 0, columns % width == 0, columns > width else { return nil }
    let depths = (1...max(1, terms)).filter { terms % $0 == 0 }
    let depth = random.chance(50) ? terms : pick(depths)
    let layout = FactorLayout(
      offset: 0,
      batch: products == 1 ? [] : [.init(extent: products, stride: columns * terms)],
      kept: [
        .init(extent: columns / width, stride: depth * width), .init(extent: width, stride: 1),
      ],
      summed: [
        .init(extent: terms / depth, stride: depth * columns), .init(extent: depth, stride: width),
      ])
    return ContractionKernel.Factor(
      operand: addOperand(.f32, count: count, terms: terms), layout: layout)
  }

  /// Cuts an extent into factors, at times.
  private mutating func cut(_ extent: Int) -> [Int] {
    let divisors = (2...32).filter { extent % $0 == 0 && extent > $0 }
    guard !divisors.isEmpty, random.chance(80) else { return [extent] }
    // Of a transposed right factor, runs of whole squares are read where they are.
    // Of a left one, only long runs are.
    if extent % 16 == 0, extent > 16, random.chance(70) {
      let run = extent % 32 == 0 && extent > 32 && random.chance(50) ? 32 : 16
      return [extent / run, run]
    }
    let inner = pick(divisors)
    return random.chance(50) ? [extent / inner, inner] : [inner, extent / inner]
  }

  /// Extents around those of tiles, blocks and vectors; each limits those drawn after it.
  private mutating func drawExtents(
    _ batch: Int, _ contraction: Contraction
  ) -> (m: Int, n: Int, k: Int) {
    var left = ProgramDrawing.mostProducts / max(1, batch)
    func extent(_ choices: [Int]) -> Int {
      let extent = min(pick(choices), max(1, left))
      left /= max(1, extent)
      return extent
    }
    // More than one block of columns, of tiles or of k.
    if batch == 1, random.chance(1) {
      return random.chance(50)
        ? (random.int(15...17), random.int(257...300), random.int(510...600))
        : (random.int(7...9), random.int(513...560), random.int(250...300))
    }
    // Runs of whole squares.
    if random.chance(8) { return (random.int(2...20), random.int(2...20), 16 * random.int(2...6)) }
    // Runs of rows and terms that are worth a tile's beginning.
    if random.chance(8) {
      return (random.int(2...4) * random.int(7...17), random.int(2...40), 32 * random.int(1...3))
    }
    // Columns of several tiles that are copied at once, tiles of two heights among them.
    if batch == 1, contraction.transposeLeft, random.chance(2) {
      return (random.int(49...60), random.int(81...96), random.int(65...72))
    }
    // Lines a page apart are packed, whatever their number.
    if random.chance(3) {
      if contraction.transposeLeft { return (1024, random.int(2...3), random.int(1...4)) }
      return (random.int(2...9), pick([512, 1024]), random.int(1...2))
    }
    let rows = [1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 14, 15, 16, 27, 28, 29, 31, 57]
    let columns = [
      1, 2, 3, 7, 8, 9, 15, 16, 17, 19, 23, 31, 32, 33, 35, 47, 48, 49, 63, 64, 65, 96, 97, 128,
      129, 192, 385,
    ]
    let depths = [
      1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 19, 31, 33, 48, 64, 67, 96, 127, 128, 129, 131, 255, 257,
      513,
      521,
      1025,
    ]
    var (m, n, k) = (0, 0, 0)
    for axis in [0, 1, 2].shuffled(using: &random) where !random.chance(1) {
      switch axis {
      case 0: m = extent(rows)
      case 1: n = extent(columns)
      default: k = extent(depths)
      }
    }
    return (m, n, k)
  }

  /// Draws slices that are added at indices, of which a few are out of range.
  mutating func drawScatter() -> (body: Kernel.Body, outputs: [RandomKernel.Output]) {
    let (outer, rows) = (random.int(1...3), random.int(1...6))
    let inner = random.chance(2) ? 0 : pick([1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 48])
    let count = random.int(0...9)
    let (type, indexType) = (pick([DataType.f32, .i32]), pick([DataType.i32, .i64]))
    let base = addOperand(type, count: outer * rows * inner)
    let indices = (0..<count).map { _ in
      random.chance(5)
        ? pick([-1, rows, Int(Int32.min), Int(Int32.max)]) : random.int(0...rows - 1)
    }
    let indexBytes = indices.flatMap { index in
      (0..<indexType.byteCount).map { UInt8(truncatingIfNeeded: index >> (8 * $0)) }
    }
    let kernel = ScatterKernel(
      dataType: type, indexType: indexType, outer: outer, rows: rows, inner: inner, count: count,
      fault: random.int(0...5), base: base, indices: addOperand(indexBytes),
      updates: addOperand(type, count: outer * count * inner), target: operands.count)
    let output = RandomKernel.Output(
      type: type, count: outer * rows * inner, place: random.chance(50) ? base : nil)
    return (.scatter(kernel), [output])
  }
}
