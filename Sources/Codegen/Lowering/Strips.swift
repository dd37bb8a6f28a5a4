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
    var userCounts = [Int](repeating: 0, count: buffers.count)
    for kernel in kernels { kernel.count(1, in: &userCounts) }
    var index = 0
    while index < kernels.count {
      defer { index += 1 }
      let search = StripSearch(
        lowered: self, userCounts: userCounts, minimumBytes: minimumBytes, threads: threads)
      guard let chain = search.chain(from: index) else { continue }
      for member in chain.members { kernels[member].count(-1, in: &userCounts) }
      let end = chain.members[chain.members.count - 1]
      let kernel = kernel(of: chain, search.homes(of: chain), threads: threads)
      kernel.count(1, in: &userCounts)
      kernels.replaceSubrange(
        index...end,
        with: chain.before.map { kernels[$0] } + [kernel] + chain.after.map { kernels[$0] })
      index += chain.before.count
    }
  }

  /// Returns the kernel that does what a chain's do, strip by strip, and lets buffers that it alone needs shrink.
  private mutating func kernel(
    of chain: StripChain, _ homes: [BufferID: BufferID], threads: Int
  ) -> Kernel {
    let members = chain.members.map { kernels[$0] }
    var operands: [Kernel.Operand] = []
    var (threadStrides, stages) = ([Int](), chain.stages)
    for (stage, member) in members.enumerated() {
      for number in stages[stage].operands.indices {
        var operand = member.operands[stages[stage].operands[number].position]
        let home = homes[operand.buffer]
        if let home {
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
    let work = stages.reduce(0) { $0.addingClamped($1.grid.work) }
    return Kernel(
      name: members.map(\.name).joined(separator: " then "),
      body: .strips(
        StripKernel(counts: chain.counts, stages: stages, threadStrides: threadStrides)),
      operands: operands, grid: TileGrid(units: chain.count, workPerUnit: max(1, work)),
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
  /// The buffers that one member writes and another reads.
  private(set) var handed: Set<BufferID> = []
  /// Where strips of the buffers that members write are.
  private var places: [BufferID: [Int]] = [:]
  /// The buffers that members touch, and those that kernels behind them do.
  private var own = BufferUse()
  private var later = BufferUse()

  init(counts: [Int]) { self.counts = counts }

  /// The number of strips.
  var count: Int { counts.reduce(1, *) }

  /// Adds a kernel, if it can be cut into the same strips, if these read of what members write what the same strips of
  /// those have written, and if no kernel must stand between.
  ///
  /// - Returns: Whether it was added.
  mutating func append(_ index: Int, in lowered: LoweredGraph) -> Bool {
    let kernel = lowered.kernels[index]
    let use = kernel.use
    // What is overwritten in place would have to be so strip by strip.
    guard later.isApart(from: use), own.isUntouched(by: use.written),
      use.read.isDisjoint(with: use.written), let stage = kernel.strip(of: counts),
      stage.operands.allSatisfy({ strip in
        let operand = kernel.operands[strip.position]
        return operand.access == .write
          || (places[operand.buffer] ?? strip.strides) == strip.strides
      })
    else { return false }
    members.append(index)
    stages.append(stage)
    handed.formUnion(own.written.intersection(use.read))
    own.add(use)
    for strip in stage.operands where kernel.operands[strip.position].access == .write {
      places[kernel.operands[strip.position].buffer] = strip.strides
    }
    return true
  }

  /// Lets a kernel that is no member run before all of these if it may, else behind them.
  mutating func pass(_ index: Int, in lowered: LoweredGraph) {
    let use = lowered.kernels[index].use
    if own.isApart(from: use), later.isApart(from: use) {
      before.append(index)
    } else {
      after.append(index)
      later.add(use)
    }
  }

  /// Whether a kernel reads what members write.
  func hands(to kernel: Kernel) -> Bool { !own.written.isDisjoint(with: kernel.use.read) }

  /// Returns the chain without members that neither hand over nor receive anything; nil if that leaves none.
  func withoutStrangers(in lowered: LoweredGraph) -> StripChain? {
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
}

/// Looks for chains among kernels.
private struct StripSearch {
  let lowered: LoweredGraph
  /// How many kernels touch each buffer.
  let userCounts: [Int]
  let minimumBytes: Int
  let threads: Int

  /// The most kernels that are looked at behind the first.
  private static let longest = 16
  /// The bytes a strip hands over that leave room for factors in the second-level cache, and those up to which it pays
  /// though strips cannot be smaller.
  private static let (goodBytes, mostBytes) = (512 << 10, 4 << 20)
  /// The bytes below which several products share a strip, whose beginning takes time.
  private static let fewBytes = 64 << 10
  /// The rows a strip has at least, if there are as many: each meets all of the right factors.
  private static let fewestRows = 64
  /// How much more than their share threads may have to do.
  private static let mostExcess = 1.15

  /// Returns a product of a batch with what follows it and may share its strips.
  ///
  /// Strips are products of the batch, several if they are small, or some of their rows where these hand over more than
  /// the second-level cache holds.
  func chain(from start: Int) -> StripChain? {
    guard let (batch, rows) = lowered.kernels[start].batchOfProducts,
      let whole = grown(from: start, counts: batch),
      whole.handed.reduce(0, { $0 + lowered.buffers[$1].byteCount }) >= minimumBytes
    else { return nil }
    let bytes = keptBytes(of: whole)
    if bytes / whole.count <= StripSearch.goodBytes, isShared(whole.count) {
      return coarse(batch, bytes).flatMap { grown(from: start, counts: $0) } ?? whole
    }
    var parts: Int?
    for count in stride(from: 2, through: rows / StripSearch.fewestRows, by: 1)
    where rows % count == 0 && isShared(whole.count * count) {
      parts = count
      if bytes / whole.count / count <= StripSearch.goodBytes { break }
    }
    if let parts, let chain = grown(from: start, counts: batch + [parts]) { return chain }
    return isShared(whole.count) && bytes / whole.count <= StripSearch.mostBytes ? whole : nil
  }

  /// Returns fewer strips than there are products, if that leaves each thread some, and few bytes in each.
  private func coarse(_ batch: [Int], _ bytes: Int) -> [Int]? {
    let most = min(StripSearch.fewBytes, minimumBytes)
    for axis in batch.indices {
      let outer = batch[..<axis].reduce(1, *)
      for count in stride(from: 2, through: batch[axis], by: 1)
      where batch[axis] % count == 0 && bytes / (outer * count) <= most && isShared(outer * count) {
        return batch[..<axis] + [count]
      }
    }
    return nil
  }

  /// Whether each thread has about as many strips as the others.
  private func isShared(_ count: Int) -> Bool {
    let most = (count + threads - 1) / threads
    return count >= threads && Double(most * threads) <= StripSearch.mostExcess * Double(count)
  }

  /// Returns a kernel with those behind it that fit, or nil where there are none.
  private func grown(from start: Int, counts: [Int]) -> StripChain? {
    var chain = StripChain(counts: counts)
    guard chain.append(start, in: lowered) else { return nil }
    var best = chain
    for index in lowered.kernels.indices[(start + 1)...].prefix(StripSearch.longest) {
      let kernel = lowered.kernels[index]
      let isLinked = chain.hands(to: kernel)
      if chain.append(index, in: lowered) {
        if isLinked { best = chain }
      } else if kernel.mayFault || lowered.writesState(kernel) {
        break
      } else {
        chain.pass(index, in: lowered)
      }
    }
    return best.withoutStrangers(in: lowered)
  }

  // MARK: - Memory

  /// The bytes of what members hand each other without those that take each other's place.
  private func keptBytes(of chain: StripChain) -> Int {
    let homes = homes(of: chain)
    return chain.handed.reduce(0) { sum, buffer in
      (homes[buffer] ?? buffer) == buffer ? sum + lowered.buffers[buffer].byteCount : sum
    }
  }

  /// Returns the buffers that are only handed from member to member, each with the one whose memory it takes: its own,
  /// or that of one which the member that writes it is the last to read.
  func homes(of chain: StripChain) -> [BufferID: BufferID] {
    let kernels = chain.members.map { lowered.kernels[$0] }
    var ownCounts: [BufferID: Int] = [:]
    for kernel in kernels {
      let use = kernel.use
      for buffer in use.read.union(use.written) { ownCounts[buffer, default: 0] += 1 }
    }
    var homes: [BufferID: BufferID] = [:]
    for (number, kernel) in kernels.enumerated() {
      let rest = kernels[(number + 1)...]
      var taken: Set<BufferID> = []
      for (position, operand) in kernel.operands.enumerated() where operand.access == .write {
        let buffer = operand.buffer
        guard chain.handed.contains(buffer), lowered.buffers[buffer].role == .temporary,
          ownCounts[buffer] == userCounts[buffer]
        else { continue }
        let given = kernel.inPlace.lazy.filter { $0.written == position }
          .map { kernel.operands[$0.read].buffer }
          .first { other in
            homes[other] != nil && !taken.contains(other)
              && !rest.contains { $0.use.read.contains(other) }
          }
        if let given { taken.insert(given) }
        homes[buffer] = given.flatMap { homes[$0] } ?? buffer
      }
    }
    return homes
  }
}

extension Kernel {
  /// Adds a number for each buffer the kernel touches.
  fileprivate func count(_ number: Int, in counts: inout [Int]) {
    for buffer in use.read.union(use.written) { counts[buffer] += number }
  }

  /// The extents of the batch and the rows of each product, if the kernel is a batch of products of matrices.
  fileprivate var batchOfProducts: (batch: [Int], rows: Int)? {
    guard case .contraction(let product) = body, product.extents.batch > 1, product.extents.m > 1,
      product.extents.groups == 1
    else { return nil }
    // What goes on evenly in one factor may not in the other.
    let batches = [product.left.layout.batch, product.right.layout.batch]
    let extents = batches.max { $0.count < $1.count }?.map(\.extent) ?? []
    return extents.reduce(1, *) == product.extents.batch ? (extents, product.extents.m) : nil
  }
}
