import DescentGraph

// Scores of an attention are written by one product, read and written by a softmax, and read by another product; for
// long sequences each passes over more than caches hold. But what becomes of some rows of one head needs only these
// rows. So products of a batch that hand each other results, with what stands between them, become one kernel that runs
// all of them strip by strip. Each computes what it did, in the same order.

extension LoweredGraph {
  /// Joins kernels that hand each other large results, where strips of these are all that the next one needs.
  ///
  /// - Parameters:
  ///   - minimumBytes: How much must be handed over for that to be worth while.
  ///   - threads: Among how many the strips are shared; all should have about as many.
  mutating func formStrips(minimumBytes: Int, threads: Int) {
    var index = 0
    while index < kernels.count {
      defer { index += 1 }
      guard let chain = StripChain.from(index, in: self, threads: threads),
        chain.handedBytes(in: self) >= minimumBytes
      else { continue }
      let end = chain.members[chain.members.count - 1]
      let kernel = kernel(of: chain, threads: threads)
      kernels.replaceSubrange(
        index...end,
        with: chain.before.map { kernels[$0] } + [kernel] + chain.after.map { kernels[$0] })
      index += chain.before.count
    }
  }

  /// Returns the kernel that does what a chain's do, strip by strip, and lets buffers that it alone needs shrink.
  private mutating func kernel(of chain: StripChain, threads: Int) -> Kernel {
    let members = chain.members.map { kernels[$0] }
    let homes = chain.homes(in: self)
    var operands: [Kernel.Operand] = []
    var (threadStrides, stages) = ([Int](), chain.stages)
    for (stage, member) in members.enumerated() {
      for number in stages[stage].operands.indices {
        var operand = member.operands[stages[stage].operands[number].position]
        let home = homes[operand.buffer]
        if let home {
          stages[stage].operands[number].strides = chain.counts.map { _ in 0 }
          let size = MemoryPlan.aligned(operand.bytes.count / chain.count)
          (operand.buffer, operand.bytes) = (home, 0..<size * threads)
        }
        let position = place(operand, &operands)
        stages[stage].operands[number].position = position
        if position == threadStrides.count {
          threadStrides.append(home == nil ? 0 : operand.bytes.count / threads)
        }
      }
    }
    for (buffer, home) in homes {
      buffers[buffer].byteCount =
        buffer == home ? MemoryPlan.aligned(buffers[buffer].byteCount / chain.count) * threads : 0
    }
    let work = members.reduce(0) { $0 + $1.grid.units * $1.grid.workPerUnit }
    return Kernel(
      name: members.map(\.name).joined(separator: " then "),
      body: .strips(
        StripKernel(counts: chain.counts, stages: stages, threadStrides: threadStrides)),
      operands: operands,
      grid: TileGrid(units: chain.count, workPerUnit: max(1, work / chain.count)),
      inPlace: [], nodes: members.flatMap(\.nodes), flops: members.reduce(0) { $0 + $1.flops })
  }

  /// Returns the position of an operand among those of a chain; what the chain writes is read where it was written.
  private func place(_ operand: Kernel.Operand, _ operands: inout [Kernel.Operand]) -> Int {
    let known = operands.firstIndex {
      $0.buffer == operand.buffer && $0.bytes == operand.bytes
        && ($0.access == operand.access || $0.access == .write)
    }
    if let known { return known }
    operands.append(operand)
    return operands.count - 1
  }
}

/// Kernels that hand each other results, cut into strips.
private struct StripChain {
  /// The strips along each axis.
  let counts: [Int]
  /// The kernels, in order, and what each does for a strip.
  private(set) var members: [Int] = []
  private(set) var stages: [StripKernel.Stage] = []
  /// The kernels between members that run before all of these, and those that run behind them.
  private(set) var before: [Int] = []
  private(set) var after: [Int] = []
  /// Where strips of the buffers that members write are.
  private var places: [BufferID: StripKernel.Operand] = [:]
  /// The buffers that members touch, and those that kernels behind them do.
  private var own = BufferUse()
  private var later = BufferUse()
  /// The buffers that one member writes and another reads.
  private var handed: Set<BufferID> = []

  /// The most kernels that are looked at behind the first.
  private static let longest = 16
  /// The bytes a strip hands over that leave room for factors in the second-level cache, and those up to which it pays
  /// though strips cannot be smaller.
  private static let (goodBytes, mostBytes) = (512 << 10, 4 << 20)
  /// The rows a strip has at least, if there are as many: each meets all of the right factors.
  private static let fewestRows = 64
  /// How much more than their share threads may have to do.
  private static let mostExcess = 1.15

  private init(counts: [Int]) { self.counts = counts }

  /// The number of strips.
  var count: Int { counts.reduce(1, *) }

  // MARK: - Growing

  /// Returns a product of a batch with what follows it and may share its strips.
  ///
  /// Strips are products of the batch, or some of their rows where these hand over more than the second-level cache
  /// holds.
  static func from(_ start: Int, in lowered: LoweredGraph, threads: Int) -> StripChain? {
    guard let (batch, rows) = lowered.kernels[start].batchOfProducts,
      let whole = grown(from: start, counts: batch, in: lowered)
    else { return nil }
    let bytes = whole.keptBytes(in: lowered) / whole.count
    let isEven = isShared(whole.count, among: threads)
    if isEven, bytes <= goodBytes { return whole }
    let parts = (2...max(2, rows / fewestRows)).filter {
      rows % $0 == 0 && rows / $0 >= fewestRows && isShared(whole.count * $0, among: threads)
    }
    if let count = parts.first(where: { bytes / $0 <= goodBytes }) ?? parts.last,
      let chain = grown(from: start, counts: batch + [count], in: lowered)
    {
      return chain
    }
    return isEven && bytes <= mostBytes ? whole : nil
  }

  /// Whether each of some threads has about as many strips as the others.
  private static func isShared(_ count: Int, among threads: Int) -> Bool {
    let most = (count + threads - 1) / threads
    return Double(most * threads) <= mostExcess * Double(count)
  }

  /// Returns a kernel with those behind it that fit, or nil where there are none.
  private static func grown(
    from start: Int, counts: [Int], in lowered: LoweredGraph
  ) -> StripChain? {
    var chain = StripChain(counts: counts)
    guard chain.append(start, in: lowered) else { return nil }
    var best = chain
    for index in lowered.kernels.indices[(start + 1)...].prefix(longest) {
      let kernel = lowered.kernels[index]
      let isLinked = !chain.own.written.isDisjoint(with: kernel.use.read)
      if chain.append(index, in: lowered) {
        if isLinked { best = chain }
      } else if kernel.mayFault || lowered.writesState(kernel) {
        break
      } else if chain.own.isApart(from: kernel.use), chain.later.isApart(from: kernel.use) {
        chain.before.append(index)
      } else {
        chain.after.append(index)
        chain.later.add(kernel.use)
      }
    }
    return best.withoutStrangers(in: lowered)
  }

  /// Adds a kernel, if it can be cut into the same strips, if these read of what members write no more than the same
  /// strips of those have written, and if no kernel must stand between.
  private mutating func append(_ index: Int, in lowered: LoweredGraph) -> Bool {
    let kernel = lowered.kernels[index]
    guard later.isApart(from: kernel.use), own.isUntouched(by: kernel.use.written),
      let stage = kernel.strip(of: counts)
    else { return false }
    for (strip, touched) in zip(stage.operands, stage.touchedBytes) {
      let operand = kernel.operands[strip.position]
      guard operand.access == .read, let place = places[operand.buffer] else { continue }
      let own = 0..<operand.bytes.count / count
      let bytes = touched.read ?? own
      guard strip.strides == place.strides, bytes.isEmpty || own.contains(bytes) else {
        return false
      }
    }
    members.append(index)
    stages.append(stage)
    handed.formUnion(own.written.intersection(kernel.use.read))
    own.add(kernel.use)
    for strip in stage.operands where kernel.operands[strip.position].access == .write {
      places[kernel.operands[strip.position].buffer] = strip
    }
    return true
  }

  /// Returns the chain without members that neither hand over nor receive anything; nil if that leaves none.
  private func withoutStrangers(in lowered: LoweredGraph) -> StripChain? {
    var chain = StripChain(counts: counts)
    for member in members {
      let use = lowered.kernels[member].use
      if handed.isDisjoint(with: use.read.union(use.written)) {
        chain.before.append(member)
      } else if !chain.append(member, in: lowered) {
        return nil
      }
    }
    (chain.before, chain.after) = ((chain.before + before).sorted(), after)
    return chain.members.count > 1 ? chain : nil
  }

  // MARK: - Memory

  /// The bytes that members hand each other.
  func handedBytes(in lowered: LoweredGraph) -> Int {
    handed.reduce(0) { $0 + lowered.buffers[$1].byteCount }
  }

  /// The bytes of what members hand each other without those that take each other's place.
  private func keptBytes(in lowered: LoweredGraph) -> Int {
    let homes = homes(in: lowered)
    return handed.reduce(0) { sum, buffer in
      (homes[buffer] ?? buffer) == buffer ? sum + lowered.buffers[buffer].byteCount : sum
    }
  }

  /// Returns the buffers that are only handed from member to member, each with the one whose memory it takes: its own,
  /// or that of one which the member that writes it is the last to read.
  func homes(in lowered: LoweredGraph) -> [BufferID: BufferID] {
    var homes: [BufferID: BufferID] = [:]
    for (number, member) in members.enumerated() {
      let kernel = lowered.kernels[member]
      let rest = members[(number + 1)...]
      var taken: Set<BufferID> = []
      for (position, operand) in kernel.operands.enumerated()
      where operand.access == .write && isLocal(operand, in: lowered) {
        let given = kernel.inPlace.lazy.filter { $0.written == position }
          .map { kernel.operands[$0.read] }
          .first { other in
            homes[other.buffer] != nil && other.bytes == operand.bytes
              && !rest.contains { lowered.kernels[$0].use.read.contains(other.buffer) }
              && !taken.contains(other.buffer)
          }
        if let given { taken.insert(given.buffer) }
        homes[operand.buffer] = given.flatMap { homes[$0.buffer] } ?? operand.buffer
      }
    }
    return homes
  }

  private func isLocal(_ operand: Kernel.Operand, in lowered: LoweredGraph) -> Bool {
    handed.contains(operand.buffer) && lowered.buffers[operand.buffer].role == .temporary
      && operand.bytes == 0..<lowered.buffers[operand.buffer].byteCount
      && lowered.kernels.indices.allSatisfy { index in
        members.contains(index)
          || !lowered.kernels[index].operands.contains { $0.buffer == operand.buffer }
      }
  }
}

/// The buffers that some kernels touch.
private struct BufferUse {
  var read: Set<BufferID> = []
  var written: Set<BufferID> = []

  mutating func add(_ other: BufferUse) {
    read.formUnion(other.read)
    written.formUnion(other.written)
  }

  func isUntouched(by written: Set<BufferID>) -> Bool {
    read.isDisjoint(with: written) && self.written.isDisjoint(with: written)
  }

  /// Whether the kernels and others may change places.
  func isApart(from other: BufferUse) -> Bool {
    written.isDisjoint(with: other.read) && isUntouched(by: other.written)
  }
}

extension Kernel {
  fileprivate var use: BufferUse {
    var use = BufferUse()
    for operand in operands {
      if operand.access == .read {
        use.read.insert(operand.buffer)
      } else {
        use.written.insert(operand.buffer)
      }
    }
    return use
  }

  /// The extents of the batch and the rows of each product, if the kernel is a batch of products of matrices.
  fileprivate var batchOfProducts: (batch: [Int], rows: Int)? {
    guard case .contraction(let product) = body, product.extents.batch > 1, product.extents.m > 1
    else { return nil }
    // What goes on evenly in one factor may not in the other.
    let batches = [product.left.layout.batch, product.right.layout.batch]
    let extents = batches.max { $0.count < $1.count }?.map(\.extent) ?? []
    return extents.reduce(1, *) == product.extents.batch ? (extents, product.extents.m) : nil
  }
}

extension LoweredGraph {
  /// Whether a kernel changes a parameter or state.
  func writesState(_ kernel: Kernel) -> Bool {
    kernel.operands.contains { $0.access == .write && buffers[$0.buffer].role == .state }
  }
}
