import DescentGraph

// Kernels of one wave run side by side: threads go from each to the next without waiting for the others. So of two of
// them neither may write what the other touches, and in memory what one needs must not give way to another. The kernels
// stay in their order; a wave ends before the first that depends on a member.

extension LoweredGraph {
  /// Returns for each kernel whether all threads meet before it, where kernels that do not depend on each other share
  /// waves.
  var sharedWaves: [Bool] {
    let firstWrite = kernels.firstIndex(where: writesState)
    var builder = WaveBuilder()
    for (index, kernel) in kernels.enumerated() {
      // Whether to go on is decided before a state changes, when all checks of indices are over.
      let mayJoin = index != firstWrite || faults.isEmpty
      builder.add(kernel, mayJoin: mayJoin && index != preparationCount)
    }
    return builder.startsWave
  }

  /// Returns that all threads meet before each kernel.
  var singleWaves: [Bool] { Array(repeating: true, count: kernels.count) }
}

/// Divides kernels into waves, one after the other.
private struct WaveBuilder {
  private(set) var startsWave: [Bool] = []
  /// What the members of the last wave touch.
  private var touched = BufferUse()
  private var count = 0
  /// Whether a member has tails, for which all threads meet.
  private var isClosed = false

  /// The most kernels of a wave, so that few values live at a time.
  private static let maximumCount = 8

  mutating func add(_ kernel: Kernel, mayJoin: Bool) {
    let use = kernel.use
    let starts =
      !touched.isApart(from: use) || isClosed || !mayJoin || count == 0
      || count == WaveBuilder.maximumCount
    if starts { (touched, count) = (BufferUse(), 0) }
    startsWave.append(starts)
    touched.add(use)
    count += 1
    isClosed = !kernel.tails.isEmpty
  }
}
