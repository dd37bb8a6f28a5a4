import DescentCodegen
import DescentRuntime
import Foundation
import Testing

@Suite struct CPUDetectionTests {
  /// All extensions, with the system's support for every register.
  private static let basic = CPUIDLeaf(ecx: 1 << 29 | 1 << 28 | 1 << 27 | 1 << 12)
  private static let extended = CPUIDLeaf(ebx: 1 << 31 | 1 << 30 | 1 << 17 | 1 << 16 | 1 << 5)
  private static let savedState: UInt64 = 0xE7
  private static let all: CPUFeatures = [.avx512Backend, .f16c]

  private func features(savedState: UInt64, isXSAVEEnabled: Bool = true) -> CPUFeatures {
    var basic = Self.basic
    if !isXSAVEEnabled { basic.ecx &= ~(1 << 27) }
    return CPUFeatures(basic: basic, extended: Self.extended, savedState: savedState)
  }

  @Test func registersTheSystemDoesNotSaveCountAsMissing() {
    #expect(features(savedState: 0xE7) == Self.all)
    #expect(features(savedState: 0xE7, isXSAVEEnabled: false) == [])
    for halves: UInt64 in [0, 0b001, 0b010, 0b100, 0b101] {
      #expect(features(savedState: halves) == [])
      #expect(features(savedState: 0xE0 | halves) == [])
    }
    for state: UInt64 in [0x07, 0x27, 0x47, 0x87, 0xC7, 0xA7, 0x67] {
      #expect(features(savedState: state) == [.avx2Backend, .f16c])
    }
  }

  @Test func eachExtensionHasItsBit() {
    let bits: [(CPUFeatures, WritableKeyPath<CPUIDLeaf, UInt32>, Int, isBasic: Bool)] = [
      (.avx, \.ecx, 28, true), (.fma, \.ecx, 12, true), (.avx2, \.ebx, 5, false),
      (.f16c, \.ecx, 29, true), (.avx512f, \.ebx, 16, false), (.avx512dq, \.ebx, 17, false),
      (.avx512bw, \.ebx, 30, false), (.avx512vl, \.ebx, 31, false),
    ]
    for (feature, register, bit, isBasic) in bits {
      var (basic, extended) = (Self.basic, Self.extended)
      if isBasic { basic[keyPath: register] &= ~(1 << bit) }
      if !isBasic { extended[keyPath: register] &= ~(1 << bit) }
      let found = CPUFeatures(basic: basic, extended: extended, savedState: Self.savedState)
      #expect(found == Self.all.subtracting(feature))
    }
  }

  @Test func detectionAgreesWithTheSystem() throws {
    #if arch(x86_64)
      let text = try String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)
      let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("flags") })
      let flags = Set(line.split(whereSeparator: \.isWhitespace).map(String.init))
      let names: [(CPUFeatures, String)] = [
        (.avx, "avx"), (.avx2, "avx2"), (.fma, "fma"), (.avx512f, "avx512f"),
        (.avx512dq, "avx512dq"), (.avx512bw, "avx512bw"), (.avx512vl, "avx512vl"), (.f16c, "f16c"),
      ]
      for (feature, name) in names {
        #expect(CPUFeatures.detected.contains(feature) == flags.contains(name), "\(name)")
      }
    #else
      #expect(CPUFeatures.detected == [])
    #endif
  }
}

@Suite struct CacheSizeTests {
  @Test func answersOfTheProcessorAreRead() {
    // 48 KiB in 12 ways, instructions, 2 MiB in 16 ways, 36 MiB in 12 ways, the end.
    let leaves = [
      CPUIDLeaf(eax: 0xFC00_4121, ebx: 0x02C0_003F, ecx: 63),
      CPUIDLeaf(eax: 0xFC00_4122, ebx: 0x01C0_003F, ecx: 63),
      CPUIDLeaf(eax: 0xFC01_C143, ebx: 0x03C0_003F, ecx: 2047),
      CPUIDLeaf(eax: 0xFC1F_C163, ebx: 0x02C0_003F, ecx: 49151),
      CPUIDLeaf(),
    ]
    let sizes = CacheSizes(level1: 48 << 10, level2: 2 << 20, level3: 36 << 20, line: 64)
    #expect(CacheSizes(leaves) == sizes)
    let withoutThird = CacheSizes(Array(leaves.prefix(3)))
    #expect(withoutThird == CacheSizes(level1: 48 << 10, level2: 2 << 20, level3: 0, line: 64))
    #expect(CacheSizes(Array(leaves.prefix(2))) == nil)
    #expect(CacheSizes(Array(leaves.dropFirst())) == nil)
    #expect(CacheSizes([CPUIDLeaf]()) == nil)
  }

  private static let folder = "/sys/devices/system/cpu/cpu0/cache"
  private static let files = [
    "\(folder)/index0/level": "1\n", "\(folder)/index0/type": "Data\n",
    "\(folder)/index0/size": "64K\n", "\(folder)/index0/coherency_line_size": "128\n",
    "\(folder)/index1/level": "1\n", "\(folder)/index1/type": "Instruction\n",
    "\(folder)/index1/size": "32K\n",
    "\(folder)/index2/level": "2\n", "\(folder)/index2/type": "Unified\n",
    "\(folder)/index2/size": "1024K\n",
    "\(folder)/index3/level": "3\n", "\(folder)/index3/type": "Unified\n",
    "\(folder)/index3/size": "32768K\n",
  ]

  @Test func filesOfTheSystemAreRead() {
    let sizes = CacheSizes { Self.files[$0] }
    #expect(
      sizes == CacheSizes(level1: 64 << 10, level2: 1 << 20, level3: 32 << 20, line: 128))
    #expect(CacheSizes { _ in nil } == nil)
    for size in ["", "K", "-1K", "0K", "99999999999999999999K", "9000000000000000000K", "64"] {
      let found = CacheSizes { $0.hasSuffix("index0/size") ? size : Self.files[$0] }
      #expect(found == nil, "\(size)")
    }
  }

  @Test func detectionAgreesWithTheSystem() {
    let files = CacheSizes { try? String(contentsOfFile: $0, encoding: .utf8) }
    if let files { #expect(CacheSizes.detected == files) }
    #expect(CacheSizes.detected.level1 >= 8 << 10)
    #expect(CacheSizes.detected.level2 >= CacheSizes.detected.level1)
    #expect([32, 64, 128, 256].contains(CacheSizes.detected.line))
  }
}
