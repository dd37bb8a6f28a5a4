// In which order a body does what it does, and in which forms.

extension LoopSplit {
  /// From this duration on, in cycles, the vector behind a vector begins too late.
  static let longChain = 40

  /// Returns a body with its stores, in an order and forms for the machine.
  func ordered(
    _ plain: Body, _ stores: [MachineOperation], _ early: Set<Int>, isInterleaved: Bool
  ) -> Body {
    var body = plain
    if isInterleaved {
      body.operations = LoopSplit.interleaved(body.operations, count: banks.count)
    }
    body.operations = LoopSplit.storing(stores, early, in: body.operations)
    body.operations = LoopSplit.choosingForms(
      body.operations, live: Set(body.results.joined() + kept), count: banks.count)
    return body
  }

  /// Returns operations with the stores at their end, but for those of some numbers, which stand behind the operation
  /// that defines what they store.
  private static func storing(
    _ stores: [MachineOperation], _ early: Set<Int>, in operations: [MachineOperation]
  ) -> [MachineOperation] {
    guard !early.isEmpty else { return operations + stores }
    var waiting: [VirtualRegister: [MachineOperation]] = [:]
    for store in stores where store.store.map({ early.contains($0.number) }) == true {
      waiting[store.uses[0], default: []].append(store)
    }
    let body = operations.flatMap { operation in
      [operation] + (operation.result.flatMap { waiting.removeValue(forKey: $0) } ?? [])
    }
    // What is defined before the loop is stored at its end, too.
    return body
      + stores.filter { store in
        waiting[store.uses[0]] != nil || store.store.map { early.contains($0.number) } == false
      }
  }

  /// Returns the operations in the order in which a machine without limits would begin them.
  ///
  /// A processor looks only so far ahead: chains that do not depend on each other should be near each other.
  private static func interleaved(
    _ operations: [MachineOperation], count: Int
  ) -> [MachineOperation] {
    let starts = schedule(operations, count: count).map(\.start)
    return operations.indices.sorted { (starts[$0], $0) < (starts[$1], $1) }.map { operations[$0] }
  }

  /// Returns when a machine without limits would begin and end each operation, in cycles.
  private static func schedule(
    _ operations: [MachineOperation], count: Int
  ) -> [(start: Int, end: Int)] {
    // About as they are on today's processors.
    let (latency, divisionLatency) = (4, 12)
    var ready = [Int](repeating: 0, count: count)
    return operations.map { operation in
      var start = 0
      operation.forEachUse { start = max(start, ready[Int($0)]) }
      let isDivision = operation.mnemonic == .vdivps || operation.mnemonic == .vdivpd
      let end = start + (isDivision ? divisionLatency : latency)
      if let result = operation.result { ready[Int(result)] = end }
      return (start, end)
    }
  }

  /// Returns the cycles that a machine without limits would take.
  static func duration(of operations: [MachineOperation], count: Int) -> Int {
    schedule(operations, count: count).reduce(0) { max($0, $1.end) }
  }
}

// MARK: - Forms

extension LoopSplit {
  /// Chooses among the forms of fused multiply-adds one that overwrites an operand nobody needs any more.
  private static func choosingForms(
    _ operations: [MachineOperation], live: Set<VirtualRegister>, count: Int
  ) -> [MachineOperation] {
    var lastUse = [Int](repeating: -1, count: count)
    for (position, operation) in operations.enumerated() {
      operation.forEachUse { lastUse[Int($0)] = position }
    }
    return operations.enumerated().map { position, operation in
      operation.overwriting { lastUse[Int($0)] == position && !live.contains($0) }
    }
  }
}

extension MachineOperation {
  /// Returns an equal operation whose first operand dies, if there is one.
  ///
  /// Of operands a, b, c the forms compute: 213 b·a + c, 231 b·c + a, 132 a·c + b.
  fileprivate func overwriting(_ dies: (VirtualRegister) -> Bool) -> MachineOperation {
    let (x, y, z): (Source, Source, Source)
    switch mnemonic {
    case .vfmadd213ps: (x, y, z) = (operands[0], operands[1], operands[2])
    case .vfmadd231ps: (x, y, z) = (operands[1], operands[2], operands[0])
    default: return self
    }
    let forms: [6 of (Mnemonic, Source, Source, Source)] = [
      (.vfmadd213ps, x, y, z), (.vfmadd213ps, y, x, z), (.vfmadd231ps, z, x, y),
      (.vfmadd231ps, z, y, x), (.vfmadd132ps, x, z, y), (.vfmadd132ps, y, z, x),
    ]
    for index in forms.indices {
      let (mnemonic, first, second, third) = forms[index]
      guard case .register(let register) = first, case .register = second, dies(register)
      else { continue }
      // What is overwritten must not be read a second time.
      guard second != first, third != first else { continue }
      var copy = self
      (copy.mnemonic, copy.operands) = (mnemonic, [first, second, third])
      return copy
    }
    return self
  }
}
