import DescentGraph

extension NativeLoop {
  /// Finds the places of the first unit along the axes it fixes, and its block of the vector axis.
  ///
  /// Uses `rax`, `rcx` and `rdx`.
  func writeFirstPlaces(_ assembler: inout Assembler) {
    assembler.emit(.mov, .rax, slot(.unit))
    if blocks > 1 {
      writeDivision(by: blocks, &assembler)
      assembler.move(block, to: .rcx)
      assembler.emit(.imul, .rdx, .rcx)
      assembler.emit(.mov, slot(.blockStart), .rdx)
    }
    for index in unitAxes.indices.reversed() {
      guard index > 0 else {
        assembler.emit(.mov, place(0), .rax)
        break
      }
      writeDivision(by: kernel.domain[unitAxes[index]], &assembler)
      assembler.emit(.mov, place(index), .rdx)
    }
  }

  /// Counts on to the places of the next unit and goes there.
  ///
  /// Dividing for each would cost more than a short line does. Uses `rax` and `rcx`.
  func writeNextPlaces(then unit: Label, _ assembler: inout Assembler) {
    if blocks > 1 {
      writeStep(slot(.blockStart), by: block, below: columns, then: unit, &assembler)
    }
    for index in unitAxes.indices.reversed() {
      writeStep(
        place(index), by: 1, below: index == 0 ? nil : kernel.domain[unitAxes[index]], then: unit,
        &assembler)
    }
    assembler.emit(.jmp, unit)
  }

  /// Adds to a place and jumps if it is below a bound; else the place becomes 0.
  private func writeStep(
    _ place: Memory, by step: Int, below bound: Int?, then target: Label,
    _ assembler: inout Assembler
  ) {
    assembler.emit(.mov, .rax, place)
    assembler.emit(.add, .rax, step)
    assembler.emit(.mov, place, .rax)
    guard let bound else { return }
    assembler.move(bound, to: .rcx)
    assembler.emit(.cmp, .rax, .rcx)
    assembler.emit(.jl, target)
    assembler.emit(.mov, place.sized(8), 0)
  }

  /// Finds where the unit's block of the vector axis ends, and its whole vectors.
  func writeBlockEnds(_ assembler: inout Assembler) {
    guard blocks > 1 else { return }
    assembler.emit(.mov, .rdx, slot(.blockStart))
    assembler.emit(.add, .rdx, block)
    for (end, bound) in [(Slot.blockEnd, columns), (.wholeEnd, columns - tail)] {
      let isBelow = assembler.makeLabel()
      assembler.move(bound, to: .rcx)
      assembler.emit(.cmp, .rdx, .rcx)
      assembler.emit(.jge, isBelow)
      assembler.emit(.mov, .rcx, .rdx)
      assembler.bind(isBelow)
      assembler.emit(.mov, slot(end), .rcx)
    }
  }

  /// Divides `rax`; the remainder is in `rdx`.
  func writeDivision(by divisor: Int, _ assembler: inout Assembler) {
    assembler.move(divisor, to: .rcx)
    assembler.move(0, to: .rdx)
    assembler.emit(.div, .rcx)
  }

  /// Returns the register that holds an address, fetching it to `rcx` if it has none.
  func register(ofPointer index: Int, _ assembler: inout Assembler) -> Register {
    guard index >= NativeStage.bases.count else { return .gpr(NativeStage.bases[index]) }
    assembler.emit(.mov, .rcx, pointerSlot(index))
    return .rcx
  }

  /// Finds the addresses a stage needs at the unit's first row and column 0.
  func loadPointers(_ stage: NativeStage, _ assembler: inout Assembler) {
    for (number, pointer) in stage.leaders {
      let isInRegister = number < NativeStage.bases.count
      let target: Register = isInRegister ? .gpr(NativeStage.bases[number]) : .rax
      load(pointer, to: target, &assembler)
      if !isInRegister { assembler.emit(.mov, pointerSlot(number), target) }
    }
  }

  /// Finds one address; uses `rcx`.
  func load(
    _ pointer: NativeStage.Pointer, to target: Register, _ assembler: inout Assembler
  ) {
    assembler.emit(.mov, target, .at(.rdi, 8 * pointer.operand))
    if pointer.offset != 0 {
      assembler.move(pointer.offset, to: .rcx)
      assembler.emit(.add, target, .rcx)
    }
    if !pointer.strides.isEmpty {
      for (index, axis) in unitAxes.enumerated() where pointer.strides[axis] != 0 {
        assembler.move(pointer.strides[axis], to: .rcx)
        assembler.emit(.imul, .rcx, place(index))
        assembler.emit(.add, target, .rcx)
      }
    }
    if pointer.isOfBlock, blocks > 1 {
      assembler.move(pointer.size, to: .rcx)
      assembler.emit(.imul, .rcx, slot(.blockStart))
      assembler.emit(.sub, target, .rcx)
    }
    for guarded in pointer.guards {
      guard let index = unitAxes.firstIndex(of: guarded.axis) else { continue }
      let exists = assembler.makeLabel()
      assembler.move(-guarded.low, to: .rcx)
      assembler.emit(.add, .rcx, place(index))
      assembler.emit(.cmp, .rcx, min(guarded.count, Int(Int32.max)))
      assembler.emit(.jb, exists)
      assembler.emit(.mov, target, .at(.rdi, 8 * pointer.operand))
      assembler.bind(exists)
    }
  }
}
