import DescentGraph

// Kernels whose results are the same in every run come first and run once; a run begins behind them. So they and the
// others are put in order, tapped and bundled apart, and no wave holds some of both.

extension LoweredGraph {
  /// Puts the kernels of the preparation before those of a run, and gives what they leave to these memory that lasts.
  ///
  /// - Parameters:
  ///   - preparation: Kernels that compute what is the same in every run.
  ///   - improve: What is done to both lists of kernels, to each by itself.
  mutating func prepend(_ preparation: [Kernel], _ improve: (inout LoweredGraph) -> Void) {
    var isPrepared = [Bool](repeating: false, count: buffers.count)
    for operand in preparation.flatMap(\.operands) where operand.access == .write {
      isPrepared[operand.buffer] = true
    }
    for operand in kernels.flatMap(\.operands) where isPrepared[operand.buffer] {
      buffers[operand.buffer].role = .prepared
    }
    improve(&self)
    guard !preparation.isEmpty else { return }
    let step = kernels
    kernels = preparation
    improve(&self)
    preparationCount = kernels.count
    kernels += step
  }
}
