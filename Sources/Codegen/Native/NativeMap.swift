import DescentGraph

/// Writes the code of map kernels over one or two axes.
///
/// Registers: `rdi` operand addresses, `rsi` the row, `rdx` the end, `rax` the column; the addresses of streams and of
/// the result in those of `bases`.
struct NativeMap {
  private let kernel: LoopKernel
  private let target: Int
  private let work: Int
  private let emitter: VectorEmitter
  private let rows: Int
  private let columns: Int

  /// The registers that may hold the address of a stream or of the result.
  private static let bases = [8, 9, 10, 11, 12, 13, 14, 15, 3]
  /// The elements of one unit where there is one axis.
  private static let unit = 4096

  /// Creates a generator, or nothing where the kernel is left to the portable backend.
  init?(_ kernel: LoopKernel, isWide: Bool) {
    guard kernel.domain.count <= 2, kernel.loopClass == .map, kernel.stages[0].stores.count == 1,
      let selection = InstructionSelection(
        kernel.stages[0].program, kept: kernel.stages[0].kept, isWide: isWide),
      selection.streams.count < NativeMap.bases.count
    else { return nil }
    self.kernel = kernel
    target = kernel.stages[0].stores[0].operand
    work = kernel.stages[0].program.instructions.count
    emitter = VectorEmitter(selection, vectors: Array(0..<(isWide ? 31 : 15)))
    rows = kernel.domain.count == 2 ? kernel.domain[0] : 1
    columns = kernel.domain.last ?? 1
  }

  private var hasRows: Bool { kernel.domain.count == 2 }

  func write(to assembler: inout Assembler) -> NativeKernel {
    let frame = NativeFrame(spillBytes: emitter.spillBytes)
    frame.enter(&assembler)
    if hasRows { writeRows(&assembler) } else { writeLine(&assembler) }
    frame.leave(&assembler)
    return NativeKernel(
      grid: hasRows
        ? TileGrid(units: rows, workPerUnit: columns * work / 4)
        : TileGrid(
          units: (columns + NativeMap.unit - 1) / NativeMap.unit,
          workPerUnit: min(columns, NativeMap.unit) * work / 4))
  }

  /// Loads the address of each stream and of the result; with rows, that of the first row.
  private func writeBases(_ assembler: inout Assembler) {
    for (index, stream) in emitter.selection.streams.enumerated() {
      let size = stream.type.byteCount
      writeBase(
        index, operand: stream.operand, offset: stream.access.offset * size,
        rowBytes: hasRows ? stream.access.strides[0] * size : 0, &assembler)
    }
    writeBase(
      emitter.selection.streams.count, operand: target, offset: 0,
      rowBytes: hasRows ? columns * emitter.selection.resultTypes[0].byteCount : 0, &assembler)
  }

  private func writeBase(
    _ index: Int, operand: Int, offset: Int, rowBytes: Int, _ assembler: inout Assembler
  ) {
    let base: Register = .gpr(NativeMap.bases[index])
    assembler.emit(.mov, base, .at(.rdi, 8 * operand))
    if offset != 0 {
      assembler.move(offset, to: .rcx)
      assembler.emit(.add, base, .rcx)
    }
    if rowBytes != 0 {
      assembler.move(rowBytes, to: .rcx)
      assembler.emit(.imul, .rcx, .rsi)
      assembler.emit(.add, base, .rcx)
    }
  }

  private func body(_ assembler: inout Assembler, isPartial: Bool) {
    let address = { (index: Int, size: Int, isSplat: Bool) -> Memory in
      let base: Register = .gpr(NativeMap.bases[index])
      return isSplat ? .at(base) : .at(base, index: .rax, scale: size)
    }
    let streams = emitter.selection.streams
    let type = emitter.selection.resultTypes[0]
    let results = emitter.emit(
      to: &assembler, isPartial: isPartial,
      streams: { index in
        let inner = streams[index].access.strides.last ?? 0
        return address(index, streams[index].type.byteCount, inner == 0)
      })
    emitter.store(
      results[0], type, to: address(streams.count, type.byteCount, false), isPartial: isPartial,
      &assembler)
  }

  /// One axis: columns `rsi·unit ..< min(rdx·unit, columns)`.
  private func writeLine(_ assembler: inout Assembler) {
    let (loop, rest, end) = (assembler.makeLabel(), assembler.makeLabel(), assembler.makeLabel())
    let isBounded = assembler.makeLabel()
    writeBases(&assembler)
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
    body(&assembler, isPartial: false)
    assembler.emit(.add, .rax, emitter.width)
    assembler.emit(.jmp, loop)
    assembler.bind(rest)
    assembler.emit(.mov, .rcx, .rdx)
    assembler.emit(.sub, .rcx, .rax)
    assembler.emit(.jle, end)
    writeTailMask(&assembler)
    body(&assembler, isPartial: true)
    assembler.bind(end)
  }

  /// Sets the tail register to the first `rcx` elements; overwrites `rcx` and `rsi`.
  private func writeTailMask(_ assembler: inout Assembler) {
    let tail = VectorEmitter.tailRegister(isWide: emitter.isWide)
    if emitter.isWide {
      assembler.emit(.mov, .gpr32(6), 1)
      assembler.emit(.shl, .gpr32(6), .cl)
      assembler.emit(.dec, .gpr32(6))
      assembler.emit(.kmovw, tail, .gpr32(6))
      return
    }
    // A window over ones followed by zeros.
    let ones = [UInt8](repeating: 0xff, count: 32) + [UInt8](repeating: 0, count: 32)
    assembler.emit(.lea, .rsi, .constant(assembler.constant(ones)))
    assembler.emit(.shl, .rcx, 2)
    assembler.emit(.sub, .rsi, .rcx)
    assembler.emit(.vmovups, tail, .at(.rsi, 32))
  }

  /// Two axes: rows `rsi ..< rdx`, each from its first column to its last.
  private func writeRows(_ assembler: inout Assembler) {
    let (row, end) = (assembler.makeLabel(), assembler.makeLabel())
    let whole = columns / emitter.width * emitter.width
    writeBases(&assembler)
    NativeTail(count: columns - whole, isWide: emitter.isWide).write(to: &assembler)
    assembler.bind(row)
    assembler.emit(.cmp, .rsi, .rdx)
    assembler.emit(.jge, end)
    assembler.move(0, to: .rax)
    if whole > 0 {
      let loop = assembler.makeLabel()
      // A register, since a comparison takes no immediate of more than 32 bits.
      assembler.move(whole, to: .rcx)
      assembler.bind(loop)
      body(&assembler, isPartial: false)
      assembler.emit(.add, .rax, emitter.width)
      assembler.emit(.cmp, .rax, .rcx)
      assembler.emit(.jl, loop)
    }
    if whole < columns { body(&assembler, isPartial: true) }
    for (index, stream) in emitter.selection.streams.enumerated() {
      advance(index, stream.access.strides[0] * stream.type.byteCount, &assembler)
    }
    advance(
      emitter.selection.streams.count, columns * emitter.selection.resultTypes[0].byteCount,
      &assembler)
    assembler.emit(.inc, .rsi)
    assembler.emit(.jmp, row)
    assembler.bind(end)
  }

  private func advance(_ index: Int, _ byteCount: Int, _ assembler: inout Assembler) {
    guard byteCount != 0 else { return }
    assembler.move(byteCount, to: .rcx)
    assembler.emit(.add, .gpr(NativeMap.bases[index]), .rcx)
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
