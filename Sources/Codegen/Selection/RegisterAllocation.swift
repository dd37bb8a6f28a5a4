/// A register before allocation: the number of a value in a straight line of machine operations.
package typealias VirtualRegister = Int32

/// The two kinds of registers that hold values of a kernel's elements.
package enum RegisterBank: UInt8, Hashable, Sendable, CaseIterable {
  /// One number an element.
  case vector
  /// One truth value an element; only where the machine has mask registers.
  case mask
}

/// What the allocator needs to know of one machine operation.
package struct AllocationStep: Hashable, Sendable {
  /// The registers it reads.
  package var uses: [VirtualRegister]
  /// The register it defines, if any.
  package var result: VirtualRegister?
  /// Whether the machine writes the result over the first use.
  package var isDestructive: Bool

  package init(uses: [VirtualRegister], result: VirtualRegister?, isDestructive: Bool = false) {
    self.uses = uses
    self.result = result
    self.isDestructive = isDestructive
  }
}

/// Registers of the machine for a straight line of operations.
package struct RegisterAllocation: Hashable, Sendable {
  /// One action, in the order in which code is emitted.
  package enum Action: Hashable, Sendable {
    /// The operation of a position, with the registers of its uses and of its result.
    case operation(Int, uses: [UInt8], result: UInt8?)
    /// A register's content goes to a slot on the stack.
    case spill(RegisterBank, from: UInt8, slot: Int)
    /// A slot's content comes back.
    case reload(RegisterBank, to: UInt8, slot: Int)
    /// A register's content is copied, because an operation would overwrite what is still needed.
    case move(RegisterBank, to: UInt8, from: UInt8)
  }

  /// The actions in order.
  package var actions: [Action] = []
  /// The number of stack slots in use.
  package var slotCount = 0
  /// Where each value that outlives the line ends up.
  package var outcome: [VirtualRegister: UInt8] = [:]
}

extension RegisterAllocation {
  /// Allocates registers to a straight line.
  ///
  /// A value stays in its register until its last use. When none is free, the value whose next use is farthest away
  /// goes to the stack (Belady, 1966): in a straight line that is the fewest reloads. A value is written to the stack
  /// once at most, since it never changes.
  ///
  /// - Parameters:
  ///   - steps: The operations.
  ///   - banks: The bank of each virtual register.
  ///   - pools: The machine registers of each bank that may be used, in order of preference.
  ///   - fixed: Values that are in registers from the start; they are not in the pools until they die.
  ///   - live: Values that are still needed after the line.
  package init(
    steps: [AllocationStep], banks: [RegisterBank], pools: [RegisterBank: [UInt8]],
    fixed: [VirtualRegister: UInt8] = [:], live: Set<VirtualRegister> = []
  ) {
    var allocator = LinearScan(
      steps: steps, banks: banks, pools: pools, fixed: fixed, live: live)
    self = allocator.run()
  }
}

private struct LinearScan {
  let steps: [AllocationStep]
  let banks: [RegisterBank]
  let live: Set<VirtualRegister>
  /// The positions at which values are used, those of one value ascending and side by side.
  var uses: [Int]
  /// For each value, where its uses to come begin among them, and where they end.
  var next: [Int]
  var end: [Int]
  /// The registers of each bank, at its number, that hold nothing; the last is taken first.
  var free: [[UInt8]]
  /// The register and the slot of each value.
  var home: [UInt8?]
  var slot: [Int?]
  /// The values in registers, in the order in which they came there.
  var resident: [VirtualRegister] = []
  var allocation = RegisterAllocation()

  init(
    steps: [AllocationStep], banks: [RegisterBank], pools: [RegisterBank: [UInt8]],
    fixed: [VirtualRegister: UInt8], live: Set<VirtualRegister>
  ) {
    self.steps = steps
    self.banks = banks
    self.live = live
    home = Array(repeating: nil, count: banks.count)
    slot = Array(repeating: nil, count: banks.count)
    free = RegisterBank.allCases.map { (pools[$0] ?? []).reversed() }
    next = Array(repeating: 0, count: banks.count)
    for step in steps {
      for use in step.uses { next[Int(use)] += 1 }
    }
    var count = 0
    for value in next.indices {
      (next[value], count) = (count, count + next[value])
    }
    uses = Array(repeating: 0, count: count)
    end = next
    for (position, step) in steps.enumerated() {
      for use in step.uses {
        uses[end[Int(use)]] = position
        end[Int(use)] += 1
      }
    }
    for (register, machine) in fixed.sorted(by: { $0.key < $1.key }) {
      home[Int(register)] = machine
      resident.append(register)
    }
  }

  mutating func run() -> RegisterAllocation {
    for (position, step) in steps.enumerated() {
      for use in step.uses { bringIn(use, keeping: step.uses) }
      var registers = step.uses.map { register(of: $0) }
      for use in step.uses { next[Int(use)] += 1 }
      let first = step.uses.first
      var result: UInt8?
      if let value = step.result {
        if step.isDestructive, let first {
          result = overwritten(first, by: value, step)
          registers[0] = result ?? registers[0]
          for (index, use) in step.uses.enumerated() where index > 0 && use == first {
            // The copy holds the same value, and the original may be gone.
            registers[index] = registers[0]
          }
          retire(step.uses)
        } else {
          retire(step.uses)
          result = place(value, keeping: [])
        }
      } else {
        retire(step.uses)
      }
      allocation.actions.append(.operation(position, uses: registers, result: result))
      if let value = step.result, nextUse(of: value) == nil, !live.contains(value) { drop(value) }
    }
    for value in live.sorted() {
      bringIn(value, keeping: [])
      allocation.outcome[value] = register(of: value)
    }
    return allocation
  }

  private func register(of value: VirtualRegister) -> UInt8 {
    guard let register = home[Int(value)] else {
      preconditionFailure("value \(value) is used before it is defined")
    }
    return register
  }

  private func nextUse(of value: VirtualRegister) -> Int? {
    let index = next[Int(value)]
    return index < end[Int(value)] ? uses[index] : nil
  }

  /// Frees the registers of values that are not needed any more.
  private mutating func retire(_ values: [VirtualRegister]) {
    for value in values
    where home[Int(value)] != nil && nextUse(of: value) == nil && !live.contains(value) {
      drop(value)
    }
  }

  private mutating func drop(_ value: VirtualRegister) {
    guard let register = home[Int(value)] else { return }
    free[Int(banks[Int(value)].rawValue)].append(register)
    home[Int(value)] = nil
    resident.removeAll { $0 == value }
  }

  /// Gives a destructive operation's result the register of its first use, or a copy of it.
  private mutating func overwritten(
    _ first: VirtualRegister, by value: VirtualRegister, _ step: AllocationStep
  ) -> UInt8 {
    let from = register(of: first)
    if nextUse(of: first) == nil, !live.contains(first) {
      home[Int(first)] = nil
      resident.removeAll { $0 == first }
      home[Int(value)] = from
      resident.append(value)
      return from
    }
    let to = place(value, keeping: step.uses)
    allocation.actions.append(.move(banks[Int(value)], to: to, from: register(of: first)))
    return to
  }

  /// Makes sure that a value is in a register.
  private mutating func bringIn(_ value: VirtualRegister, keeping others: [VirtualRegister]) {
    guard home[Int(value)] == nil else { return }
    guard let slot = slot[Int(value)] else {
      preconditionFailure("value \(value) is used before it is defined")
    }
    let register = place(value, keeping: others)
    allocation.actions.append(.reload(banks[Int(value)], to: register, slot: slot))
  }

  /// Gives a value a free register, making one free if there is none.
  private mutating func place(_ value: VirtualRegister, keeping: [VirtualRegister]) -> UInt8 {
    let bank = banks[Int(value)]
    if free[Int(bank.rawValue)].isEmpty { evict(bank, keeping: keeping) }
    let register = free[Int(bank.rawValue)].removeLast()
    home[Int(value)] = register
    resident.append(value)
    return register
  }

  private mutating func evict(_ bank: RegisterBank, keeping: [VirtualRegister]) {
    var victim: VirtualRegister?
    var farthest = -1
    for value in resident where banks[Int(value)] == bank && !keeping.contains(value) {
      // What is needed only after the line is needed last of all.
      let next = nextUse(of: value) ?? Int.max
      if next > farthest { (victim, farthest) = (value, next) }
    }
    guard let victim else { preconditionFailure("no \(bank) register can be freed") }
    let register = register(of: victim)
    if slot[Int(victim)] == nil {
      slot[Int(victim)] = allocation.slotCount
      allocation.actions.append(.spill(bank, from: register, slot: allocation.slotCount))
      allocation.slotCount += 1
    }
    home[Int(victim)] = nil
    resident.removeAll { $0 == victim }
    free[Int(bank.rawValue)].append(register)
  }
}
