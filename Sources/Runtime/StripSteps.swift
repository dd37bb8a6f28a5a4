/// Runs the stages of a strip kernel, one strip after the other.
///
/// A trivial value of pointers into memory that the executable owns; running it allocates nothing.
struct StripSteps {
  /// What is done for a strip by one kernel.
  struct Stage {
    /// The kernel, with a table of operands for each thread.
    let step: UnsafeMutablePointer<ExecutableStep>
    /// Which operands of the whole kernel its own are.
    let operands: UnsafeMutablePointer<Int>
    let operandCount: Int
    /// For each of them how many bytes further the next strip along each axis finds it.
    let strides: UnsafeMutablePointer<Int>
  }

  /// The strips along each axis.
  let counts: UnsafeMutablePointer<Int>
  let rank: Int
  let stages: UnsafeMutablePointer<Stage>
  let stageCount: Int

  /// Runs some strips.
  ///
  /// - Parameters:
  ///   - strips: Their numbers.
  ///   - operands: Where the first strip of all finds the operands of the whole kernel, in a thread's table.
  ///   - scratch: The memory of all threads.
  ///   - thread: The thread.
  func run(
    _ strips: Range<Int>, _ operands: UnsafeMutablePointer<UnsafeMutableRawPointer>,
    _ scratch: UnsafeMutablePointer<ThreadScratch>, _ thread: Int
  ) {
    for strip in strips {
      for number in 0..<stageCount {
        let stage = stages + number
        let step = stage.pointee.step
        let table = step.pointee.operands + thread * step.pointee.operandStride
        for operand in 0..<stage.pointee.operandCount {
          table[operand] =
            operands[stage.pointee.operands[operand]]
            + distance(of: strip, stage.pointee.strides + operand * rank)
        }
        step.run(scratch, thread)
      }
    }
  }

  /// Returns how many bytes further than the first strip another finds an operand.
  @inline(__always)
  private func distance(of strip: Int, _ strides: UnsafeMutablePointer<Int>) -> Int {
    var (rest, distance, axis) = (strip, 0, rank - 1)
    while axis >= 0 {
      distance += rest % counts[axis] * strides[axis]
      rest /= counts[axis]
      axis -= 1
    }
    return distance
  }
}
