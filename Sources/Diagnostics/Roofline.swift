import DescentCodegen
public import DescentRuntime

/// How fast a machine computes and moves memory: what bounds the time of a kernel from below.
///
/// A kernel takes at least as long as its arithmetic, and at least as long as its traffic with the nearest level of
/// memory that holds all it touches.
public struct Roofline: Hashable, Sendable {
  /// A level of memory.
  public struct Level: Hashable, Sendable {
    /// The most bytes it holds.
    public let capacity: Int
    /// Billions of bytes a second.
    public let gigabytes: Double

    /// Creates a level.
    public init(capacity: Int, gigabytes: Double) {
      (self.capacity, self.gigabytes) = (capacity, gigabytes)
    }
  }

  /// Which machine it is, in words.
  public let name: String
  /// Billions of operations a second; a multiply-add counts as two.
  public let gigaflops: Double
  /// The levels of memory, from the nearest to the farthest; what fits none moves at the speed of the last.
  public let levels: [Level]

  /// Creates a roofline.
  ///
  /// - Precondition: There is a level, and all speeds are above 0.
  public init(name: String, gigaflops: Double, levels: [Level]) {
    precondition(!levels.isEmpty && gigaflops > 0 && levels.allSatisfy { $0.gigabytes > 0 })
    (self.name, self.gigaflops, self.levels) = (name, gigaflops, levels)
  }

  /// Creates the roofline of a measured machine.
  public init(_ limits: MachineLimits) {
    self.init(
      name: "this machine on \(counted(limits.threadCount, "thread"))",
      gigaflops: limits.peaks.last?.gigaflops ?? 1,
      levels: limits.bandwidths.map { Level(capacity: $0.capacity, gigabytes: $0.triad) })
  }

  /// Returns the roofline of an ordinary machine, where nobody has measured one: cores with AVX2 at 3 GHz.
  public static func nominal(threads: Int) -> Roofline {
    let cores = Double(max(1, threads))
    return Roofline(
      name: "a nominal machine on \(counted(max(1, threads), "thread"))", gigaflops: 96 * cores,
      levels: [
        Level(capacity: max(1, threads) << 20, gigabytes: 50 * cores),
        Level(capacity: 32 << 20, gigabytes: 25 * cores),
        Level(capacity: .max, gigabytes: 20),
      ])
  }

  /// Returns the least time of a kernel in nanoseconds.
  func nanoseconds(of kernel: Kernel) -> Double {
    max(arithmeticNanoseconds(of: kernel), memoryNanoseconds(of: kernel))
  }

  /// Whether a kernel's traffic takes longer than its arithmetic.
  func isBoundByMemory(_ kernel: Kernel) -> Bool {
    memoryNanoseconds(of: kernel) >= arithmeticNanoseconds(of: kernel)
  }

  private func arithmeticNanoseconds(of kernel: Kernel) -> Double {
    Double(kernel.flops) / gigaflops
  }

  private func memoryNanoseconds(of kernel: Kernel) -> Double {
    let byteCount = kernel.bytesRead + kernel.bytesWritten
    let level = levels.first { byteCount <= $0.capacity } ?? levels[levels.count - 1]
    return Double(byteCount) / level.gigabytes
  }
}
