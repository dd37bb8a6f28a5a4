/// The cyclic redundancy check of gzip, zip and PNG: polynomial 0x04C11DB7, bits reflected.
package struct CRC32 {
  private var state: UInt32 = 0xffff_ffff

  /// Creates the check of no bytes.
  package init() {}

  /// The check of all bytes so far.
  package var value: UInt32 { ~state }

  /// Adds bytes to the check.
  package mutating func update(_ bytes: some Sequence<UInt8>) {
    let table = CRC32.table
    var state = state
    for byte in bytes {
      state = table[Int((state ^ UInt32(byte)) & 0xff)] ^ (state >> 8)
    }
    self.state = state
  }

  /// What eight shifts do to a state whose low byte is the index.
  private static let table: [UInt32] = (0..<256).map { index in
    (0..<8).reduce(UInt32(index)) { state, _ in
      state & 1 == 1 ? (state >> 1) ^ 0xedb8_8320 : state >> 1
    }
  }
}
