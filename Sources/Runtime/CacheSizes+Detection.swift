package import DescentCodegen

extension CacheSizes {
  /// The caches of the processor this process runs on.
  ///
  /// The processor is asked first, then the system. What both keep to themselves is taken to be modest.
  package static let detected: CacheSizes =
    processorAnswer() ?? CacheSizes(systemFiles: CPUTopology.contents(ofFile:)) ?? .modest

  private static func processorAnswer() -> CacheSizes? {
    guard let processor = try? CPUID() else { return nil }
    // AMD answers elsewhere than Intel, and says in bit 22 that it does.
    let lastExtendedLeaf = processor.leaf(0x8000_0000).eax
    let isExtended =
      lastExtendedLeaf >= 0x8000_001D && processor.leaf(0x8000_0001).ecx >> 22 & 1 == 1
    guard isExtended || processor.leaf(0).eax >= 4 else { return nil }
    let leaf: UInt32 = isExtended ? 0x8000_001D : 4
    return CacheSizes((0..<16).map { processor.leaf(leaf, $0) })
  }

  /// Reads the sizes off the processor's answers, one a cache; nil where a first or second level is missing.
  package init?(_ leaves: [CPUIDLeaf]) {
    self.init(
      caches: leaves.map { leaf in
        let ways = Int(leaf.ebx >> 22) + 1
        let partitions = Int(leaf.ebx >> 12 & 0x3FF) + 1
        let line = Int(leaf.ebx & 0xFFF) + 1
        // Types 1 and 3 hold data: 2 is for instructions, 0 ends the list.
        let holdsData = [1, 3].contains(leaf.eax & 31)
        return (
          level: holdsData ? Int(leaf.eax >> 5 & 7) : 0,
          byteCount: ways * partitions * line * (Int(leaf.ecx) + 1), line: line
        )
      })
  }

  /// Reads the sizes off the system's files; nil where a first or second level is missing.
  package init?(systemFiles read: (String) -> String?) {
    self.init(
      caches: (0..<8).compactMap { index in
        let folder = "/sys/devices/system/cpu/cpu0/cache/index\(index)"
        func word(_ name: String) -> Substring? {
          read("\(folder)/\(name)")?.split(whereSeparator: \.isWhitespace).first
        }
        guard let type = word("type"), type != "Instruction",
          let level = word("level").flatMap({ Int($0) }),
          let size = word("size"), size.hasSuffix("K"), let kibibytes = Int(size.dropLast()),
          (1...(1 << 30)).contains(kibibytes)
        else { return nil }
        let line = word("coherency_line_size").flatMap { Int($0) } ?? CacheSizes.modest.line
        return (level: level, byteCount: kibibytes << 10, line: line)
      })
  }

  private init?(caches: [(level: Int, byteCount: Int, line: Int)]) {
    guard let first = caches.first(where: { $0.level == 1 }),
      let second = caches.first(where: { $0.level == 2 })
    else { return nil }
    let third = caches.first { $0.level == 3 }
    self.init(
      level1: first.byteCount, level2: second.byteCount, level3: third?.byteCount ?? 0,
      line: first.line)
  }
}
