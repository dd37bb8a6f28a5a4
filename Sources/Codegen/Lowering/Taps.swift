import DescentGraph

// The gradients of a layer norm are a kernel of rows and one of columns, which both read all of two tensors. A sum over
// rows can as well be made while another kernel has each row in the cache: that kernel gets a tap, which leaves a
// partial result for each chunk of rows, and of the kernel of columns remains what combines these.

extension LoweredGraph {
  /// Lets kernels of rows tap what kernels of columns would read once more.
  ///
  /// - Parameters:
  ///   - graph: What the kernels compute.
  ///   - minimumBytes: From how many bytes on reading a value again is worth the trouble.
  ///   - threads: Among how many the chunks of rows are shared; all should have some.
  mutating func attachTaps(_ graph: Graph, minimumBytes: Int, threads: Int) {
    var index = 0
    while index < kernels.count {
      guard let column = TappedColumn(kernels[index], at: index),
        column.elementCount * 4 >= minimumBytes, column.isShared(among: threads),
        attachTap(of: column, graph)
      else {
        index += 1
        continue
      }
      // Another kernel may stand in this place now.
    }
  }

  /// Lets a kernel of rows tap what a kernel of columns reads, and returns whether there is one that may.
  private mutating func attachTap(of column: TappedColumn, _ graph: Graph) -> Bool {
    for row in kernels.indices where row != column.index {
      guard var tap = Tap.placing(column, in: kernels[row], at: row), mayMove(column, to: tap)
      else { continue }
      addPartials(of: &tap, graph)
      tap.moveNodes(graph)
      replaceKernels(by: tap)
      return true
    }
    return false
  }

  /// Whether the column's sweep finds at the row's place in the order what it would find at its own, and whether the
  /// rest of the column may wait until it has.
  private func mayMove(_ column: TappedColumn, to tap: Tap) -> Bool {
    let places = min(column.index, tap.index) + 1..<max(column.index, tap.index)
    let isUnchanged = kernels[places].allSatisfy { kernel in
      !kernel.operands.contains { $0.access == .write && tap.movedReads.contains($0.buffer) }
    }
    guard isUnchanged, column.index < tap.index else { return isUnchanged }
    let own = tap.kernels.rest.operands
    return kernels[column.index + 1...tap.index].allSatisfy { kernel in
      !kernel.operands.contains { operand in
        own.contains {
          $0.buffer == operand.buffer && ($0.access == .write || operand.access == .write)
        }
      }
    }
  }

  /// Makes memory for what the tap leaves.
  private mutating func addPartials(of tap: inout Tap, _ graph: Graph) {
    let reductions = tap.column.kernel.nodes.filter { graph[$0].op.isReduction }
    for number in tap.column.sweep.accumulations.indices {
      let value = reductions[min(number, reductions.count - 1)]
      let byteCount = 4 * tap.column.chunks * tap.column.loop.domain[1]
      buffers.append(Buffer(role: .temporary, byteCount: byteCount, value: value))
      tap.addPartial(
        Kernel.Operand(
          buffer: buffers.count - 1, value: value, bytes: 0..<byteCount, access: .write))
    }
  }

  private mutating func replaceKernels(by tap: Tap) {
    (kernels[tap.index], kernels[tap.column.index]) = tap.kernels
    dropUnreadStores(of: tap.index)
    // What combines partial results stands behind what makes them.
    guard tap.column.index < tap.index else { return }
    kernels.insert(kernels[tap.column.index], at: tap.index + 1)
    kernels.remove(at: tap.column.index)
  }

  /// Drops what a kernel of rows stored for a column that it taps now.
  private mutating func dropUnreadStores(of row: Int) {
    let unread = kernels[row].operands.indices.filter { position in
      let operand = kernels[row].operands[position]
      return operand.access == .write && buffers[operand.buffer].role == .temporary
        && !kernels.indices.contains { index in
          index != row && kernels[index].operands.contains { $0.buffer == operand.buffer }
        }
    }
    guard !unread.isEmpty else { return }
    for position in unread { buffers[kernels[row].operands[position].buffer].byteCount = 0 }
    kernels[row].removeStores(to: Set(unread))
  }
}
