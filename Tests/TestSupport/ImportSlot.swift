import Glibc

/// One entry of a loaded library's import table: the address where it keeps a function's address.
struct ImportSlot {
  let name: String
  let address: UnsafeMutablePointer<UInt>

  /// The slots for functions of these names, in all loaded libraries.
  static func all(named names: Set<String>) -> [ImportSlot] {
    typealias Visit =
      @convention(c) (UnsafeRawPointer, Int, UnsafeMutableRawPointer?) -> Int32
    typealias Iterate = @convention(c) (Visit, UnsafeMutableRawPointer?) -> Int32
    guard let symbol = dlsym(nil, "dl_iterate_phdr") else { return [] }
    let iterate = unsafeBitCast(symbol, to: Iterate.self)
    var objects: [LoadedObject] = []
    withUnsafeMutablePointer(to: &objects) { list in
      _ = iterate(
        { info, _, list in
          list?.assumingMemoryBound(to: [LoadedObject].self).pointee.append(LoadedObject(info))
          return 0
        }, list)
    }
    return objects.flatMap { $0.importSlots(named: names) }
  }

  /// Lifts the write protection that the loader leaves on import tables.
  func makeWritable() {
    let pageByteCount = Int(sysconf(Int32(_SC_PAGESIZE)))
    let page = UInt(bitPattern: address) & ~UInt(pageByteCount - 1)
    mprotect(UnsafeMutableRawPointer(bitPattern: page), pageByteCount, PROT_READ | PROT_WRITE)
  }
}

/// A library in memory, in the terms of the ELF format; the C module hides its types from Swift.
private struct LoadedObject {
  private let base: UInt
  private let name: String
  private let headers: UnsafeRawPointer?
  private let headerCount: Int

  init(_ info: UnsafeRawPointer) {
    base = info.load(as: UInt.self)
    name =
      info.load(fromByteOffset: 8, as: UnsafePointer<CChar>?.self).map(String.init(cString:)) ?? ""
    headers = info.load(fromByteOffset: 16, as: UnsafeRawPointer?.self)
    headerCount = Int(info.load(fromByteOffset: 24, as: UInt16.self))
  }

  func importSlots(named names: Set<String>) -> [ImportSlot] {
    // The kernel's own object imports nothing, and its tables hold unrelocated addresses.
    guard !name.contains("vdso") else { return [] }
    let entries = dynamicEntries()
    guard let strings = entries[Tag.strings].flatMap(pointer),
      let symbols = entries[Tag.symbols].flatMap(pointer)
    else { return [] }
    let tables = [
      (entries[Tag.relocations], entries[Tag.relocationsByteCount]),
      (entries[Tag.jumps], entries[Tag.jumpsByteCount]),
    ]
    var found: [ImportSlot] = []
    for case (let address?, let byteCount?) in tables {
      guard let table = pointer(address) else { continue }
      for offset in stride(from: 0, to: Int(byteCount), by: 24) {
        let info = table.load(fromByteOffset: offset + 8, as: UInt64.self)
        guard Self.isImport(info & 0xffff_ffff) else { continue }
        let nameOffset = symbols.load(fromByteOffset: 24 * Int(info >> 32), as: UInt32.self)
        let name = String(cString: (strings + Int(nameOffset)).assumingMemoryBound(to: CChar.self))
        let slot = base &+ table.load(fromByteOffset: offset, as: UInt.self)
        guard names.contains(name), let address = UnsafeMutablePointer<UInt>(bitPattern: slot)
        else { continue }
        found.append(ImportSlot(name: name, address: address))
      }
    }
    return found
  }

  private enum Tag {
    static let jumpsByteCount: UInt = 2
    static let strings: UInt = 5
    static let symbols: UInt = 6
    static let relocations: UInt = 7
    static let relocationsByteCount: UInt = 8
    static let jumps: UInt = 23
  }

  /// The relocations GLOB_DAT and JUMP_SLOT.
  private static func isImport(_ kind: UInt64) -> Bool {
    #if arch(arm64)
      kind == 1025 || kind == 1026
    #else
      kind == 6 || kind == 7
    #endif
  }

  /// The dynamic section as a table from tag to value.
  private func dynamicEntries() -> [UInt: UInt] {
    var entries: [UInt: UInt] = [:]
    for index in 0..<headerCount {
      guard let header = headers?.advanced(by: 56 * index), header.load(as: UInt32.self) == 2
      else { continue }
      let address = base &+ header.load(fromByteOffset: 16, as: UInt.self)
      guard var entry = UnsafeRawPointer(bitPattern: address) else { continue }
      while entry.load(as: UInt.self) != 0 {
        entries[entry.load(as: UInt.self)] = entry.load(fromByteOffset: 8, as: UInt.self)
        entry += 16
      }
    }
    return entries
  }

  /// The loader has usually added the base already.
  private func pointer(_ address: UInt) -> UnsafeRawPointer? {
    UnsafeRawPointer(bitPattern: address < base ? base &+ address : address)
  }
}
