import DescentGraph

/// Writes the code of scatter kernels: the base is copied, then slices are added in ascending order of their number.
///
/// Registers: `rdi` operand addresses, `r8` the target, `r9` the slice, `r10` the indices, `r11` the slice's number,
/// `r12` what is left of the outer axis, `r13` the row, `rax` the place in it, `rcx` and `rdx` temporaries.
struct NativeScatter {
  private let kernel: ScatterKernel
  private let faultCell: Int
  private let isWide: Bool

  /// Creates a generator, or nothing where the kernel is left to the portable backend.
  init?(_ kernel: ScatterKernel, faultCell: Int, isWide: Bool) {
    let total = kernel.outer * kernel.rows * kernel.inner
    guard kernel.dataType == .f32 || kernel.dataType == .i32, total > 0, total < 1 << 30,
      kernel.count < 1 << 30
    else { return nil }
    self.kernel = kernel
    self.faultCell = faultCell
    self.isWide = isWide
  }

  private var width: Int { isWide ? 16 : 8 }
  private var vector: Register { isWide ? .zmm(0) : .ymm(0) }
  private var rowBytes: Int { 4 * kernel.inner }

  func write(to assembler: inout Assembler) -> NativeKernel {
    let frame = NativeFrame(spillBytes: 0)
    frame.enter(&assembler)
    assembler.emit(.mov, .r8, .at(.rdi, 8 * kernel.target))
    assembler.emit(.mov, .r9, .at(.rdi, 8 * kernel.base))
    writeCopy(&assembler)
    assembler.emit(.mov, .r9, .at(.rdi, 8 * kernel.updates))
    assembler.emit(.mov, .r10, .at(.rdi, 8 * kernel.indices))
    if kernel.count > 0 { writeSlices(&assembler) }
    frame.leave(&assembler)
    let updates = kernel.outer * kernel.count * kernel.inner
    return NativeKernel(grid: TileGrid(units: 1, workPerUnit: updates))
  }

  /// Copies the base where the target is other memory.
  private func writeCopy(_ assembler: inout Assembler) {
    let isInPlace = assembler.makeLabel()
    assembler.emit(.cmp, .r8, .r9)
    assembler.emit(.je, isInPlace)
    writeVectors(kernel.outer * kernel.rows * kernel.inner, &assembler) { assembler, isPartial in
      NativeTail.load(
        vector, from: .at(.r9, index: .rax, scale: 4), isPartial: isPartial, &assembler)
      NativeTail.store(
        vector, to: .at(.r8, index: .rax, scale: 4), isPartial: isPartial, &assembler)
    }
    assembler.bind(isInPlace)
  }

  private func writeSlices(_ assembler: inout Assembler) {
    let (outer, slice) = (assembler.makeLabel(), assembler.makeLabel())
    assembler.move(kernel.outer, to: .r12)
    assembler.bind(outer)
    assembler.move(0, to: .r11)
    assembler.bind(slice)
    writeIndex(&assembler)
    assembler.move(rowBytes, to: .r13)
    assembler.emit(.imul, .r13, .rcx)
    assembler.emit(.add, .r13, .r8)
    writeVectors(kernel.inner, &assembler) { assembler, isPartial in
      let target = Memory.at(.r13, index: .rax, scale: 4)
      NativeTail.load(vector, from: target, isPartial: isPartial, &assembler)
      let sum: Mnemonic = kernel.dataType == .f32 ? .vaddps : .vpaddd
      let other: Register = isWide ? .zmm(1) : .ymm(1)
      NativeTail.load(
        other, from: .at(.r9, index: .rax, scale: 4), isPartial: isPartial, &assembler)
      assembler.emit(sum, vector, vector, other)
      NativeTail.store(vector, to: target, isPartial: isPartial, &assembler)
    }
    assembler.move(rowBytes, to: .rcx)
    assembler.emit(.add, .r9, .rcx)
    assembler.emit(.inc, .r11)
    assembler.emit(.cmp, .r11, kernel.count)
    assembler.emit(.jl, slice)
    assembler.move(kernel.rows * rowBytes, to: .rcx)
    assembler.emit(.add, .r8, .rcx)
    assembler.emit(.dec, .r12)
    assembler.emit(.jne, outer)
  }

  /// Loads the slice's index to `rcx`; one out of range is reported and goes to the nearer end.
  private func writeIndex(_ assembler: inout Assembler) {
    if kernel.indexType == .i64 {
      assembler.emit(.mov, .rcx, .at(.r10, index: .r11, scale: 8))
    } else {
      assembler.emit(.movsxd, .rcx, Memory.at(.r10, index: .r11, scale: 4).sized(4))
    }
    let (fits, end) = (assembler.makeLabel(), assembler.makeLabel())
    assembler.move(kernel.rows, to: .rax)
    // Negative numbers are the greatest of those without sign.
    assembler.emit(.cmp, .rcx, .rax)
    assembler.emit(.jb, fits)
    NativeFault.write(kernel.fault, cell: .at(.rdi, 8 * faultCell), &assembler)
    assembler.emit(.cmp, .rcx, 0)
    assembler.move(kernel.rows - 1, to: .rcx)
    assembler.emit(.jge, end)
    assembler.move(0, to: .rcx)
    assembler.bind(end)
    assembler.bind(fits)
  }

  /// Walks so many elements in vectors, from place 0.
  private func writeVectors(
    _ count: Int, _ assembler: inout Assembler, _ body: (inout Assembler, _ isPartial: Bool) -> Void
  ) {
    let whole = count / width * width
    NativeTail(count: count - whole, isWide: isWide).write(to: &assembler)
    assembler.move(0, to: .rax)
    if whole > 0 {
      let loop = assembler.makeLabel()
      assembler.bind(loop)
      body(&assembler, false)
      assembler.emit(.add, .rax, width)
      assembler.emit(.cmp, .rax, whole)
      assembler.emit(.jl, loop)
    }
    if whole < count { body(&assembler, true) }
  }
}

/// Writes the report of a fault.
enum NativeFault {
  /// Leaves a number in the cell whose address lies in memory, unless a lesser one is there.
  ///
  /// A thread exchanges its number for what is there as long as that is greater, and goes on with what it got, which
  /// it may have taken by mistake. Overwrites `rax` and `rdx`.
  static func write(_ fault: Int, cell: Memory, _ assembler: inout Assembler) {
    let (exchange, end) = (assembler.makeLabel(), assembler.makeLabel())
    assembler.emit(.mov, .rdx, cell)
    assembler.move(fault, to: .rax)
    assembler.bind(exchange)
    assembler.emit(.cmp, .at(.rdx), .rax)
    assembler.emit(.jle, end)
    assembler.emit(.xchg, .at(.rdx), .rax)
    assembler.emit(.jmp, exchange)
    assembler.bind(end)
  }
}
