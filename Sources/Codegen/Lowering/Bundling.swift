import DescentGraph

// Loops over small memory end so soon that starting them, and waiting until all threads have, would be most of the
// work. Those that do not depend on each other become one kernel, a bundle.
//
// A small loop waits for others to join it until a kernel comes that needs what it writes, or changes what it reads or
// writes. Then those that wait become a bundle in the place of the last of them; one that has found no other keeps
// its place. So every two kernels that touch the same bytes, one of them with a write, stay in their order.

extension LoweredGraph {
  /// Puts small loops that do not depend on each other into one kernel, unless that costs memory.
  mutating func bundleLoops() {
    var bundler = Bundler()
    for kernel in kernels { bundler.add(kernel, isSmall: isSmall(kernel)) }
    let bundled = bundler.finish()
    replaceKernels(by: bundled)
  }

  /// Takes shorter lists of kernels, unless they cost memory.
  mutating func replaceKernels(by shorter: [Kernel]) {
    guard shorter.count < kernels.count else { return }
    let (before, after) = (peakBytes(of: kernels), peakBytes(of: shorter))
    if after <= before + before / 64 { kernels = shorter }
  }

  /// Whether a kernel is a loop that takes little more time than starting it.
  private func isSmall(_ kernel: Kernel) -> Bool {
    guard case .loop = kernel.body, !kernel.mayFault else { return false }
    let byteCount = kernel.operands.reduce(0) { $0 + $1.bytes.count }
    return byteCount <= Bundler.smallBytes && kernel.flops <= Bundler.smallArithmetic
  }

  /// Returns the most bytes of temporaries that live at a time, if none takes the place of another.
  private func peakBytes(of kernels: [Kernel]) -> Int {
    var ranges: [BufferID: ClosedRange<Int>] = [:]
    for (index, kernel) in kernels.enumerated() {
      for operand in kernel.operands where buffers[operand.buffer].role == .temporary {
        ranges[operand.buffer] = (ranges[operand.buffer]?.lowerBound ?? index)...index
      }
    }
    var change = [Int](repeating: 0, count: kernels.count + 1)
    for (buffer, range) in ranges {
      change[range.lowerBound] += buffers[buffer].byteCount
      change[range.upperBound + 1] -= buffers[buffer].byteCount
    }
    var (live, peak) = (0, 0)
    for delta in change {
      live += delta
      peak = max(peak, live)
    }
    return peak
  }
}

/// Kernels in order, some small loops among which still wait for others.
private struct Bundler {
  /// The bytes and the arithmetic up to which a loop is small: a microsecond or two.
  static let smallBytes = 1 << 17
  static let smallArithmetic = 1 << 18
  /// The most loops in a bundle.
  private static let maximumLoops = 32

  /// The kernels; nil where one waits or has gone into a bundle.
  private var kernels: [Kernel?] = []
  /// Where those that wait stood.
  private var waiting: [Int] = []
  private var loops: [Kernel] = []
  /// What these touch.
  private var touched = BufferUse()

  mutating func add(_ kernel: Kernel, isSmall: Bool) {
    let use = kernel.use
    if !touched.isApart(from: use) || isSmall && loops.count == Bundler.maximumLoops { bundle() }
    guard isSmall else { return kernels.append(kernel) }
    waiting.append(kernels.count)
    kernels.append(nil)
    loops.append(kernel)
    touched.add(use)
  }

  mutating func finish() -> [Kernel] {
    bundle()
    return kernels.compactMap { $0 }
  }

  /// Ends the wait of the loops.
  private mutating func bundle() {
    if let place = waiting.last { kernels[place] = Kernel(bundling: loops) }
    (waiting, loops, touched) = ([], [], BufferUse())
  }
}

extension Kernel {
  /// Makes one kernel of loops that do not depend on each other; a single one stays what it is.
  fileprivate init(bundling kernels: [Kernel]) {
    guard kernels.count > 1 else {
      self = kernels[0]
      return
    }
    var operands: [Operand] = []
    var (loops, tails): ([LoopKernel], [LoopKernel]) = ([], [])
    var pairs: [InPlace] = []
    for (index, kernel) in kernels.enumerated() {
      guard case .loop(let loop) = kernel.body else {
        preconditionFailure("only loops are bundled")
      }
      let positions = kernel.operands.map { operand -> Int in
        if let known = operands.firstIndex(of: operand) { return known }
        operands.append(operand)
        return operands.count - 1
      }
      loops.append(loop.withOperands(positions))
      tails += kernel.tails.map { $0.withOperands(positions) }
      // What another loop reads too, it may read later.
      for pair in kernel.inPlace {
        let buffer = kernel.operands[pair.read].buffer
        let isShared = kernels.indices.contains { other in
          other != index && kernels[other].operands.contains { $0.buffer == buffer }
        }
        guard !isShared else { continue }
        pairs.append(InPlace(read: positions[pair.read], written: positions[pair.written]))
      }
    }
    let names = kernels.prefix(3).map(\.name).joined(separator: ", ")
    self.init(
      name: "\(kernels.count) loops: \(names)\(kernels.count > 3 ? ", …" : "")",
      body: .bundle(loops), operands: operands,
      grid: TileGrid(
        units: 1, workPerUnit: kernels.reduce(0) { $0 + $1.grid.units * $1.grid.workPerUnit }),
      inPlace: pairs, nodes: kernels.flatMap(\.nodes), flops: kernels.reduce(0) { $0 + $1.flops })
    self.tails = tails
  }
}

extension LoopKernel {
  /// Returns the loop with other numbers for its operands: those at their positions in a list.
  func withOperands(_ positions: [Int]) -> LoopKernel {
    var loop = self
    let number = { $0 < 0 ? $0 : positions[$0] }
    for index in loop.stages.indices {
      loop.stages[index].program.mapOperands(number)
      for store in loop.stages[index].stores.indices {
        loop.stages[index].stores[store].operand = number(
          loop.stages[index].stores[store].operand)
      }
      for place in loop.stages[index].accumulations.indices {
        loop.stages[index].accumulations[place].operand = number(
          loop.stages[index].accumulations[place].operand)
      }
      for place in loop.stages[index].taps.indices {
        loop.stages[index].taps[place].operand = number(loop.stages[index].taps[place].operand)
      }
    }
    return loop
  }
}
