import DescentRuntime
import Glibc

/// What a system can refuse so that neither way is left.
enum Refusal: CaseIterable {
  case mapping, sealingAndFiles, sealingAndFullFiles, sealingAndExecutableFiles
}

extension MappingCalls {
  /// A system on which no page becomes executable.
  static var withoutSealing: MappingCalls {
    var calls = MappingCalls.system
    calls.protect = { _, _, _ in false }
    return calls
  }

  static func refusing(_ refusal: Refusal) -> MappingCalls {
    var calls = MappingCalls.withoutSealing
    let map = calls.map
    switch refusal {
    case .mapping: calls.map = { _, _, _ in nil }
    case .sealingAndFiles: calls.createFile = { nil }
    case .sealingAndFullFiles: calls.createFile = { open("/dev/full", O_WRONLY) }
    case .sealingAndExecutableFiles:
      calls.map = { $1 & PROT_EXEC == 0 ? map($0, $1, $2) : nil }
    }
    return calls
  }
}
