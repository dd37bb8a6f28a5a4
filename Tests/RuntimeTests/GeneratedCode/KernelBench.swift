import DescentCodegen
import DescentGraph
import DescentRuntime
import DescentTestSupport
import Testing

#if arch(x86_64)
  /// Memory in which kernels run, one after the other.
  final class KernelBench {
    private var memory: [GuardedMemory] = []
    private let cell = UnsafeMutablePointer<Int>.allocate(capacity: 1)

    init() { CrashReport.install() }

    deinit { cell.deallocate() }

    enum Outcome: Equatable {
      case equal, refused
      case different(String)
    }

    /// Returns how the machine code for each backend and the evaluation compare.
    func outcomes(_ random: RandomKernel, _ backends: [CPUFeatures]) throws -> [Outcome] {
      let expected = random.evaluate()
      return try backends.map { features in
        var choices = SplitMix64(seed: random.seed &+ 1)
        place(random, &choices)
        guard try run(random, features, &choices) else { return .refused }
        return difference(random, expected).map { .different($0) } ?? .equal
      }
    }

    /// Expects that every backend computes what evaluation does, whatever slices are drawn.
    func expectEqual(
      _ loop: LoopKernel, inputs: [[UInt8]], outputs: [RandomKernel.Output],
      sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
      let backends = [CPUFeatures.avx2Backend, .avx512Backend].filter {
        CPUFeatures.detected.isSuperset(of: $0)
      }
      for seed in 0..<UInt64(8) {
        let kernel = RandomKernel(.loop(loop), inputs: inputs, outputs: outputs, seed: seed)
        let outcomes = try self.outcomes(kernel, backends)
        #expect(
          outcomes.allSatisfy { $0 == .equal }, "\(outcomes)", sourceLocation: sourceLocation)
      }
    }

    private func memory(_ index: Int) -> GuardedMemory {
      while memory.count <= index { memory.append(GuardedMemory()) }
      return memory[index]
    }

    /// The number of the memory an output lies in.
    private func place(of output: Int, _ random: RandomKernel) -> Int {
      random.outputs[output].place ?? random.inputs.count + output
    }

    /// Lays out the operands.
    private func place(_ random: RandomKernel, _ choices: inout SplitMix64) {
      for (operand, bytes) in random.inputs.enumerated() {
        memory(operand).place(bytes, atEnd: choices.chance(50))
      }
      for (index, output) in random.outputs.enumerated() where output.place == nil {
        memory(random.inputs.count + index).place(
          [UInt8](repeating: 0x5a, count: output.count * output.type.byteCount),
          atEnd: choices.chance(50))
      }
    }

    /// Returns what is not as it should be after a run.
    private func difference(
      _ random: RandomKernel, _ expected: (outputs: [[UInt64]], fault: Int?)
    ) -> String? {
      let used = random.inputs.count + random.outputs.count + localCount(random) + 1
      for index in 0..<used where !memory(index).isIntact {
        return "a byte beside memory \(index) has changed"
      }
      for (operand, bytes) in random.inputs.enumerated()
      where !random.outputs.contains(where: { $0.place == operand }) {
        if memory(operand).bytes != bytes { return "operand \(operand) has changed" }
      }
      for (index, output) in random.outputs.enumerated() {
        let stored = memory(place(of: index, random)).bytes
        for place in 0..<output.count {
          let bits = stored.element(place, output.type)
          let wanted = expected.outputs[index][place]
          if bits != wanted, !(output.type == .f32 && bits.isNaN && wanted.isNaN) {
            return "output \(index), place \(place) of \(output.type): \(bits), not \(wanted)"
          }
        }
      }
      let fault = cell.pointee == Int.max ? nil : cell.pointee
      return fault == expected.fault
        ? nil : "fault \(fault ?? -1), not \(expected.fault ?? -1)"
    }

    // MARK: - Running

    private func locals(_ random: RandomKernel) -> [Int] {
      guard case .loop(let loop) = random.body else { return [] }
      return loop.locals.map {
        ($0.isLine ? loop.view.extent : LoopKernel.linesAtOnce) * $0.dataType.byteCount
      }
    }

    private func localCount(_ random: RandomKernel) -> Int { locals(random).count }

    /// Runs a kernel slice by slice, as threads would in any order; false if there is no machine code for it.
    private func run(
      _ random: RandomKernel, _ features: CPUFeatures, _ choices: inout SplitMix64
    ) throws -> Bool {
      var times = CodegenTimes()
      let aligned = random.outputs.indices.filter {
        Int(bitPattern: memory(place(of: $0, random)).start) % 64 == 0
      }
      let streamed = aligned.filter { _ in choices.chance(30) }.map { random.inputs.count + $0 }
      let code = NativeCode(
        [random.kernel], streamed: [Set(streamed)], features: features,
        threads: choices.int(1...4), caches: caches(&choices), times: &times)
      guard let native = code.kernels[0] else { return false }
      let executable = try ExecutableMemory(code.bytes)
      let shared = random.inputs.count + random.outputs.count
      let locals = locals(random)
      let operands =
        random.inputs.indices.map { memory($0).start }
        + random.outputs.indices.map { memory(place(of: $0, random)).start }
      cell.pointee = Int.max
      withExtendedLifetime(executable) {
        let entry = executable.entry(at: native.offset)
        for slice in slices(of: native.grid.units, &choices) {
          // A thread knows nothing of what others have left in theirs.
          for (index, byteCount) in locals.enumerated() {
            memory(shared + index).place(
              [UInt8](repeating: 0xff, count: byteCount), atEnd: choices.chance(50))
          }
          let scratch = memory(shared + locals.count)
          scratch.place(
            [UInt8](repeating: 0xff, count: (native.scratchBytes + 63) / 64 * 64),
            atEnd: choices.chance(50))
          var addresses =
            locals.indices.reversed().map { memory(shared + $0).start } + operands
            + [UnsafeMutableRawPointer(cell)]
          addresses.withUnsafeMutableBufferPointer {
            entry($0.baseAddress! + locals.count, slice.lowerBound, slice.upperBound, scratch.start)
          }
        }
      }
      return true
    }

    /// A processor's caches, or some so small that most is far.
    private func caches(_ choices: inout SplitMix64) -> CacheSizes {
      var caches = CacheSizes.modest
      caches.level2 = choices.chance(50) ? 1 << choices.int(10...16) : 1 << choices.int(18...20)
      return caches
    }

    /// Cuts units into a few slices, or each from all others.
    private func slices(of units: Int, _ choices: inout SplitMix64) -> [Range<Int>] {
      var bounds = [0, units]
      if units <= 32, choices.chance(25) {
        bounds += 0..<units
      } else {
        for _ in 0..<choices.int(0...3) { bounds.append(choices.int(0...units)) }
      }
      bounds.sort()
      return zip(bounds, bounds.dropFirst()).map { $0..<$1 }.filter { !$0.isEmpty }
        .shuffled(using: &choices)
    }
  }

  extension UInt64 {
    fileprivate var isNaN: Bool { Float(bitPattern: UInt32(truncatingIfNeeded: self)).isNaN }
  }
#endif
