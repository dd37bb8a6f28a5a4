import DescentCodegen

// What is said where machine code cannot be had.
extension RuntimeError {
  static func executableMemoryRefused(byteCount: Int) -> RuntimeError {
    RuntimeError(
      "machine code: the system refused \(byteCount) bytes of executable memory",
      hint: "DESCENT_BACKEND=portable needs none")
  }

  static func noMachineCode() -> RuntimeError {
    RuntimeError(
      "machine code: this CPU is not an x86-64", hint: "DESCENT_BACKEND=portable runs everywhere")
  }

  static func unknownBackend(_ name: String) -> RuntimeError {
    let names = Backend.allCases.map(\.rawValue)
    return RuntimeError(
      "backend: there is no backend \"\(name)\"",
      hint: "\(Backend.variable) is one of \(names.joined(separator: ", "))")
  }

  static func unsupportedBackend(_ backend: Backend, features: CPUFeatures) -> RuntimeError {
    let names = Backend.allCases.filter { $0.runs(on: features) }.map(\.rawValue)
    return RuntimeError(
      "backend: this CPU has no \(backend.rawValue)",
      hint: "it runs \(names.joined(separator: ", "))")
  }
}
