import DescentCodegen
import DescentTestSupport
import Testing

@Suite struct RegisterAllocationTests {
  /// A random straight line, whose values are used near and far.
  private func line(
    _ random: inout SplitMix64, count: Int
  ) -> (steps: [AllocationStep], banks: [RegisterBank], live: Set<VirtualRegister>) {
    var banks: [RegisterBank] = []
    var steps: [AllocationStep] = []
    for index in 0..<count {
      let bank: RegisterBank = random.next() % 5 == 0 ? .mask : .vector
      var uses: [VirtualRegister] = []
      for _ in 0..<Int(random.next() % 4) where index > 0 {
        let reach = random.next() % 3 == 0 ? index : min(index, 6)
        uses.append(VirtualRegister(index - 1 - Int(random.next() % UInt64(reach))))
      }
      banks.append(bank)
      let isDestructive =
        random.next() % 3 == 0 && uses.first.map { banks[Int($0)] == bank } ?? false
      steps.append(
        AllocationStep(uses: uses, result: VirtualRegister(index), isDestructive: isDestructive))
    }
    return (steps, banks, [VirtualRegister(count - 1)])
  }

  private let pools: [[RegisterBank: [UInt8]]] = [
    [.vector: Array(0..<32), .mask: Array(2..<8)],
    [.vector: [28, 29, 30, 31], .mask: [2, 3, 4, 5]],
    [.vector: Array(0..<6), .mask: [1, 2, 3, 4]],
  ]

  @Test func everyRandomLineKeepsItsMeaning() {
    for seed in 0..<600 as Range<UInt64> {
      var random = SplitMix64(seed: seed)
      let (steps, banks, live) = line(&random, count: 5 + Int(seed % 60))
      for pools in pools {
        let allocation = RegisterAllocation(
          steps: steps, banks: banks, pools: pools, live: live)
        let fault = allocation.fault(steps: steps, banks: banks, pools: pools, live: live)
        #expect(fault == nil, "seed \(seed): \(fault ?? "")")
      }
    }
  }

  @Test func theCheckerSeesWrongRegisters() {
    var caught = 0
    var tried = 0
    for seed in 0..<100 as Range<UInt64> {
      var random = SplitMix64(seed: seed)
      let (steps, banks, live) = line(&random, count: 30)
      var allocation = RegisterAllocation(
        steps: steps, banks: banks, pools: pools[1], live: live)
      let index = Int(random.next() % UInt64(allocation.actions.count))
      guard case .operation(let position, var uses, let result) = allocation.actions[index],
        !uses.isEmpty
      else { continue }
      tried += 1
      uses[0] = uses[0] ^ 1
      allocation.actions[index] = .operation(position, uses: uses, result: result)
      if allocation.fault(steps: steps, banks: banks, pools: pools[1], live: live) != nil {
        caught += 1
      }
    }
    #expect(tried > 30)
    #expect(caught == tried)
  }

  @Test func nothingIsSpilledWhereRegistersSuffice() {
    let steps = (0..<8).map { index in
      AllocationStep(
        uses: index == 0 ? [] : [VirtualRegister(index - 1)], result: VirtualRegister(index))
    }
    let allocation = RegisterAllocation(
      steps: steps, banks: Array(repeating: .vector, count: 8), pools: [.vector: [3]], live: [7])
    #expect(allocation.slotCount == 0)
    #expect(allocation.outcome == [7: 3])
  }
}
