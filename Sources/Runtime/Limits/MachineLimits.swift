package import DescentCodegen

/// How fast the machine could be at best, measured: what a benchmark's numbers are held against.
///
/// Loops of machine code do nothing but multiply and add, or move memory, on every thread at once. Each number is the
/// best of several runs.
public struct MachineLimits: Hashable, Sendable {
  /// Fused multiply-adds in f32 at one vector width.
  public struct Peak: Hashable, Sendable {
    /// The width of the vectors: 128, 256 or 512.
    public let vectorBits: Int
    /// Billions of operations a second over all threads; a multiply-add counts as two.
    public let gigaflops: Double
  }

  /// Where working sets of some size live.
  public enum Level: String, Hashable, Sendable, CaseIterable {
    case level1 = "L1"
    case level2 = "L2"
    case level3 = "L3"
    case memory
  }

  /// How fast one level of the memory hierarchy is, in billions of bytes a second over all threads.
  public struct Bandwidth: Hashable, Sendable {
    /// The level.
    public let level: Level
    /// The bytes of each thread's working set.
    public let byteCount: Int
    /// The bytes all threads together can hold there; of memory, those measured.
    public let capacity: Int
    /// Loads, along one stream or several, whichever is faster.
    public let read: Double
    /// Stores; past the caches where that is faster.
    public let write: Double
    /// a = b + 3 · c, counting two reads and one write.
    public let triad: Double
  }

  /// The number of threads that ran at once.
  public let threadCount: Int
  /// The arithmetic limits, from the narrowest vectors to the widest.
  public let peaks: [Peak]
  /// The limits of memory, from the nearest level to the farthest.
  public let bandwidths: [Bandwidth]

  /// Measures this machine, which takes a second or two; other work at the same time lowers the numbers.
  ///
  /// - Parameter threadCount: How many threads run at once.
  /// - Throws: `RuntimeError` where there is no AVX2, or the system refuses memory or threads.
  public init(measuringThreads threadCount: Int) throws(RuntimeError) {
    let features = try CPUFeatures.detection.get()
    _ = try Backend.avx2.checked(on: features)
    let widths = Backend.avx512.runs(on: features) ? [128, 256, 512] : [128, 256]
    try self.init(
      threadCount: threadCount, widths: widths, caches: .detected, nanoseconds: 2_000_000)
  }

  /// Measures with chosen caches and a chosen length of each run.
  package init(
    threadCount: Int, widths: [Int], caches: CacheSizes, nanoseconds: Int
  ) throws(RuntimeError) {
    let places = Self.places(caches, threadCount)
    let meter = try LimitMeter(
      threadCount: threadCount, byteCount: places.reduce(0) { max($0, $1.byteCount) },
      nanoseconds: nanoseconds)
    self.threadCount = threadCount
    var peaks: [Peak] = []
    for width in widths {
      let operations = Double(LimitKernel.fusedPerPass * width / 32 * 2)
      let rate = try meter.passes(.multiplyAdd, width, byteCount: 0)
      peaks.append(Peak(vectorBits: width, gigaflops: rate * operations))
    }
    self.peaks = peaks
    let width = widths.last ?? 256
    var bandwidths: [Bandwidth] = []
    for place in places {
      let rate = { (kernels: [LimitKernel]) throws(RuntimeError) in
        var best = 0.0
        for kernel in kernels {
          let used = place.byteCount / kernel.arrayCount / LimitKernel.blockBytes
          let bytes = used * LimitKernel.blockBytes
          let passes = try meter.passes(kernel, width, byteCount: bytes)
          best = max(best, passes * Double(bytes * kernel.arrayCount))
        }
        return best
      }
      bandwidths.append(
        Bandwidth(
          level: place.level, byteCount: place.byteCount, capacity: place.capacity,
          read: try rate([.read(isStriped: false), .read(isStriped: true)]),
          write: try rate([.write(isStreaming: false), .write(isStreaming: true)]),
          triad: try rate([.triad(isStreaming: false), .triad(isStreaming: true)])))
    }
    self.bandwidths = bandwidths
  }

  private typealias Place = (level: Level, byteCount: Int, capacity: Int)

  /// The working sets: half of each cache, so that nothing else drives them out, and more than all caches.
  private static func places(_ caches: CacheSizes, _ threadCount: Int) -> [Place] {
    let threads = max(1, threadCount)
    let block = 3 * LimitKernel.blockBytes
    func rounded(_ count: Int) -> Int { max(block, count / block * block) }
    let far = max(64 << 20, 4 * max(caches.level2, caches.level3))
    var places: [Place] = [
      (.level1, rounded(caches.level1 / 2), caches.level1 * threads),
      (.level2, rounded(caches.level2 / 2), caches.level2 * threads),
    ]
    if caches.level3 > 0 {
      places.append((.level3, rounded(caches.level3 / 2 / threads), caches.level3))
    }
    places.append((.memory, rounded(far / threads), far))
    return places
  }
}
