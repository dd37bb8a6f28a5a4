import DescentGraph
import Foundation
import Testing

@Suite struct TypeCheckTests {
  /// The compiler, if it is on the path.
  static let compiler: URL? = ProcessInfo.processInfo.environment["PATH", default: ""]
    .split(separator: ":")
    .map { URL(fileURLWithPath: "\($0)/swiftc") }
    .first { FileManager.default.isExecutableFile(atPath: $0.path) }

  /// Where the build that is being tested left its modules.
  static let modules: URL? = {
    let build = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
      .deletingLastPathComponent()
    let modules = build.appendingPathComponent("Modules")
    let graph = modules.appendingPathComponent("DescentGraph.swiftmodule")
    return FileManager.default.fileExists(atPath: graph.path) ? modules : nil
  }()

  @Test(.enabled(if: compiler != nil && modules != nil))
  func everyExpressionTakesLessThanASecond() throws {
    let process = Process()
    process.executableURL = Self.compiler
    let limits = ["expression-type-checking", "function-bodies"]
      .flatMap { ["-Xfrontend", "-warn-long-\($0)=1000"] }
    let expressions = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("MixedLiterals.swift")
    process.arguments =
      ["-typecheck", "-swift-version", "6", "-warnings-as-errors", "-I", Self.modules?.path ?? ""]
      + limits + [expressions.path]
    let output = Pipe()
    process.standardOutput = output
    process.standardError = output
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 0, "\(text)")
  }

  @Test func wholeNumbersCountAsRealOnes() throws {
    let make = { (body: @escaping (Tensor) -> Tensor) in
      Graph("g") { g in g.output("y", body(g.input("x", [3]))) }
    }
    #expect(make { 1 / (1 + exp(-$0)) } == make { 1.0 / (1.0 + exp(-$0)) })
    #expect(make { $0 * 2 - 3 } == make { $0 * 2.0 - Float(3) })
    #expect(make { 5 - $0 / 4 + 1 } == make { Float(5) - $0 / 4.0 + 1.0 })
    #expect(make { 2 * ($0 - 1) } == make { 2.0 * ($0 - 1.0) })
  }
}
