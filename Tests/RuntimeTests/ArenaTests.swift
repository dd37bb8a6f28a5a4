import DescentRuntime
import Foundation
import Testing

@Suite struct ArenaTests {
  @Test(arguments: [0, 1, 63, 4096, 4097, 100_000, 4 << 20, (4 << 20) + 1, 9_000_001])
  func memoryIsAlignedZeroedAndWritable(byteCount: Int) throws {
    let arena = try Arena(byteCount: byteCount)
    #expect(arena.byteCount == byteCount)
    #expect(Int(bitPattern: arena.base) % 4096 == 0)
    #expect(arena.check(0..<byteCount, for: 0) == nil)
    arena.fill(0..<byteCount, with: Poison.dead)
    #expect(arena.check(0..<byteCount, for: Poison.dead) == nil)
  }

  @Test func largeRegionsBeginAtHugePages() throws {
    for byteCount in [4 << 20, 5_000_000] {
      let arena = try Arena(byteCount: byteCount)
      #expect(Int(bitPattern: arena.base) % (2 << 20) == 0)
    }
  }

  @Test func memoryIsReturned() async {
    await #expect(processExitsWith: .success) {
      let before = try mappedPageCount()
      for _ in 0..<100 {
        _ = try Arena(byteCount: 64 << 20)
        _ = try Arena(byteCount: 1 << 20)
      }
      #expect(try mappedPageCount() - before < 256)
    }
  }

  @Test(arguments: [Int.max, Int.max - 5000, 1 << 60])
  func tooMuchIsRefusedWithTheNumber(byteCount: Int) {
    let error = #expect(throws: RuntimeError.self) { _ = try Arena(byteCount: byteCount) }
    #expect(
      error?.description
        == """
        error: arena: the system refused \(byteCount) bytes of memory
          hint: a smaller batch needs less
        """)
  }

  @Test func aNegativeSizeIsRefused() {
    let error = #expect(throws: RuntimeError.self) { _ = try Arena(byteCount: -1) }
    #expect(
      error?.description == "error: arena: expected a byte count of at least 0, found -1")
  }
}

/// The size of this process's address space in pages.
private func mappedPageCount() throws -> Int {
  let text = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
  return try #require(text.split(separator: " ").first.flatMap { Int($0) })
}

@Suite struct PoisonTests {
  @Test func patternsAreNaNInBothWidths() {
    for pattern in [Poison.dead, Poison.redZone] {
      #expect(Float(bitPattern: pattern).isNaN)
      #expect(Double(bitPattern: UInt64(pattern) << 32 | UInt64(pattern)).isNaN)
    }
    #expect(Poison.dead != Poison.redZone)
  }

  @Test func wordsHoldThePatternWhereverTheRangeBegins() throws {
    let arena = try Arena(byteCount: 64)
    arena.fill(3..<41, with: 0x4433_2211)
    for offset in stride(from: 4, to: 40, by: 4) {
      #expect(arena.base.load(fromByteOffset: offset, as: UInt32.self) == 0x4433_2211)
    }
    #expect(arena.base.load(fromByteOffset: 0, as: UInt32.self) == 0x4400_0000)
    #expect(arena.base.load(fromByteOffset: 40, as: UInt32.self) == 0x0000_0011)
  }

  @Test func everyChangedByteIsFound() throws {
    let arena = try Arena(byteCount: 64)
    for lower in 0..<6 {
      for upper in lower..<40 {
        arena.fill(lower..<upper, with: Poison.redZone)
        #expect(arena.check(lower..<upper, for: Poison.redZone) == nil)
        for offset in lower..<upper {
          let old = arena.base.load(fromByteOffset: offset, as: UInt8.self)
          arena.base.storeBytes(of: ~old, toByteOffset: offset, as: UInt8.self)
          #expect(arena.check(lower..<upper, for: Poison.redZone) == offset)
          arena.base.storeBytes(of: old, toByteOffset: offset, as: UInt8.self)
        }
      }
    }
  }

  @Test func aRangeOutsideTraps() async {
    await #expect(processExitsWith: .failure) {
      try Arena(byteCount: 64).fill(60..<65, with: 0)
    }
  }
}
