import DescentCodegen
package import DescentGraph

extension RandomNumbers {
  /// The evaluator that does each step for a block of elements: the bits of `reference`, much faster.
  package static func inBlocks(_ program: ScalarProgram, _ columns: [[UInt32]]) -> [Float] {
    BlockMachine.evaluate(program, columns)
  }
}

extension BlockMachine {
  /// Evaluates a program of words for every element of its arguments.
  fileprivate static func evaluate(_ program: ScalarProgram, _ columns: [[UInt32]]) -> [Float] {
    var vectors = VectorProgram()
    let arguments = columns.indices.map { column in
      vectors.append(.load(operand: column, Access(offset: 0, strides: [1]), .i32))
    }
    let result = vectors.link(program, arguments)
    let count = columns[0].count
    let code = PortableCode(vectors, domain: [count], kept: [result])
    return [Float](unsafeUninitializedCapacity: count) { buffer, initializedCount in
      let memory = Memory(code, columns)
      defer { memory.deallocate() }
      for start in stride(from: 0, to: count, by: blockSize) {
        let size = min(blockSize, count - start)
        memory.machine.run(start, size)
        memory.machine.store(0, to: UnsafeMutableRawPointer(buffer.baseAddress!), at: start, size)
      }
      initializedCount = count
    }
  }

  /// A machine with everything it points to.
  private struct Memory {
    let machine: BlockMachine
    private let allocations: [UnsafeMutableRawPointer]

    init(_ code: PortableCode, _ columns: [[UInt32]]) {
      var allocations: [UnsafeMutableRawPointer] = []
      func raw(_ byteCount: Int) -> UnsafeMutableRawPointer {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: max(byteCount, 64), alignment: 64)
        allocations.append(memory)
        return memory
      }
      func copy<T>(_ elements: [T]) -> UnsafeMutablePointer<T> {
        let memory = raw(elements.count * MemoryLayout<T>.stride)
          .bindMemory(to: T.self, capacity: elements.count)
        memory.initialize(from: elements, count: elements.count)
        return memory
      }
      let operands = columns.map { UnsafeMutableRawPointer(copy($0)) }
      let scratch = ThreadScratch(
        slots: raw(code.slotCount * BlockMachine.slotBytes),
        addresses: copy([Int](repeating: 0, count: BlockMachine.blockSize)),
        places: copy([0, 0]), partials: raw(0), native: raw(0), locals: raw(0))
      machine = BlockMachine(
        instructions: copy(code.instructions), instructionCount: code.instructions.count,
        accesses: copy(code.accesses), domain: copy(code.domain), rank: 1,
        results: copy(code.results), operands: copy(operands), scratch: scratch,
        faults: FaultCell(), core: operands[0])
      self.allocations = allocations
    }

    func deallocate() {
      machine.faults.deallocate()
      for allocation in allocations { allocation.deallocate() }
    }
  }
}
