/// The gzip container (RFC 1952): deflate streams with a name, a checksum and a size.
package enum Gzip {
  /// The size beyond which inflating stops, unless the caller says otherwise.
  package static let defaultLimit: Int = 1 << 31

  /// Whether bytes begin like a gzip file.
  package static func isGzip(_ bytes: [UInt8]) -> Bool {
    bytes.starts(with: [0x1f, 0x8b])
  }

  /// Returns the contents of a file that may or may not be compressed, told by its first bytes.
  package static func readFile(_ path: String) throws(FormatError) -> [UInt8] {
    try decompressIfNeeded(try Files.read(path), name: path)
  }

  /// Returns bytes as they are, or decompressed where they are gzip.
  package static func decompressIfNeeded(_ bytes: [UInt8], name: String) throws(FormatError)
    -> [UInt8]
  {
    isGzip(bytes) ? try decompress(bytes, name: name) : bytes
  }

  /// Returns what all members of a gzip file hold, one after the other.
  package static func decompress(
    _ bytes: [UInt8], name: String, limit: Int = defaultLimit
  ) throws(FormatError) -> [UInt8] {
    var output: [UInt8] = []
    var position = 0
    repeat {
      position = try skipHeader(bytes, at: position, name: name)
      let member = try Inflate(
        bytes, at: position, limit: limit, used: output.count, source: name)
      position = try checkTrailer(bytes, at: member.position, of: member.output, name: name)
      output += member.output
      // Tapes and disk images pad with zeros.
      if bytes[position...].allSatisfy({ $0 == 0 }) { break }
      guard bytes[position...].starts(with: [0x1f, 0x8b]) else {
        throw .gzipGarbage(bytes.count - position, in: name)
      }
    } while true
    return output
  }

  // MARK: Header and trailer

  private static let headerChecksum: UInt8 = 1 << 1
  private static let extraField: UInt8 = 1 << 2
  private static let fileName: UInt8 = 1 << 3
  private static let comment: UInt8 = 1 << 4

  /// Returns the position behind a member's header.
  private static func skipHeader(_ bytes: [UInt8], at start: Int, name: String) throws(FormatError)
    -> Int
  {
    guard bytes[start...].starts(with: [0x1f, 0x8b]) else {
      throw .gzipMagic(bytes[start...], in: name)
    }
    guard bytes.count - start >= 10 else { throw .gzipTruncated(in: name) }
    guard bytes[start + 2] == 8 else { throw .gzipMethod(bytes[start + 2], in: name) }
    let flags = bytes[start + 3]
    guard flags & 0xe0 == 0 else { throw .gzipFlags(flags, in: name) }

    var position = start + 10
    if flags & extraField != 0 {
      guard bytes.count - position >= 2 else { throw .gzipTruncated(in: name) }
      position += 2 + Int(bytes.little16(at: position))
      guard position <= bytes.count else { throw .gzipTruncated(in: name) }
    }
    for text in [fileName, comment] where flags & text != 0 {
      guard let end = bytes[position...].firstIndex(of: 0) else { throw .gzipTruncated(in: name) }
      position = end + 1
    }
    if flags & headerChecksum != 0 {
      guard bytes.count - position >= 2 else { throw .gzipTruncated(in: name) }
      let stated = UInt32(bytes.little16(at: position))
      var check = CRC32()
      check.update(bytes[start..<position])
      guard check.value & 0xffff == stated else {
        throw .gzipHeaderChecksum(check.value & 0xffff, stated, in: name)
      }
      position += 2
    }
    return position
  }

  /// Returns the position behind a member's trailer once checksum and size agree with it.
  private static func checkTrailer(
    _ bytes: [UInt8], at position: Int, of output: [UInt8], name: String
  ) throws(FormatError) -> Int {
    guard bytes.count - position >= 8 else { throw .gzipTruncated(in: name) }
    var check = CRC32()
    check.update(output)
    let checksum = bytes.little32(at: position)
    guard check.value == checksum else { throw .gzipChecksum(check.value, checksum, in: name) }
    let size = UInt32(truncatingIfNeeded: output.count)
    let stated = bytes.little32(at: position + 4)
    guard size == stated else { throw .gzipSize(size, stated, in: name) }
    return position + 8
  }
}
