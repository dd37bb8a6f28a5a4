/// How long the stages of code generation took.
///
/// They are kept beside the program, which is the same however long it took.
package struct CodegenTimes: Sendable {
  /// The stages in order, and what each took in nanoseconds.
  package private(set) var stages: [(stage: String, nanoseconds: Int)] = []
  /// What writing each kernel's machine code took in nanoseconds.
  package private(set) var kernels: [Int] = []

  /// Creates times of nothing.
  package init() {}

  /// Times a stage.
  mutating func time<T>(_ stage: String, _ body: () -> T) -> T {
    let start = ContinuousClock.now
    let result = body()
    stages.append((stage, Self.nanoseconds(since: start)))
    return result
  }

  /// Times the writing of the next kernel.
  mutating func timeKernel<T>(_ body: () -> T) -> T {
    let start = ContinuousClock.now
    let result = body()
    kernels.append(Self.nanoseconds(since: start))
    return result
  }

  /// Takes over the times of kernels.
  mutating func adopt(kernelsOf other: CodegenTimes) { kernels += other.kernels }

  private static func nanoseconds(since start: ContinuousClock.Instant) -> Int {
    let (seconds, attoseconds) = (ContinuousClock.now - start).components
    return Int(seconds) * 1_000_000_000 + Int(attoseconds / 1_000_000_000)
  }
}
