import DescentGraph

/// Writes the code of map kernels.
///
/// Registers: `rdi` operand addresses, `rsi` the row, `rdx` the end, `rax` the column; the addresses of streams and of
/// the result in those of `bases`. The places along all axes are on the stack.
struct NativeMap {
  private let kernel: LoopKernel
  private let stage: LoopKernel.Stage
  private let emitter: VectorEmitter
  private let faultCell: Int
  private let rows: Int
  private let columns: Int

  /// The registers that may hold the address of a stream or of the result.
  private static let bases = [8, 9, 10, 11, 12, 13, 14, 15, 3]
  /// The elements of one unit where there is one axis.
  private static let unit = 4096

  /// Creates a generator, or nothing where the kernel is left to the portable backend.
  ///
  /// The address of the cell that takes faults lies among those of the operands at `faultCell`.
  init?(_ kernel: LoopKernel, faultCell: Int, isWide: Bool) {
    guard kernel.loopClass == .map,
      let selection = InstructionSelection(
        kernel.stages[0].program, kept: kernel.stages[0].kept, domain: kernel.domain,
        isWide: isWide),
      selection.streams.count + kernel.stages[0].stores.count <= NativeMap.bases.count
    else { return nil }
    stage = kernel.stages[0]
    self.kernel = kernel
    self.faultCell = faultCell
    emitter = VectorEmitter(selection, vectors: VectorEmitter.vectors(for: selection))
    rows = kernel.domain.dropLast().reduce(1, *)
    columns = kernel.domain.last ?? 1
  }

  private var hasRows: Bool { kernel.domain.count > 1 }

  func write(to assembler: inout Assembler) -> NativeKernel {
    let frame = NativeFrame(spillBytes: emitter.spillBytes)
    frame.enter(&assembler)
    if hasRows { writeRows(&assembler) } else { writeLine(&assembler) }
    frame.leave(&assembler)
    let work = stage.program.instructions.count
    return NativeKernel(
      grid: hasRows
        ? TileGrid(units: rows, workPerUnit: columns * work / 4)
        : TileGrid(
          units: (columns + NativeMap.unit - 1) / NativeMap.unit,
          workPerUnit: min(columns, NativeMap.unit) * work / 4))
  }

  /// Loads the address of each stream and of the result, in the row that the places name.
  private func writeBases(_ assembler: inout Assembler) {
    for (index, stream) in emitter.selection.streams.enumerated() {
      guard case .element(let operand, let access, let type) = stream else { continue }
      writeBase(
        index, operand: operand, offset: access.offset * type.byteCount,
        strides: access.strides.dropLast().map { $0 * type.byteCount }, &assembler)
    }
    for (index, store) in stage.stores.enumerated() {
      let size = emitter.selection.resultTypes[index].byteCount
      let strides = Shape(kernel.domain).strides.dropLast().map { $0 * size }
      writeBase(
        emitter.selection.streams.count + index, operand: store.operand, offset: 0,
        strides: strides, &assembler)
    }
  }

  private func writeBase(
    _ index: Int, operand: Int, offset: Int, strides: [Int], _ assembler: inout Assembler
  ) {
    let base: Register = .gpr(NativeMap.bases[index])
    assembler.emit(.mov, base, .at(.rdi, 8 * operand))
    if offset != 0 {
      assembler.move(offset, to: .rcx)
      assembler.emit(.add, base, .rcx)
    }
    for (axis, stride) in strides.enumerated() where stride != 0 {
      assembler.move(stride, to: .rcx)
      assembler.emit(.movsxd, .rax, placeMemory(axis).sized(4))
      assembler.emit(.imul, .rcx, .rax)
      assembler.emit(.add, base, .rcx)
    }
  }

  private func placeMemory(_ axis: Int) -> Memory { .at(.rsp, 4 * axis) }

  private func body(_ assembler: inout Assembler, count: Int) {
    let address = { (index: Int, size: Int, isSplat: Bool) -> Memory in
      let base: Register = .gpr(NativeMap.bases[index])
      return isSplat ? .at(base) : .at(base, index: .rax, scale: size)
    }
    let streams = emitter.selection.streams
    let axis = kernel.domain.count - 1
    if streams.contains(.place(axis: axis)) {
      assembler.emit(.mov, placeMemory(axis), .eax)
    }
    let results = emitter.emit(
      to: &assembler, count: count,
      streams: { index in
        switch streams[index] {
        case .element(_, let access, let type):
          address(index, type.byteCount, (access.strides.last ?? 0) == 0)
        case .place(let axis): placeMemory(axis)
        case .faults: .at(.rdi, 8 * faultCell)
        }
      })
    for (index, type) in emitter.selection.resultTypes.enumerated() {
      emitter.store(
        results[index], type, to: address(streams.count + index, type.byteCount, false),
        count: count, &assembler)
    }
  }

  /// One axis: columns `rsi·unit ..< min(rdx·unit, columns)`.
  private func writeLine(_ assembler: inout Assembler) {
    let (loop, rest, end) = (assembler.makeLabel(), assembler.makeLabel(), assembler.makeLabel())
    let isBounded = assembler.makeLabel()
    writeBases(&assembler)
    let partial = columns % emitter.width
    NativeTail(count: partial, isWide: emitter.isWide).write(to: &assembler)
    assembler.move(NativeMap.unit, to: .rcx)
    assembler.emit(.imul, .rsi, .rcx)
    assembler.emit(.imul, .rdx, .rcx)
    assembler.emit(.mov, .rax, .rsi)
    assembler.move(columns, to: .rcx)
    assembler.emit(.cmp, .rdx, .rcx)
    assembler.emit(.jle, isBounded)
    assembler.emit(.mov, .rdx, .rcx)
    assembler.bind(isBounded)
    assembler.bind(loop)
    assembler.emit(.lea, .rcx, .at(.rax, emitter.width))
    assembler.emit(.cmp, .rcx, .rdx)
    assembler.emit(.jg, rest)
    body(&assembler, count: emitter.width)
    assembler.emit(.add, .rax, emitter.width)
    assembler.emit(.jmp, loop)
    assembler.bind(rest)
    assembler.emit(.cmp, .rax, .rdx)
    assembler.emit(.jge, end)
    if partial > 0 { body(&assembler, count: partial) }
    assembler.bind(end)
  }

  /// Several axes: rows `rsi ..< rdx`, each from its first column to its last.
  private func writeRows(_ assembler: inout Assembler) {
    let (row, end, next) = (assembler.makeLabel(), assembler.makeLabel(), assembler.makeLabel())
    let whole = columns / emitter.width * emitter.width
    NativeTail(count: columns - whole, isWide: emitter.isWide).write(to: &assembler)
    assembler.emit(.mov, .at(.rsp, 40), .rsi)
    assembler.move(0, to: .rsi)
    for axis in kernel.domain.indices { assembler.emit(.mov, placeMemory(axis).sized(4), 0) }
    assembler.bind(row)
    assembler.emit(.cmp, .rsi, .rdx)
    assembler.emit(.jge, end)
    assembler.emit(.cmp, .rsi, .at(.rsp, 40))
    assembler.emit(.jl, next)
    writeBases(&assembler)
    assembler.move(0, to: .rax)
    if whole > 0 {
      let loop = assembler.makeLabel()
      // A register, since a comparison takes no immediate of more than 32 bits.
      assembler.move(whole, to: .rcx)
      assembler.bind(loop)
      body(&assembler, count: emitter.width)
      assembler.emit(.add, .rax, emitter.width)
      assembler.emit(.cmp, .rax, .rcx)
      assembler.emit(.jl, loop)
    }
    if whole < columns { body(&assembler, count: columns - whole) }
    assembler.bind(next)
    let done = assembler.makeLabel()
    for axis in kernel.domain.indices.dropLast().reversed() {
      assembler.emit(.inc, placeMemory(axis).sized(4))
      assembler.move(kernel.domain[axis], to: .rcx)
      assembler.emit(.cmp, placeMemory(axis).sized(4), .ecx)
      assembler.emit(.jl, done)
      assembler.emit(.mov, placeMemory(axis).sized(4), 0)
    }
    assembler.bind(done)
    assembler.emit(.inc, .rsi)
    assembler.emit(.jmp, row)
    assembler.bind(end)
  }
}

/// Sets the tail register to a number of elements known when the code is written.
struct NativeTail {
  let count: Int
  let isWide: Bool

  /// Writes the code, which overwrites `rcx`; for no elements there is none.
  func write(to assembler: inout Assembler) {
    guard count > 0 else { return }
    let tail = VectorEmitter.tailRegister(isWide: isWide)
    if isWide {
      assembler.emit(.mov, .ecx, (1 << count) - 1)
      assembler.emit(.kmovw, tail, .ecx)
    } else {
      var bytes: [UInt8] = []
      for lane in 0..<8 { bytes += [UInt8](repeating: lane < count ? 0xff : 0, count: 4) }
      assembler.emit(.vmovups, tail, .constant(assembler.constant(bytes)))
    }
  }
}
