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
}
