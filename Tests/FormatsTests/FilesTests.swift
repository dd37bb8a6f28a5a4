import DescentFormats
import Foundation
import Testing

@Suite struct FilesTests {
  @Test func whatIsWrittenIsRead() throws {
    try withTemporaryFile("a.bin") { path in
      // Around the first guess of the buffer's size, where reading has to go on.
      for count in [0, 1, 4095, 4096, 4097, 70_000] {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 * 31) }
        try Files.write(bytes, to: path)
        #expect(try Files.read(path) == bytes)
      }
    }
  }

  @Test func writingLeavesNothingBeside() throws {
    try withTemporaryFile("a.bin") { path in
      try Files.write([1], to: path)
      try Files.write([2], to: path)
      let folder = (path as NSString).deletingLastPathComponent
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["a.bin"])
    }
  }

  @Test func filesWithoutASizeAreReadToTheirEnd() throws {
    #expect(try !Files.read("/proc/self/status").isEmpty)
  }

  @Test func failuresNameFileAndReason() throws {
    expectError("cannot open \"x.csv\": No such file or directory") { () throws(FormatError) in
      try Files.read("x.csv")
    }
    expectError("cannot read \"/\": Is a directory") { () throws(FormatError) in
      try Files.read("/")
    }
    expectError("cannot create \"nowhere/x.bin\": No such file or directory") {
      () throws(FormatError) in
      try Files.write([], to: "nowhere/x.bin")
    }
  }

  @Test func aFailedWriteLeavesTheTargetAlone() throws {
    try withTemporaryFile("folder") { path in
      try FileManager.default.createDirectory(
        atPath: path + "/inside", withIntermediateDirectories: true)
      expectError("cannot write \"\(path)\": Is a directory") { () throws(FormatError) in
        try Files.write([1], to: path)
      }
      let folder = (path as NSString).deletingLastPathComponent
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["folder"])
    }
  }
}
