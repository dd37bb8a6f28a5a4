package import DescentGraph

/// Kernels that hand each other results, run strip by strip, so that what one leaves for the next stays in the cache.
///
/// A strip is a part of what each kernel computes, along its outer axes: of an attention, some rows of one head. No
/// kernel of a strip needs what another strip computes, so strips are divided among threads, and results that nothing
/// else reads have memory for one strip of each thread only.
package struct StripKernel: Hashable, Sendable, Codable {
  /// What one kernel does for a strip.
  package struct Stage: Hashable, Sendable, Codable {
    /// The kernel's name.
    package var name: String
    /// A loop or a contraction over one strip.
    package var body: Kernel.Body
    /// How the portable backend divides it.
    package var grid: TileGrid
    /// Its operands, in the order in which the body numbers them.
    package var operands: [Operand]
  }

  /// An operand of a stage.
  package struct Operand: Hashable, Sendable, Codable {
    /// Which operand of the whole kernel it is.
    package var position: Int
    /// What it holds there, before the stage if it reads it and behind the stage if it writes it.
    package var value: Value
    /// How many bytes further the next strip along each axis finds it.
    package var strides: [Int]
  }

  /// The number of strips along each axis, from the outermost to the innermost; a unit of work is a strip.
  package var counts: [Int]
  /// What is done for a strip, in order.
  package var stages: [Stage]
  /// For each operand of the kernel the distance from a thread's memory to the next one's, in bytes, or 0 where threads
  /// share it.
  package var threadStrides: [Int]

  package init(counts: [Int], stages: [Stage], threadStrides: [Int]) {
    self.counts = counts
    self.stages = stages
    self.threadStrides = threadStrides
  }

  /// Whether each thread has memory of its own for an operand, which no other kernel reads.
  package func isLocal(_ position: Int) -> Bool { threadStrides[position] > 0 }
}

extension StripKernel {
  /// Returns where a strip is along each axis.
  private func place(of strip: Int) -> [Int] {
    var (place, rest) = (counts, strip)
    for axis in counts.indices.reversed() {
      (place[axis], rest) = (rest % counts[axis], rest / counts[axis])
    }
    return place
  }

  /// Looks at every strip, and returns what is wrong: bytes outside of an operand, bytes that two strips write, and
  /// values that a stage reads of what the kernel writes although the last stage of the same strip that wrote there
  /// left something else, or less.
  ///
  /// - Parameters:
  ///   - operands: Those of the kernel.
  ///   - threads: How many threads have memory of their own.
  /// - Returns: A line for each mistake.
  package func violations(operands: [Kernel.Operand], threads: Int) -> [String] {
    var violations: [String] = []
    var written = [[Range<Int>]](repeating: [], count: operands.count)
    let touched = stages.map { $0.touchedBytes }
    for strip in 0..<counts.reduce(1, *) {
      let place = place(of: strip)
      var own: [Int: (value: Value, bytes: Range<Int>)] = [:]
      for (stage, touched) in zip(stages, touched) {
        for (operand, bytes) in zip(stage.operands, touched) {
          let start = operand.distance(to: place)
          let (position, whole) = (operand.position, operands[operand.position].bytes)
          let size = isLocal(position) ? threadStrides[position] : whole.count
          let (read, write) = (bytes.read?.moved(by: start), bytes.written?.moved(by: start))
          for range in [read, write].compactMap({ $0 })
          where range.lowerBound < 0 || range.upperBound > size {
            violations.append("\(stage.name) touches \(range) of \(size) bytes")
          }
          guard let read, operands[position].access == .write else { continue }
          if own[position]?.value != operand.value || own[position]?.bytes.contains(read) != true {
            violations.append("\(stage.name) reads \(operand.value), which its strip has not left")
          }
        }
        for (operand, bytes) in zip(stage.operands, touched) {
          guard let write = bytes.written?.moved(by: operand.distance(to: place)) else { continue }
          own[operand.position] = (operand.value, write)
          if operands[operand.position].access == .read {
            violations.append("\(stage.name) writes an operand that is only read")
          }
          if !isLocal(operand.position) { written[operand.position].append(write) }
        }
      }
    }
    for (position, ranges) in written.enumerated() {
      let ordered = ranges.sorted { $0.lowerBound < $1.lowerBound }
      for (range, next) in zip(ordered, ordered.dropFirst())
      where range.upperBound > next.lowerBound {
        violations.append("two strips write \(next) of operand \(position)")
      }
    }
    for (position, operand) in operands.enumerated() where isLocal(position) {
      if threadStrides[position] * threads > operand.bytes.count {
        violations.append("operand \(position) has no memory for \(threads) threads")
      }
    }
    return violations
  }
}

extension StripKernel.Operand {
  /// Returns how many bytes further than the first strip another finds the operand.
  fileprivate func distance(to place: [Int]) -> Int {
    zip(strides, place).reduce(0) { $0 + $1.0 * $1.1 }
  }
}

extension StripKernel.Stage {
  /// The bytes that the stage reads and writes of each of its operands, from where a strip finds it.
  package var touchedBytes: [(read: Range<Int>?, written: Range<Int>?)] {
    var touched = operands.map { _ in (read: Range<Int>?.none, written: Range<Int>?.none) }
    for touch in body.touches where touch.operand >= 0 {
      if touch.isWrite {
        touched[touch.operand].written = touch.bytes.union(touched[touch.operand].written)
      } else {
        touched[touch.operand].read = touch.bytes.union(touched[touch.operand].read)
      }
    }
    return touched
  }
}

/// One way in which a kernel reads or writes an operand.
private struct Touch {
  let operand: Int
  let isWrite: Bool
  /// What lies between the first byte and the last.
  let bytes: Range<Int>

  init(read operand: Int, from offset: Int, _ axes: [(extent: Int, stride: Int)], width: Int) {
    (self.operand, isWrite) = (operand, false)
    guard axes.allSatisfy({ $0.extent > 0 }) else {
      bytes = 0..<0
      return
    }
    let ends = axes.map { ($0.extent - 1) * $0.stride }
    let (low, high) = ends.reduce((offset, offset)) { ($0.0 + min(0, $1), $0.1 + max(0, $1)) }
    bytes = low * width..<(high + 1) * width
  }

  init(written operand: Int, _ domain: [Int], width: Int) {
    (self.operand, isWrite) = (operand, true)
    bytes = 0..<domain.reduce(1, *) * width
  }

  /// What a program reads over a domain.
  static func reads(of program: VectorProgram, over domain: [Int]) -> [Touch] {
    program.instructions.compactMap { instruction in
      guard case .load(let operand, let access, let type) = instruction else { return nil }
      var extents = domain
      for condition in access.guards { extents[condition.axis] = condition.count }
      return Touch(
        read: operand, from: access.offset, Array(zip(extents, access.strides)),
        width: type.byteCount)
    }
  }
}

extension Kernel.Body {
  /// What a loop or a contraction reads and writes, elements that are gathered apart.
  fileprivate var touches: [Touch] {
    switch self {
    case .loop(let loop):
      loop.stages.flatMap { stage in
        let domain = loop.domain(of: stage)
        return Touch.reads(of: stage.program, over: domain)
          + stage.stores.map {
            Touch(
              written: $0.operand, domain,
              width: stage.program.types[Int($0.register)].byteCount)
          }
      }
    case .contraction(let contraction):
      [contraction.left, contraction.right].map { factor in
        let layout = factor.layout
        return Touch(
          read: factor.operand, from: layout.offset,
          (layout.batch + layout.kept + layout.summed).map { ($0.extent, $0.stride) }, width: 4)
      } + Touch.reads(of: contraction.epilogue, over: contraction.domain)
        + contraction.stores.map { Touch(written: $0.operand, contraction.domain, width: 4) }
    case .bundle, .scatter, .sort, .copy, .strips: []
    }
  }
}

extension Range<Int> {
  fileprivate func moved(by distance: Int) -> Range<Int> {
    lowerBound + distance..<upperBound + distance
  }

  fileprivate func union(_ other: Range<Int>?) -> Range<Int> {
    guard let other, !other.isEmpty else { return self }
    guard !isEmpty else { return other }
    return Swift.min(lowerBound, other.lowerBound)..<Swift.max(upperBound, other.upperBound)
  }
}
