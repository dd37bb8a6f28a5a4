// The checker of bundles. It knows nothing of how their loops were found.
//
// Threads go from one loop of a bundle to the next without waiting for each other. So a byte that a loop writes must
// be left alone by all the others.

extension Program {
  /// Returns what is wrong with bundles; empty where no loop touches what another one writes.
  package var bundleViolations: [String] {
    kernels.flatMap { kernel -> [String] in
      guard case .bundle(let loops) = kernel.body else { return [] }
      let written = loops.map { loop in loop.operandsWritten.map { span(of: kernel.operands[$0]) } }
      let touched = loops.map { loop in
        (loop.operandsRead + loop.operandsWritten).map { span(of: kernel.operands[$0]) }
      }
      return loops.indices.flatMap { one in
        loops.indices.filter { other in
          other != one
            && written[one].contains { write in touched[other].contains { $0.overlaps(write) } }
        }.map { "loop \(one) of \(kernel.name) writes what loop \($0) touches" }
      }
    }
  }

  /// Bytes of a segment.
  private struct Span {
    let segment: Segment
    let bytes: Range<Int>

    func overlaps(_ other: Span) -> Bool {
      segment == other.segment && bytes.overlaps(other.bytes)
    }
  }

  private func span(of operand: Kernel.Operand) -> Span {
    let place = memory.placements[operand.buffer]
    return Span(
      segment: place.segment,
      bytes: place.offset + operand.bytes.lowerBound..<place.offset + operand.bytes.upperBound)
  }
}

extension LoopKernel {
  /// The kernel operands it reads.
  fileprivate var operandsRead: [Int] {
    stages.flatMap { stage in
      stage.program.instructions.compactMap { instruction in
        switch instruction {
        case .load(let operand, _, _), .gather(let operand, _, _, _, _):
          operand < 0 ? nil : operand
        case .scalar, .place, .exists, .check, .core: nil
        }
      }
    }
  }

  /// The kernel operands it writes.
  fileprivate var operandsWritten: [Int] {
    stages.flatMap { $0.stores.map(\.operand) + $0.accumulations.map(\.operand) }
      .filter { $0 >= 0 }
  }
}
