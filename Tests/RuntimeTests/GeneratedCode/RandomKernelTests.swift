import DescentCodegen
import DescentGraph
import DescentRuntime
import DescentTestSupport
import Foundation
import Testing

#if arch(x86_64)
  /// Random kernels as machine code agree with their scalar evaluation in every bit, and touch nothing beside their
  /// operands.
  ///
  /// `DESCENT_RANDOM_KERNELS` sets how many; the seeds begin at `DESCENT_RANDOM_SEED`. A failure names its seed; so
  /// does the process when a kernel steps over an edge.
  @Suite(.serialized) struct RandomKernelTests {
    static let count =
      Int(ProcessInfo.processInfo.environment["DESCENT_RANDOM_KERNELS"] ?? "") ?? 3000
    static let first =
      UInt64(ProcessInfo.processInfo.environment["DESCENT_RANDOM_SEED"] ?? "") ?? 0

    @Test(arguments: [CPUFeatures.avx2Backend, .avx512Backend])
    func generatedEqualsEvaluated(features: CPUFeatures) throws {
      guard CPUFeatures.detected.isSuperset(of: features) else { return }
      let bench = KernelBench()
      var differences: [String] = []
      for index in 0..<RandomKernelTests.count {
        let seed = RandomKernelTests.first + UInt64(index)
        CrashReport.seed = seed
        let kernel = RandomKernel(seed: seed)
        switch try bench.outcome(kernel, features) {
        case .equal: break
        case .refused where kernel.domain.contains(0): break
        case .refused: differences.append("seed \(seed): there is no machine code")
        case .different(let difference): differences.append("seed \(seed): \(difference)")
        }
      }
      CrashReport.seed = nil
      #expect(differences.isEmpty, "\(differences.count): \(differences.prefix(2))")
    }
  }

  /// Memory in which kernels run, one after the other.
  final class KernelBench {
    private var memory: [GuardedMemory] = []
    private let cell = UnsafeMutablePointer<Int>.allocate(capacity: 1)

    init() { CrashReport.install() }

    deinit { cell.deallocate() }

    enum Outcome {
      case equal, refused
      case different(String)
    }

    /// Returns how machine code and evaluation compare.
    func outcome(_ random: RandomKernel, _ features: CPUFeatures) throws -> Outcome {
      let (inputs, count) = (random.operands.count, random.domain.reduce(1, *))
      let types = random.results.map { random.program.types[Int($0)] }
      var choices = SplitMix64(seed: random.seed &+ 1)
      while memory.count < inputs + types.count { memory.append(GuardedMemory()) }
      for (operand, bytes) in random.operands.enumerated() {
        memory[operand].place(bytes, atEnd: choices.chance(50))
      }
      for (index, type) in types.enumerated() {
        memory[inputs + index].place(
          [UInt8](repeating: 0x5a, count: count * type.byteCount), atEnd: choices.chance(50))
      }
      guard try run(kernel(of: random), features, &choices) else { return .refused }
      for operand in 0..<inputs + types.count where !memory[operand].isIntact {
        return .different("a byte beside operand \(operand) has changed")
      }
      let expected = random.evaluate()
      for (index, type) in types.enumerated() {
        let stored = memory[inputs + index].bytes
        for place in 0..<count {
          let bits = (0..<type.byteCount).reduce(UInt64(0)) { bits, byte in
            bits | UInt64(stored[place * type.byteCount + byte]) << UInt64(8 * byte)
          }
          let wanted = expected.results[index][place]
          if bits != wanted, !(type == .f32 && bits.isNaN && wanted.isNaN) {
            let name = features == .avx512Backend ? "avx512" : "avx2"
            return .different(
              "\(name) \(random.domain) place \(place) of \(type): \(bits), not \(wanted)")
          }
        }
      }
      let fault = cell.pointee == Int.max ? nil : cell.pointee
      if fault != expected.fault {
        return .different("fault \(fault ?? -1), not \(expected.fault ?? -1)")
      }
      return .equal
    }

    /// Returns the kernel that reads the operands and stores each result to one of its own.
    private func kernel(of random: RandomKernel) -> Kernel {
      let inputs = random.operands.count
      let stores = random.results.enumerated().map {
        LoopKernel.Store(register: $0.element, operand: inputs + $0.offset)
      }
      return Kernel(
        name: "random",
        body: .loop(LoopKernel(map: random.program, over: random.domain, stores: stores)),
        operands: (0..<inputs + stores.count).map {
          Kernel.Operand(
            buffer: $0, value: Value(0), bytes: 0..<0, access: $0 < inputs ? .read : .write)
        },
        grid: TileGrid(units: 1, workPerUnit: 1), inPlace: [], nodes: [], flops: 0)
    }

    /// Runs a kernel in up to three slices; false if there is no machine code for it.
    private func run(
      _ kernel: Kernel, _ features: CPUFeatures, _ choices: inout SplitMix64
    ) throws -> Bool {
      var times = CodegenTimes()
      let code = NativeCode([kernel], features: features, times: &times)
      guard let native = code.kernels[0] else { return false }
      let executable = try ExecutableMemory(code.bytes)
      var addresses = kernel.operands.indices.map { memory[$0].start }
      cell.pointee = Int.max
      addresses.append(UnsafeMutableRawPointer(cell))
      let scratch = UnsafeMutableRawPointer.allocate(
        byteCount: max(64, native.scratchBytes), alignment: 64)
      defer { scratch.deallocate() }
      var bounds = [0, native.grid.units]
      for _ in 0..<choices.int(0...2) { bounds.append(choices.int(0...native.grid.units)) }
      bounds.sort()
      withExtendedLifetime(executable) {
        let entry = executable.entry(at: native.offset)
        for (first, end) in zip(bounds, bounds.dropFirst()) where first < end {
          entry(&addresses, first, end, scratch)
        }
      }
      return true
    }
  }

  extension UInt64 {
    fileprivate var isNaN: Bool { Float(bitPattern: UInt32(truncatingIfNeeded: self)).isNaN }
  }

  /// Names the seed of the kernel that ends the process.
  enum CrashReport {
    nonisolated(unsafe) static var seed: UInt64?

    static func install() {
      for number in [SIGSEGV, SIGBUS, SIGILL] {
        signal(number) { number in
          // The process is lost: what follows need not be safe.
          if let seed = CrashReport.seed { print("signal \(number) at seed \(seed)") }
          fflush(nil)
          signal(number, SIG_DFL)
          raise(number)
        }
      }
    }
  }
#endif
