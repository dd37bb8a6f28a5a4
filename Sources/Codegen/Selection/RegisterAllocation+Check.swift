// The independent checker of register allocations. It follows which value each machine register and each stack
// slot holds, and knows nothing of how the allocation was found.

extension RegisterAllocation {
  /// Returns the first way in which the allocation computes something else than the steps, or nil.
  package func fault(
    steps: [AllocationStep], banks: [RegisterBank], pools: [RegisterBank: [UInt8]],
    fixed: [VirtualRegister: UInt8] = [:], live: Set<VirtualRegister> = []
  ) -> String? {
    var registers: [Place: VirtualRegister] = [:]
    var slots: [Int: VirtualRegister] = [:]
    for (value, register) in fixed {
      registers[Place(bank: banks[Int(value)], register: register)] = value
    }
    let allowed = { (bank: RegisterBank, register: UInt8) in
      pools[bank, default: []].contains(register)
        || fixed.contains { $0.value == register && banks[Int($0.key)] == bank }
    }
    var expected = 0
    for action in actions {
      switch action {
      case .spill(let bank, let from, let slot):
        guard let value = registers[Place(bank: bank, register: from)] else {
          return "register \(from) is spilled but holds nothing"
        }
        slots[slot] = value
      case .reload(let bank, let to, let slot):
        guard allowed(bank, to), let value = slots[slot] else {
          return "slot \(slot) is reloaded to register \(to) but holds nothing"
        }
        registers[Place(bank: bank, register: to)] = value
      case .move(let bank, let to, let from):
        guard allowed(bank, to), let value = registers[Place(bank: bank, register: from)] else {
          return "register \(from) is copied but holds nothing"
        }
        registers[Place(bank: bank, register: to)] = value
      case .operation(let position, let uses, let result):
        guard position == expected else { return "step \(expected) is missing" }
        expected += 1
        let step = steps[position]
        for (use, register) in zip(step.uses, uses) {
          let held = registers[Place(bank: banks[Int(use)], register: register)]
          guard held == use else {
            return
              "step \(position) reads value \(use) from register \(register), which holds \(held.map(String.init) ?? "nothing")"
          }
        }
        guard let value = step.result else { continue }
        guard let result, allowed(banks[Int(value)], result) else {
          return "step \(position) has no register for its result"
        }
        if step.isDestructive, uses.first != result {
          return "step \(position) overwrites its first operand, but its result is elsewhere"
        }
        registers[Place(bank: banks[Int(value)], register: result)] = value
      }
    }
    guard expected == steps.count else { return "step \(expected) is missing" }
    for value in live {
      guard let register = outcome[value],
        registers[Place(bank: banks[Int(value)], register: register)] == value
      else { return "value \(value) is not where it should be at the end" }
    }
    return nil
  }
}

/// A machine register.
private struct Place: Hashable {
  let bank: RegisterBank
  let register: UInt8
}
