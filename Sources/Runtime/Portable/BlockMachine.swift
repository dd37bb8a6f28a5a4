import DescentCodegen
import DescentGraph

/// Runs portable code, one block of a kernel's domain at a time.
///
/// Every step is executed for the whole block before the next. In a slot, `f32`, `i32`, `u8` and `bool` elements
/// are four bytes wide (a truth value is 0 or −1), `i64` elements eight. The machine is a trivial value of
/// pointers into memory that the executable owns; running it allocates nothing.
struct BlockMachine {
  /// The number of elements in a full block.
  static let blockSize = 256
  /// The size of a slot: a block of the widest elements.
  static let slotBytes = blockSize * 8

  let instructions: UnsafeMutablePointer<PortableCode.Instruction>
  let instructionCount: Int
  let accesses: UnsafeMutablePointer<Int>
  let domain: UnsafeMutablePointer<Int>
  let rank: Int
  let results: UnsafeMutablePointer<PortableCode.Result>
  var operands: UnsafeMutablePointer<UnsafeMutableRawPointer>
  var scratch: ThreadScratch
  let faults: FaultCell
  /// What the kernel's core computed, from the element of the domain that `coreStart` names.
  var core: UnsafeMutableRawPointer
  var coreStart = 0

  /// Returns the memory of a slot.
  @inline(__always)
  func slot<T>(_ index: Int32, as type: T.Type = T.self) -> UnsafeMutablePointer<T> {
    (scratch.slots + Int(index) * BlockMachine.slotBytes).assumingMemoryBound(to: type)
  }

  /// Returns the memory of a result after `run`.
  func result(_ index: Int) -> UnsafeMutableRawPointer {
    scratch.slots + Int(results[index].slot) * BlockMachine.slotBytes
  }

  /// Returns the machine working in a thread's memory.
  func with(
    _ scratch: ThreadScratch, _ operands: UnsafeMutablePointer<UnsafeMutableRawPointer>
  ) -> BlockMachine {
    var machine = self
    (machine.scratch, machine.operands) = (scratch, operands)
    return machine
  }

  /// Executes the program for the elements `start ..< start + count` of the domain, in row-major order.
  func run(_ start: Int, _ count: Int) {
    for position in 0..<instructionCount {
      let step = instructions + position
      switch step.pointee.opcode {
      case .scalar: scalar(step.pointee, count)
      case .load: load(step.pointee, start, count)
      case .gather: gather(step.pointee, start, count)
      case .place: place(step.pointee, start, count)
      case .exists: exists(step.pointee, start, count)
      case .check: check(step.pointee, count)
      case .core: loadCore(step.pointee, start, count)
      }
    }
  }

  /// Copies a result of a block to memory, narrowing it to its type.
  func store(_ index: Int, to target: UnsafeMutableRawPointer, at start: Int, _ count: Int) {
    if results[index].access >= 0 { return scatter(index, to: target, at: start, count) }
    let result = result(index)
    switch results[index].type {
    case .f32, .i32:
      (target + 4 * start).copyMemory(from: result, byteCount: 4 * count)
    case .i64, .f64:
      (target + 8 * start).copyMemory(from: result, byteCount: 8 * count)
    case .u8:
      let (from, to) = (
        result.assumingMemoryBound(to: Int32.self),
        (target + start).assumingMemoryBound(to: UInt8.self)
      )
      for lane in 0..<count { to[lane] = UInt8(truncatingIfNeeded: from[lane]) }
    case .bool:
      let (from, to) = (
        result.assumingMemoryBound(to: Int32.self),
        (target + start).assumingMemoryBound(to: UInt8.self)
      )
      for lane in 0..<count { to[lane] = UInt8(truncatingIfNeeded: from[lane] & 1) }
    }
  }
}

/// The memory one thread works in.
struct ThreadScratch {
  /// Blocks of elements in registers.
  let slots: UnsafeMutableRawPointer
  /// One address an element of a block.
  let addresses: UnsafeMutablePointer<Int>
  /// One place an axis, and as many guarded places.
  let places: UnsafeMutablePointer<Int>
  /// Partial results of reductions and contractions.
  let partials: UnsafeMutableRawPointer
  /// What machine code uses as it likes.
  let native: UnsafeMutableRawPointer
  /// What a loop kernel remembers of a line.
  let locals: UnsafeMutableRawPointer
}

// MARK: - Reading memory

extension BlockMachine {
  /// The address of an element that does not exist.
  private static var nowhere: Int { Int.min }

  private func load(_ step: PortableCode.Instruction, _ start: Int, _ count: Int) {
    let source = operands[step.operand]
    switch step.type {
    case .f32, .i32:
      copy(source.assumingMemoryBound(to: UInt32.self), slot(step.target), step, start, count) {
        $0
      }
    case .i64, .f64:
      copy(source.assumingMemoryBound(to: UInt64.self), slot(step.target), step, start, count) {
        $0
      }
    case .u8:
      copy(source.assumingMemoryBound(to: UInt8.self), slot(step.target), step, start, count) {
        Int32($0)
      }
    case .bool:
      copy(source.assumingMemoryBound(to: UInt8.self), slot(step.target), step, start, count) {
        $0 == 0 ? Int32(0) : -1
      }
    }
  }

  @inline(__always)
  private func copy<Stored, Lane: FixedWidthInteger>(
    _ source: UnsafeMutablePointer<Stored>, _ target: UnsafeMutablePointer<Lane>,
    _ step: PortableCode.Instruction, _ start: Int, _ count: Int, _ widen: (Stored) -> Lane
  ) {
    if step.isIdentity {
      let source = source + start
      for lane in 0..<count { target[lane] = widen(source[lane]) }
      return
    }
    let access = accesses + step.access
    guard access[1 + rank] == 0, rank > 0 else {
      findAddresses(access, start, count)
      for lane in 0..<count {
        let address = scratch.addresses[lane]
        target[lane] = address == BlockMachine.nowhere ? 0 : widen(source[address])
      }
      return
    }
    // Without guards, elements along the last axis are equally far apart.
    let places = scratch.places
    findPlaces(start)
    var lane = 0
    while lane < count {
      let inner = rank - 1
      let run = min(count - lane, domain[inner] - places[inner])
      var address = access[0]
      for axis in 0..<rank { address += access[1 + axis] * places[axis] }
      let from = source + address
      let stride = access[1 + inner]
      let to = target + lane
      if stride == 0 {
        let value = widen(from[0])
        for index in 0..<run { to[index] = value }
      } else if stride == 1 {
        for index in 0..<run { to[index] = widen(from[index]) }
      } else {
        for index in 0..<run { to[index] = widen(from[index * stride]) }
      }
      lane += run
      advance(by: run)
    }
  }

  /// Copies a result of a block to places of its own.
  fileprivate func scatter(
    _ index: Int, to target: UnsafeMutableRawPointer, at start: Int, _ count: Int
  ) {
    let (type, result) = (results[index].type, result(index))
    findAddresses(accesses + results[index].access, start, count)
    for lane in 0..<count {
      let address = scratch.addresses[lane]
      switch type {
      case .f32, .i32:
        target.assumingMemoryBound(to: UInt32.self)[address] =
          result.assumingMemoryBound(to: UInt32.self)[lane]
      case .i64, .f64:
        target.assumingMemoryBound(to: UInt64.self)[address] =
          result.assumingMemoryBound(to: UInt64.self)[lane]
      case .u8, .bool:
        let value = result.assumingMemoryBound(to: Int32.self)[lane]
        target.assumingMemoryBound(to: UInt8.self)[address] =
          UInt8(truncatingIfNeeded: type == .bool ? value & 1 : value)
      }
    }
  }

  private func gather(_ step: PortableCode.Instruction, _ start: Int, _ count: Int) {
    findAddresses(accesses + step.access, start, count)
    let addresses = scratch.addresses
    if step.type == .i64 {
      let indices = slot(step.a, as: Int64.self)
      for lane in 0..<count where addresses[lane] != BlockMachine.nowhere {
        addresses[lane] += Int(indices[lane]) * step.stride
      }
    } else {
      let indices = slot(step.a, as: Int32.self)
      for lane in 0..<count where addresses[lane] != BlockMachine.nowhere {
        addresses[lane] += Int(indices[lane]) * step.stride
      }
    }
    let source = operands[step.operand]
    switch step.result {
    case .f32, .i32: pick(source.assumingMemoryBound(to: UInt32.self), step, count) { $0 }
    case .i64, .f64: pick(source.assumingMemoryBound(to: UInt64.self), step, count) { $0 }
    case .u8: pick(source.assumingMemoryBound(to: UInt8.self), step, count) { Int32($0) }
    case .bool:
      pick(source.assumingMemoryBound(to: UInt8.self), step, count) { $0 == 0 ? Int32(0) : -1 }
    }
  }

  @inline(__always)
  private func pick<Stored, Lane: FixedWidthInteger>(
    _ source: UnsafeMutablePointer<Stored>, _ step: PortableCode.Instruction, _ count: Int,
    _ widen: (Stored) -> Lane
  ) {
    let target = slot(step.target, as: Lane.self)
    for lane in 0..<count {
      let address = scratch.addresses[lane]
      target[lane] = address == BlockMachine.nowhere ? 0 : widen(source[address])
    }
  }

  private func place(_ step: PortableCode.Instruction, _ start: Int, _ count: Int) {
    findAddresses(accesses + step.access, start, count)
    let addresses = scratch.addresses
    for lane in 0..<count where addresses[lane] == BlockMachine.nowhere { addresses[lane] = 0 }
    switch step.type {
    case .f32:
      let target = slot(step.target, as: Float.self)
      for lane in 0..<count { target[lane] = Float(addresses[lane]) }
    case .i64:
      let target = slot(step.target, as: Int64.self)
      for lane in 0..<count { target[lane] = Int64(addresses[lane]) }
    case .f64:
      let target = slot(step.target, as: Double.self)
      for lane in 0..<count { target[lane] = Double(addresses[lane]) }
    case .i32, .bool:
      let target = slot(step.target, as: Int32.self)
      for lane in 0..<count { target[lane] = Int32(truncatingIfNeeded: addresses[lane]) }
    case .u8:
      let target = slot(step.target, as: Int32.self)
      for lane in 0..<count { target[lane] = Int32(truncatingIfNeeded: addresses[lane] & 0xff) }
    }
  }

  private func exists(_ step: PortableCode.Instruction, _ start: Int, _ count: Int) {
    let guards = accesses + step.access
    let target = slot(step.target, as: Int32.self)
    findPlaces(start)
    for lane in 0..<count {
      target[lane] = guardsHold(guards) ? -1 : 0
      advance(by: 1)
    }
  }

  private func check(_ step: PortableCode.Instruction, _ count: Int) {
    if step.type == .i64 {
      clamp(slot(step.a, as: Int64.self), slot(step.target, as: Int64.self), step, count)
    } else {
      clamp(slot(step.a, as: Int32.self), slot(step.target, as: Int32.self), step, count)
    }
  }

  @inline(__always)
  private func clamp<T: FixedWidthInteger>(
    _ source: UnsafeMutablePointer<T>, _ target: UnsafeMutablePointer<T>,
    _ step: PortableCode.Instruction, _ count: Int
  ) {
    let last = T(clamping: step.bound - 1)
    var isFaulty = false
    for lane in 0..<count {
      let index = source[lane]
      let clamped = min(max(index, 0), last)
      if clamped != index { isFaulty = true }
      target[lane] = clamped
    }
    if isFaulty { faults.report(step.fault) }
  }

  private func loadCore(_ step: PortableCode.Instruction, _ start: Int, _ count: Int) {
    let source = core.assumingMemoryBound(to: UInt32.self) + (start - coreStart)
    let target = slot(step.target, as: UInt32.self)
    for lane in 0..<count { target[lane] = source[lane] }
  }
}

// MARK: - Places in the domain

extension BlockMachine {
  /// Sets the places along each axis to those of an element.
  private func findPlaces(_ element: Int) {
    var rest = element
    for axis in stride(from: rank - 1, through: 0, by: -1) {
      scratch.places[axis] = rest % domain[axis]
      rest /= domain[axis]
    }
  }

  /// Moves the places on by elements that do not pass the end of the last axis.
  @inline(__always)
  private func advance(by count: Int) {
    var axis = rank - 1
    guard axis >= 0 else { return }
    scratch.places[axis] += count
    while axis > 0, scratch.places[axis] >= domain[axis] {
      scratch.places[axis] = 0
      axis -= 1
      scratch.places[axis] += 1
    }
  }

  /// Whether the places exist; sets the guarded ones, which lie behind them.
  private func guardsHold(_ guards: UnsafeMutablePointer<Int>) -> Bool {
    let (places, guarded) = (scratch.places, scratch.places + rank)
    for axis in 0..<rank { guarded[axis] = places[axis] }
    for index in 0..<guards[0] {
      let (axis, low) = (guards[1 + 4 * index], guards[2 + 4 * index])
      let (step, count) = (guards[3 + 4 * index], guards[4 + 4 * index])
      let distance = places[axis] - low
      guard distance >= 0, distance % step == 0, distance / step < count else { return false }
      guarded[axis] = distance / step
    }
    return true
  }

  /// Sets the address of each element of a block, or `nowhere`.
  private func findAddresses(_ access: UnsafeMutablePointer<Int>, _ start: Int, _ count: Int) {
    let guards = access + 1 + rank
    let guarded = scratch.places + rank
    findPlaces(start)
    for lane in 0..<count {
      if guardsHold(guards) {
        var address = access[0]
        for axis in 0..<rank { address += access[1 + axis] * guarded[axis] }
        scratch.addresses[lane] = address
      } else {
        scratch.addresses[lane] = BlockMachine.nowhere
      }
      advance(by: 1)
    }
  }
}
