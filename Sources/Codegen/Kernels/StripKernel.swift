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
    /// How many bytes further the next strip along each axis finds it; in memory of a thread's own, all strips find it
    /// in the same place, and this is how far further it is in the whole value.
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
  /// Looks at what strips touch, and returns what is wrong: bytes outside of an operand, bytes that two strips write,
  /// and values that a stage reads of what the kernel writes although the last stage of the same strip that wrote there
  /// left something else, elsewhere, or less.
  ///
  /// What strips touch lies equally far apart, so that the first and the last stand for all.
  ///
  /// - Parameters:
  ///   - operands: Those of the kernel.
  ///   - threads: How many threads have memory of their own.
  /// - Returns: A line for each mistake.
  package func violations(operands: [Kernel.Operand], threads: Int) -> [String] {
    var violations: [String] = []
    /// What the stages so far have left.
    var left: [Int: (operand: Operand, bytes: Range<Int>)] = [:]
    for stage in stages {
      let touched = zip(stage.operands, stage.touchedBytes)
      for (operand, bytes) in touched {
        for bytes in [bytes.read, bytes.written].compactMap({ $0 }) {
          violations += strays(bytes, of: operand, operands[operand.position], stage)
        }
        guard let read = bytes.read, operands[operand.position].access == .write else { continue }
        let found = left[operand.position]
        if found?.operand != operand || found?.bytes.contains(read) != true {
          violations.append("\(stage.name) reads \(operand.value), which its strip has not left")
        }
      }
      for (operand, bytes) in touched {
        guard let write = bytes.written else { continue }
        left[operand.position] = (operand, write)
        if operands[operand.position].access == .read {
          violations.append("\(stage.name) writes an operand that is only read")
        }
        if !isLocal(operand.position), !isApart(operand, write.upperBound) {
          violations.append("\(stage.name): two strips write the same of \(operand.value)")
        }
      }
    }
    for (position, operand) in operands.enumerated() where isLocal(position) {
      if threadStrides[position] * threads > operand.bytes.count {
        violations.append("operand \(position) has no memory for \(threads) threads")
      }
    }
    return violations
  }

  /// Says whether a strip touches bytes outside of an operand.
  private func strays(
    _ bytes: Range<Int>, of operand: Operand, _ whole: Kernel.Operand, _ stage: Stage
  ) -> [String] {
    var (low, high) = (bytes.lowerBound, bytes.upperBound)
    if !isLocal(operand.position) {
      for (stride, count) in zip(operand.strides, counts) {
        low += min(0, stride * (count - 1))
        high += max(0, stride * (count - 1))
      }
    }
    let size = isLocal(operand.position) ? threadStrides[operand.position] : whole.bytes.count
    return bytes.isEmpty || low >= 0 && high <= size
      ? [] : ["\(stage.name) touches \(low)..<\(high) of \(size) bytes"]
  }

  /// Whether pieces of some bytes, one for each strip, follow one another.
  private func isApart(_ operand: Operand, _ byteCount: Int) -> Bool {
    var extent = byteCount
    for (stride, count) in zip(operand.strides, counts).reversed() {
      guard stride >= extent else { return false }
      extent = stride * count
    }
    return true
  }
}

extension StripKernel.Stage {
  /// The bytes that the stage reads and writes of each of its operands, from where a strip finds it.
  fileprivate var touchedBytes: [(read: Range<Int>?, written: Range<Int>?)] {
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
        + contraction.stores.map {
          Touch(
            written: $0.operand, contraction.domain,
            width: contraction.epilogue.types[Int($0.register)].byteCount)
        }
    case .bundle, .scatter, .sort, .copy, .strips: []
    }
  }
}

extension Range<Int> {
  fileprivate func union(_ other: Range<Int>?) -> Range<Int> {
    guard let other, !other.isEmpty else { return self }
    guard !isEmpty else { return other }
    return Swift.min(lowerBound, other.lowerBound)..<Swift.max(upperBound, other.upperBound)
  }
}
