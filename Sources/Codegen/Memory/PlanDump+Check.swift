// The independent checker of memory plans. It simulates which value every byte holds and knows nothing of how
// the plan was found.
//
// V1  Every range lies in its buffer, every buffer in its arena; nothing is negative or overflows.
// V2  Offsets are multiples of the alignment.
// V3  In the listed order, a step reads only bytes that hold the value it expects.
// V5  Of two steps that `after` does not order, neither writes what the other touches. Together with V3 and the
//     listed order being one that `after` allows, every allowed order then gives the same values (V4).
// V6  A step's writes overlap its reads only in declared in-place pairs that start at the same byte, and each other not
//     at all.
// V7  Numbers are unique; `after` names earlier steps only.
// V8  Outputs hold their values at the end.
// V9  Persistent buffers share no byte with another buffer; constants are never written.

extension PlanDump {
  /// Returns what is wrong with the plan; empty for a valid one.
  ///
  /// - Complexity: O(n·log n) in ranges, and quadratic in the steps that `after` leaves unordered.
  public func check() -> [String] {
    var checker = PlanChecker(plan: self)
    return checker.run()
  }
}

private struct PlanChecker {
  let plan: PlanDump
  var violations: [String] = []
  var arenas: [Int: PlanDump.Arena] = [:]
  var buffers: [Int: PlanDump.Buffer] = [:]

  /// Bytes of one arena that a step touches, and the value they hold.
  struct Span {
    var arena: Int
    var low: Int
    var high: Int
    var value: Int

    func overlaps(_ other: Span) -> Bool {
      arena == other.arena && low < other.high && other.low < high
    }
  }

  init(plan: PlanDump) { self.plan = plan }

  mutating func fail(_ rule: String, _ message: String) { violations.append("\(rule): \(message)") }

  mutating func run() -> [String] {
    checkNumbers()
    guard violations.isEmpty else { return violations }
    checkPlacement()
    guard violations.isEmpty else { return violations }
    let reads = plan.steps.map { step in step.reads.map { span($0, "step \(step.id) read") } }
    let writes = plan.steps.map { step in step.writes.map { span($0, "step \(step.id) write") } }
    let initial = plan.initial.map { span($0, "initial") }
    let outputs = plan.outputs.map { span($0, "output") }
    guard violations.isEmpty else { return violations }
    for index in plan.steps.indices { checkStep(index, reads[index], writes[index]) }
    simulate(initial, reads, writes, outputs)
    if plan.steps.contains(where: { $0.after != nil }) { checkOrder(reads, writes) }
    return violations
  }

  private mutating func checkNumbers() {
    for arena in plan.arenas where arenas.updateValue(arena, forKey: arena.id) != nil {
      fail("V7", "arena \(arena.id) is listed twice")
    }
    for buffer in plan.buffers where buffers.updateValue(buffer, forKey: buffer.id) != nil {
      fail("V7", "buffer \(buffer.id) is listed twice")
    }
    var seen: Set<Int> = []
    for step in plan.steps where !seen.insert(step.id).inserted {
      fail("V7", "step \(step.id) is listed twice")
    }
    if plan.alignment < 1 { fail("V2", "alignment \(plan.alignment) is not positive") }
  }

  private mutating func checkPlacement() {
    for buffer in plan.buffers {
      guard let arena = arenas[buffer.arena] else {
        fail("V1", "buffer \(buffer.id) names unknown arena \(buffer.arena)")
        continue
      }
      let (end, overflow) = buffer.offset.addingReportingOverflow(buffer.bytes)
      if overflow || buffer.offset < 0 || buffer.bytes < 0 || end > arena.bytes {
        fail("V1", "buffer \(buffer.id) is outside arena \(arena.id)")
      } else if buffer.offset % plan.alignment != 0 {
        fail("V2", "buffer \(buffer.id) begins at byte \(buffer.offset)")
      }
    }
    guard violations.isEmpty else { return }
    let byOffset = plan.buffers.sorted {
      ($0.arena, $0.offset, $0.id) < ($1.arena, $1.offset, $1.id)
    }
    // The furthest ends so far, of all buffers and of the persistent ones.
    var (arena, end, persistentEnd) = (byOffset.first?.arena ?? 0, 0, 0)
    for buffer in byOffset {
      if buffer.arena != arena { (arena, end, persistentEnd) = (buffer.arena, 0, 0) }
      let persists = buffer.persist ?? false
      if buffer.bytes > 0, buffer.offset < (persists ? end : persistentEnd) {
        fail("V9", "persistent memory is shared with buffer \(buffer.id)")
      }
      end = max(end, buffer.offset + buffer.bytes)
      if persists { persistentEnd = max(persistentEnd, buffer.offset + buffer.bytes) }
    }
  }

  private mutating func span(_ range: PlanDump.Range, _ what: String) -> Span {
    guard let buffer = buffers[range.buf] else {
      fail("V1", "\(what) names unknown buffer \(range.buf)")
      return Span(arena: 0, low: 0, high: 0, value: 0)
    }
    guard range.lo >= 0, range.lo <= range.hi, range.hi <= buffer.bytes else {
      fail("V1", "\(what) \(range.lo)..<\(range.hi) is outside buffer \(buffer.id)")
      return Span(arena: 0, low: 0, high: 0, value: 0)
    }
    return Span(
      arena: buffer.arena, low: buffer.offset + range.lo, high: buffer.offset + range.hi,
      value: range.value)
  }

  private mutating func checkStep(_ index: Int, _ reads: [Span], _ writes: [Span]) {
    let step = plan.steps[index]
    for write in writes where arenas[write.arena]?.kind == "const" {
      fail("V9", "step \(step.id) (\(step.op)) writes a constant")
    }
    for (i, write) in writes.enumerated() {
      for j in writes.indices.dropFirst(i + 1) where writes[j].overlaps(write) {
        fail("V6", "step \(step.id) (\(step.op)) write \(i) overlaps write \(j)")
      }
    }
    let pairs = Set(step.inplace ?? [])
    for (i, read) in reads.enumerated() {
      for (j, write) in writes.enumerated() where read.overlaps(write) {
        if !pairs.contains([i, j]) || read.low != write.low {
          fail("V6", "step \(step.id) (\(step.op)) read \(i) overlaps write \(j)")
        }
      }
    }
  }

  private mutating func simulate(
    _ initial: [Span], _ reads: [[Span]], _ writes: [[Span]], _ outputs: [Span]
  ) {
    var memory: [Int: MemoryImage] = [:]
    for span in initial {
      memory[span.arena, default: MemoryImage()].write(span.low, span.high, span.value)
    }
    for (index, step) in plan.steps.enumerated() {
      for (position, read) in reads[index].enumerated() {
        let image = memory[read.arena] ?? MemoryImage()
        if let fault = image.mismatch(read.low, read.high, read.value) {
          fail(
            "V3",
            "step \(step.id) (\(step.op)) read \(position) wants value \(read.value), but \(fault)")
        }
      }
      for write in writes[index] {
        memory[write.arena, default: MemoryImage()].write(write.low, write.high, write.value)
      }
    }
    for (index, output) in outputs.enumerated() {
      let image = memory[output.arena] ?? MemoryImage()
      if let fault = image.mismatch(output.low, output.high, output.value) {
        fail("V8", "output \(index) wants value \(output.value), but \(fault)")
      }
    }
  }
}

// MARK: - Happens-before

extension PlanChecker {
  private mutating func checkOrder(_ reads: [[Span]], _ writes: [[Span]]) {
    let positions = Dictionary(
      uniqueKeysWithValues: plan.steps.enumerated().map { ($0.element.id, $0.offset) })
    var isAcyclic = true
    for (index, step) in plan.steps.enumerated() {
      for id in step.after ?? [] where (positions[id] ?? index) >= index {
        fail("V7", "step \(step.id) is after \(id), which is not an earlier step")
        isAcyclic = false
      }
    }
    guard isAcyclic else { return }
    var before: [Predecessors] = []
    for (index, step) in plan.steps.enumerated() {
      var all = Predecessors()
      for id in step.after ?? [] {
        guard let position = positions[id] else { continue }
        all.formUnion(before[position], and: position)
      }
      before.append(all)
      for earlier in all.firstMissing..<index where !all.others.contains(earlier) {
        checkUnordered(earlier, index, reads, writes)
      }
    }
  }

  private mutating func checkUnordered(
    _ a: Int, _ b: Int, _ reads: [[Span]], _ writes: [[Span]]
  ) {
    let conflict =
      writes[a].contains { write in
        reads[b].contains { $0.overlaps(write) } || writes[b].contains { $0.overlaps(write) }
      } || writes[b].contains { write in reads[a].contains { $0.overlaps(write) } }
    if conflict {
      fail("V5", "steps \(plan.steps[a].id) and \(plan.steps[b].id) are unordered but share bytes")
    }
  }
}

/// Which value each byte of an arena holds, as sorted runs.
private struct MemoryImage {
  private struct Run {
    var low: Int
    var high: Int
    var value: Int
  }

  private var runs: [Run] = []

  /// Returns the position of the first run that ends behind a byte.
  private func firstRun(endingAfter byte: Int) -> Int {
    var (low, high) = (0, runs.count)
    while low < high {
      let middle = (low + high) / 2
      if runs[middle].high > byte { high = middle } else { low = middle + 1 }
    }
    return low
  }

  mutating func write(_ low: Int, _ high: Int, _ value: Int) {
    guard low < high else { return }
    let first = firstRun(endingAfter: low)
    var last = first
    var replacement: [Run] = []
    while last < runs.count, runs[last].low < high {
      if runs[last].low < low {
        replacement.append(Run(low: runs[last].low, high: low, value: runs[last].value))
      }
      last += 1
    }
    replacement.append(Run(low: low, high: high, value: value))
    if last > first, runs[last - 1].high > high {
      replacement.append(Run(low: high, high: runs[last - 1].high, value: runs[last - 1].value))
    }
    runs.replaceSubrange(first..<last, with: replacement)
  }

  /// Returns in words why bytes do not all hold a value, or nil where they do.
  func mismatch(_ low: Int, _ high: Int, _ value: Int) -> String? {
    var byte = low
    var index = firstRun(endingAfter: low)
    while byte < high {
      guard index < runs.count, runs[index].low <= byte else { return "byte \(byte) is unwritten" }
      guard runs[index].value == value else {
        return "byte \(byte) holds value \(runs[index].value)"
      }
      byte = runs[index].high
      index += 1
    }
    return nil
  }
}

/// The steps that have ended when one begins: all up to some step, and some others behind it.
///
/// Where threads meet again and again the others are few, however long the plan is.
private struct Predecessors {
  /// The first step that need not have ended.
  private(set) var firstMissing = 0
  private(set) var others: Set<Int> = []

  /// Adds a step and its own predecessors.
  mutating func formUnion(_ other: Predecessors, and step: Int) {
    firstMissing = max(firstMissing, other.firstMissing)
    others.formUnion(other.others)
    others.insert(step)
    while others.remove(firstMissing) != nil { firstMissing += 1 }
    others = others.filter { $0 > firstMissing }
  }
}
