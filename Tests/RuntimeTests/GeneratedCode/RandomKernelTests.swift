import DescentCodegen
import DescentGraph
import DescentRuntime
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
      Int(ProcessInfo.processInfo.environment["DESCENT_RANDOM_KERNELS"] ?? "") ?? 800
    static let first =
      UInt64(ProcessInfo.processInfo.environment["DESCENT_RANDOM_SEED"] ?? "") ?? 0

    @Test func generatedEqualsEvaluated() throws {
      let backends = [CPUFeatures.avx2Backend, .avx512Backend].filter {
        CPUFeatures.detected.isSuperset(of: $0)
      }
      let bench = KernelBench()
      var (drawn, native) = ([RandomKernel.Class: Int](), [RandomKernel.Class: Int]())
      var differences: [String] = []
      for index in 0..<RandomKernelTests.count {
        let seed = RandomKernelTests.first + UInt64(index)
        CrashReport.seed = seed
        let kernel = RandomKernel(seed: seed)
        drawn[kernel.kind, default: 0] += backends.count
        for (backend, outcome) in zip(backends, try bench.outcomes(kernel, backends)) {
          switch outcome {
          case .equal: native[kernel.kind, default: 0] += 1
          case .refused where !kernel.isNative: break
          case .refused, .different:
            differences.append(
              "seed \(seed): \(name(of: backend)) \(kernel.description): \(outcome)")
          }
        }
      }
      CrashReport.seed = nil
      #expect(differences.isEmpty, "\(differences.count): \(differences.prefix(2))")
      // Without machine code there is nothing to compare.
      for (kind, count) in drawn where count >= 100 {
        let share = 100 * native[kind, default: 0] / count
        #expect(share >= kind.leastShare, "\(share) % of \(kind)s have machine code")
      }
    }

    /// Groups that share vectors, of which the last is partial, and sums that end just behind a block, or within one.
    @Test func narrowGroupsStayWithinTheirOperands() throws {
      let backends = [CPUFeatures.avx2Backend, .avx512Backend].filter {
        CPUFeatures.detected.isSuperset(of: $0)
      }
      let bench = KernelBench()
      for (elements, channels, features, groups) in [
        (171, 3, 4, 2), (171, 3, 4, 3), (86, 3, 4, 5), (129, 4, 4, 3), (103, 5, 8, 3), (3, 3, 4, 3),
        (74, 7, 8, 2), (257, 2, 2, 9), (3, 4, 4, 5), (5, 1, 1, 19), (513, 1, 2, 7), (3, 8, 8, 3),
      ] {
        for seed in 0..<6 as Range<UInt64> {
          let op = Convolution(strides: [1], dilations: [1], groups: groups)
          let x = Shape([1, elements + 7, groups * channels])
          let weights = Shape([elements, channels, groups * features])
          let cotangent = Shape([1, 8, groups * features])
          for kernel in [
            RandomKernel(op, x, weights, seed: seed),
            RandomKernel(op.with(kernel: [elements]), x, cotangent, seed: seed),
          ] {
            CrashReport.seed = seed
            for outcome in try bench.outcomes(kernel, backends) where outcome != .equal {
              #expect(outcome == .refused && !kernel.isNative, "\(op) of \(x), seed \(seed)")
            }
          }
        }
      }
      CrashReport.seed = nil
    }

    /// An epilogue that needs more registers at once than the sums of a tile leave.
    @Test func tilesLeaveEpiloguesWhatTheyNeed() throws {
      let backends = [CPUFeatures.avx2Backend, .avx512Backend].filter {
        CPUFeatures.detected.isSuperset(of: $0)
      }
      let outcomes = try KernelBench().outcomes(RandomKernel(seed: 131_042_085), backends)
      #expect(outcomes.allSatisfy { $0 == .equal })
    }

    private func name(of backend: CPUFeatures) -> String {
      backend == .avx512Backend ? "avx512" : "avx2"
    }
  }

  extension RandomKernel.Class {
    /// How many of a hundred kernels have machine code at least.
    fileprivate var leastShare: Int {
      switch self {
      case .map, .scatter: 90
      case .row, .column: 80
      case .contraction: 95
      }
    }
  }

  /// Names the seed of the kernel that ends the process.
  enum CrashReport {
    nonisolated(unsafe) static var seed: UInt64?

    static func install() {
      for number in [SIGSEGV, SIGBUS, SIGILL] {
        signal(number) { number in
          // The process is lost: what follows need not be safe.
          if let seed = CrashReport.seed {
            print("signal \(number) at seed \(seed): \(RandomKernel(seed: seed).description)")
          }
          fflush(nil)
          signal(number, SIG_DFL)
          raise(number)
        }
      }
    }
  }
#endif
