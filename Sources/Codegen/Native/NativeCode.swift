import DescentGraph

/// Machine code for the kernels of one program: one piece of memory, entered at one offset a kernel.
///
/// Kernels that no generator takes have no entry; the portable backend runs them. A kernel is a C function of the
/// addresses of its operands, the first unit of its grid to run, the unit to stop at, and scratch memory.
package struct NativeCode: Hashable, Sendable, Codable {
  /// Instructions and constants; they run at any address that is a multiple of 64.
  package var bytes: [UInt8] = []
  /// For each piece of each kernel of the program its code, or nil; pieces that do the same have one.
  package var kernels: [NativeKernel?] = []

  /// The scratch memory a thread needs, in bytes.
  package var scratchBytes: Int { kernels.reduce(0) { max($0, $1?.scratchBytes ?? 0) } }
}

/// The code of one kernel.
package struct NativeKernel: Hashable, Sendable, Codable {
  /// Where it begins among the bytes.
  package var offset = 0
  /// How many of the bytes are its own.
  package var byteCount = 0
  /// The code's own way to divide the work.
  package var grid: TileGrid
  /// The scratch memory it needs, in bytes.
  package var scratchBytes = 0
}

extension NativeCode {
  /// Writes machine code for kernels, as far as there are generators for them.
  ///
  /// - Parameters:
  ///   - kernels: What the code is to compute.
  ///   - streamed: For each kernel, the operands whose stores may pass the caches by; none if there are no entries.
  ///   - features: The processor's extensions it may use.
  ///   - threads: The number of threads that work is divided among.
  ///   - minimumWork: Work below which another thread does not pay, in scalar operations.
  ///   - caches: What the processor keeps close at hand: blocks of contractions are chosen by it.
  ///   - times: Receives the time each kernel takes to write.
  package init(
    _ kernels: [Kernel], streamed: [Set<Int>] = [], features: CPUFeatures, threads: Int = 1,
    minimumWork: Int = 1, caches: CacheSizes, times: inout CodegenTimes
  ) {
    let threads = ThreadShare(count: threads, minimumWork: minimumWork)
    let isWide = features.isSuperset(of: .avx512Backend)
    var written: [Work: Int] = [:]
    written.reserveCapacity(kernels.count)
    for (index, kernel) in kernels.enumerated() {
      let streamed = streamed.isEmpty ? [] : streamed[index]
      times.timeKernel {
        // One thread runs all of a strip.
        var threads = threads
        if case .strips = kernel.body { threads = ThreadShare(count: 1, minimumWork: 1) }
        for part in kernel.pieces {
          let work = Work(
            body: part.body, operandCount: part.operands.count, streamed: streamed,
            threads: threads.count)
          let first = written.value(for: work, inserting: self.kernels.count)
          if first < self.kernels.count {
            self.kernels.append(self.kernels[first])
          } else {
            append(part, streamed, features, isWide: isWide, threads, caches)
          }
        }
      }
    }
  }

  /// What code follows from: it finds its operands by their numbers, so networks of equal layers need it once.
  private struct Work: Hashable {
    let body: Kernel.Body
    /// The cell that takes faults comes behind them.
    let operandCount: Int
    let streamed: Set<Int>
    let threads: Int

    /// A few numbers tell most kernels apart, and whole programs take long to hash.
    func hash(into hasher: inout Hasher) {
      hasher.combine(operandCount)
      switch body {
      case .loop(let loop):
        hasher.combine(loop.domain)
        for stage in loop.stages { hasher.combine(stage.program.instructions.count) }
      case .contraction(let contraction):
        hasher.combine(contraction.domain)
        hasher.combine(contraction.epilogue.instructions.count)
      default: hasher.combine(body)
      }
    }
  }

  /// Writes the code of one kernel behind the others, if there is a generator for it.
  private mutating func append(
    _ kernel: Kernel, _ streamed: Set<Int>, _ features: CPUFeatures, isWide: Bool,
    _ threads: ThreadShare, _ caches: CacheSizes
  ) {
    var assembler = Assembler(features: features)
    guard
      var native = NativeCode.write(
        kernel, streamed, isWide: isWide, threads, caches, to: &assembler)
    else { return kernels.append(nil) }
    while bytes.count % 64 != 0 { bytes.append(0xcc) }
    native.offset = bytes.count
    bytes += assembler.finish().bytes
    native.byteCount = bytes.count - native.offset
    kernels.append(native)
  }

  private static func write(
    _ kernel: Kernel, _ streamed: Set<Int>, isWide: Bool, _ threads: ThreadShare,
    _ caches: CacheSizes, to assembler: inout Assembler
  ) -> NativeKernel? {
    switch kernel.body {
    case .loop(let loop):
      NativeLoop(
        loop, faultCell: kernel.operands.count, streamed: streamed, isWide: isWide, threads
      )?.write(to: &assembler)
    case .contraction(let contraction):
      NativeContraction(
        contraction, faultCell: kernel.operands.count, streamed: streamed, isWide: isWide, threads,
        caches
      )?.write(to: &assembler)
    case .scatter(let scatter):
      NativeScatter(scatter, faultCell: kernel.operands.count, isWide: isWide)?
        .write(to: &assembler)
    case .bundle, .sort, .copy, .strips: nil
    }
  }
}

/// The threads there are, and how much work makes one more worth while.
struct ThreadShare {
  let count: Int
  let minimumWork: Int

  /// Returns among how many threads work is divided.
  func threads(for work: Int) -> Int { max(1, min(count, work / max(1, minimumWork))) }
}

/// The frame of every kernel: callers can be found by debuggers, and spill slots are aligned.
struct NativeFrame {
  /// Bytes for the generator's own variables, at the stack pointer.
  static let localBytes = 64
  /// Bytes for spilled values, behind them.
  let spillBytes: Int

  func enter(_ assembler: inout Assembler) {
    assembler.emit(.push, .rbp)
    assembler.emit(.mov, .rbp, .rsp)
    for register in [3, 12, 13, 14, 15] { assembler.emit(.push, .gpr(register)) }
    assembler.emit(.and, .rsp, -64)
    assembler.emit(.sub, .rsp, (NativeFrame.localBytes + spillBytes + 63) / 64 * 64)
  }

  func leave(_ assembler: inout Assembler) {
    assembler.emit(.lea, .rsp, .at(.rbp, -40))
    for register in [15, 14, 13, 12, 3] { assembler.emit(.pop, .gpr(register)) }
    assembler.emit(.pop, .rbp)
    assembler.emit(.vzeroupper)
    assembler.emit(.ret)
  }
}
