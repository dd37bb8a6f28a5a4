import Foundation

/// The assembler of the system, asked for the bytes of instructions in Intel's syntax.
///
/// Used to write the frozen rows and by the fuzzer; the normal tests need nothing outside.
enum OutsideAssembler {
  /// Returns the bytes of each instruction.
  static func bytes(of texts: [String]) throws -> [[UInt8]] {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("descent-assembler-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try source(of: texts).write(
      to: folder.appendingPathComponent("in.s"), atomically: true, encoding: .utf8)
    try run("as", ["-W", "-o", "out.o", "in.s"], in: folder)
    let code = try section(".text", in: folder)
    let sizes = try section(".sizes", in: folder)
    var offset = 0
    return sizes.map { size in
      defer { offset += Int(size) }
      return Array(code[offset..<offset + Int(size)])
    }
  }

  /// Each instruction's length goes to a section of its own, so that the code can be cut apart.
  private static func source(of texts: [String]) -> String {
    var source = ".intel_syntax noprefix\n.section .sizes,\"a\"\n.text\n"
    for text in texts {
      source += "1: \(text)\n2: .pushsection .sizes\n.byte 2b - 1b\n.popsection\n"
    }
    return source
  }

  private static func section(_ name: String, in folder: URL) throws -> [UInt8] {
    try run("objcopy", ["-O", "binary", "-j", name, "out.o", "out.bin"], in: folder)
    return Array(try Data(contentsOf: folder.appendingPathComponent("out.bin")))
  }

  private static func run(_ tool: String, _ arguments: [String], in folder: URL) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [tool] + arguments
    process.currentDirectoryURL = folder
    try process.run()
    process.waitUntilExit()
    struct Failure: Error { let command: String }
    if process.terminationStatus != 0 {
      throw Failure(command: "\(tool) \(arguments.joined(separator: " "))")
    }
  }
}
