import Synchronization

/// Where kernels report an index out of range: the least number of a fault, or none.
struct FaultCell {
  private let cell: UnsafeMutablePointer<Atomic<Int>>
  private static var none: Int { Int.max }

  /// Creates a cell in memory of its own; `deallocate` frees it.
  init() {
    cell = .allocate(capacity: 1)
    cell.initialize(to: Atomic(FaultCell.none))
  }

  func deallocate() {
    cell.deinitialize(count: 1)
    cell.deallocate()
  }

  /// Notes a fault; of several, the least number stays, so that the outcome does not depend on timing.
  func report(_ fault: Int) {
    _ = cell.pointee.min(fault, ordering: .relaxed)
  }

  /// Where the least number lies, for machine code.
  var address: UnsafeMutableRawPointer { UnsafeMutableRawPointer(cell) }

  /// Forgets what was reported.
  func clear() { cell.pointee.store(FaultCell.none, ordering: .relaxed) }

  /// The fault reported since the last `clear`, if there is one.
  var reported: Int? {
    let fault = cell.pointee.load(ordering: .relaxed)
    return fault == FaultCell.none ? nil : fault
  }
}
