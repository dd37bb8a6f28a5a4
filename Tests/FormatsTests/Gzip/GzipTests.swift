import DescentFormats
import Testing

/// Samples made with zlib.
enum GzipSample {
  static let rose = Array("a rose is a rose is a rose".utf8)
  static let stored = hex(
    """
    1f8b0800000000000403 011a00e5ff6120726f7365206973206120726f7365206973206120726f7365
    a36d57861a000000
    """)
  static let fixed = hex(
    "1f8b0800000000000203 4b5428ca2f4e55c82c564844630100 a36d57861a000000")
  /// Header with extra field, name, comment and a checksum of its own.
  static let full = hex(
    """
    1f8b081e000000000003 0300616263 6e616d6500 6120636f6d6d656e7400 e3f7
    4b5428ca2f4e55c82c564844630100 a36d57861a000000
    """)
  static let empty = hex("1f8b0800000000000203 0300 0000000000000000")

  static let squares = Array((0..<60).map { "\($0 * $0) \($0 * $0 % 7)\n" }.joined().utf8)
  static let dynamic = hex(
    """
    1f8b08000000000002032590c11544210803ef56f14b200151fb6f6c13f6c253206120be58f8b0eaabf53e2eb402b7
    7ed94e3fd5bbf4ba500e11ee211ccb1af45311afd547e920712bcf6bb76439b6b525ad0c0beaac6bcbcda7fc3e1ed9
    d22a1e6b0fed79d413eb96e99eb4e2eb991b638ab85603db9cf06c6dc237bfeca9554de7fef3f698a0af1d71daf6b8
    f5e7cf818ea120fe5760d88519866585c9b9670d7678279ef004def0b67cb04bc6dc214521814ee00999ed73655db3
    fc0043255c5f76010000
    """)
  /// Without any copy, so without a distance code worth the name.
  static let literalsOnly = hex(
    """
    1f8b080000000000020305c14101c0300c02c03f2a900094668d7f63bb1305d3288b65e06190cbe20c8d2e85298d67
    1696183866e0968567697887427269e40e8bbc6570520667cca2128dd614fa4ae36659dc6f184c2e83f986c597a5f1
    bd5278358d9558ec98819532b0deb2b0efd0707229383b347c6659b82d03df98814762e179a6e16f4ac1af4bc37b86
    4594cb20f63048b42c72541aa94c2157a2919159e45319e46919643d2c8e72691c9fa170d2a571ce94c5e933831f43
    255c5f76010000
    """)
}

@Suite struct GzipTests {
  @Test func everyKindOfBlock() throws {
    #expect(try Gzip.decompress(GzipSample.stored, name: "a") == GzipSample.rose)
    #expect(try Gzip.decompress(GzipSample.fixed, name: "a") == GzipSample.rose)
    #expect(try Gzip.decompress(GzipSample.dynamic, name: "a") == GzipSample.squares)
    #expect(try Gzip.decompress(GzipSample.literalsOnly, name: "a") == GzipSample.squares)
    #expect(try Gzip.decompress(GzipSample.empty, name: "a").isEmpty)
  }

  @Test func everyOptionalHeaderField() throws {
    #expect(try Gzip.decompress(GzipSample.full, name: "a") == GzipSample.rose)
    for text: UInt8 in [0x08, 0x10] {
      var bytes = GzipSample.fixed
      bytes[3] = text
      bytes.insert(contentsOf: Array("name\0".utf8), at: 10)
      #expect(try Gzip.decompress(bytes, name: "a") == GzipSample.rose)
    }
  }

  @Test func membersFollowOneAnotherAndZerosPad() throws {
    let two = GzipSample.fixed + GzipSample.empty + GzipSample.stored + [0, 0, 0]
    #expect(try Gzip.decompress(two, name: "a") == GzipSample.rose + GzipSample.rose)
  }

  @Test func plainBytesPass() throws {
    #expect(try Gzip.decompressIfNeeded([1, 2], name: "a") == [1, 2])
    #expect(try Gzip.decompressIfNeeded(GzipSample.fixed, name: "a") == GzipSample.rose)
  }

  @Test func checksumOfTheStandardExample() {
    var check = CRC32()
    check.update("12345".utf8)
    check.update("6789".utf8)
    #expect(check.value == 0xcbf4_3926)
  }

  @Test func everyCutIsAnError() {
    for sample in [GzipSample.full, GzipSample.dynamic, GzipSample.stored] {
      for count in 2..<sample.count {
        expectError("a.gz: gzip: the file ends before its data does") { () throws(FormatError) in
          try Gzip.decompress(Array(sample[..<count]), name: "a.gz")
        }
      }
    }
  }

  @Test func damageNeverTraps() {
    var random = SplitMix(state: 7)
    for sample in [GzipSample.full, GzipSample.dynamic, GzipSample.literalsOnly] {
      for _ in 0..<1000 {
        var bytes = sample
        bytes[Int.random(in: 0..<bytes.count, using: &random)] ^=
          1 << UInt8.random(in: 0..<8, using: &random)
        let result = try? Gzip.decompress(bytes, name: "a.gz", limit: 10_000)
        #expect((result?.count ?? 0) <= 10_000)
      }
    }
  }
}

@Suite struct GzipErrorTests {
  private func expect(
    _ message: String, from bytes: [UInt8], limit: Int = 1 << 20,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    expectError("a.gz: gzip: " + message, sourceLocation: sourceLocation) {
      () throws(FormatError) in
      try Gzip.decompress(bytes, name: "a.gz", limit: limit)
    }
  }

  private func changed(_ bytes: [UInt8], at index: Int, to value: UInt8) -> [UInt8] {
    var bytes = bytes
    bytes[index < 0 ? bytes.count + index : index] = value
    return bytes
  }

  /// Returns a file whose deflate stream is these bits, first bit first, spaces aside.
  private func stream(_ bits: String) -> [UInt8] {
    var bytes = [UInt8](GzipSample.fixed[..<10])
    for (index, bit) in bits.filter({ $0 != " " }).enumerated() {
      if index % 8 == 0 { bytes.append(0) }
      if bit == "1" { bytes[bytes.count - 1] |= 1 << UInt8(index % 8) }
    }
    return bytes + [UInt8](repeating: 0, count: 8)
  }

  @Test func container() {
    let fixed = GzipSample.fixed
    expect("not a gzip file: it is empty", from: [])
    expect("not a gzip file: it begins with 0x50 0x4b instead of 0x1f 0x8b", from: [0x50, 0x4b, 3])
    expect("compression method 7 is not deflate, which is 8", from: changed(fixed, at: 2, to: 7))
    expect("reserved flags are set in 0x20", from: changed(fixed, at: 3, to: 0x20))
    expect(
      "header checksum is 0xf7e3 but the header says 0xf700",
      from: changed(GzipSample.full, at: 30, to: 0))
    expect(
      "checksum is 0x86576da3 but the trailer says 0x00576da3", from: changed(fixed, at: -5, to: 0))
    expect("size is 26 but the trailer says 27", from: changed(fixed, at: -4, to: 27))
    expect("4 bytes after the last member are not gzip", from: fixed + [0, 0, 7, 0])
  }

  @Test func limit() {
    expect("the data inflates beyond the limit of 25 bytes", from: GzipSample.fixed, limit: 25)
    expect("the data inflates beyond the limit of 25 bytes", from: GzipSample.stored, limit: 25)
    expect(
      "the data inflates beyond the limit of 51 bytes", from: GzipSample.fixed + GzipSample.fixed,
      limit: 51)
  }

  @Test func blocks() {
    expect("deflate: block type 3 does not exist", from: stream("1 11"))
    expect(
      "deflate: stored length 26 does not match its complement 65280",
      from: changed(GzipSample.stored, at: 13, to: 0))
    // A fixed block: copy length 3 (0000001) from distance 1 (00000) before any byte.
    expect("deflate: a copy at byte 0 reaches back 1 bytes", from: stream("1 10 0000001 00000"))
    // The fixed alphabets have two symbols each that stand for nothing: 286 and distance 30.
    expect("deflate: the bits match no literal code", from: stream("1 10 11000110"))
    expect(
      "deflate: the bits match no distance code", from: stream("1 10 00110000 0000001 11110"))
  }

  @Test func codeLengths() {
    // 257 literals, 1 distance, 4 lengths of lengths (of 16, 17, 18, 0), three bits each.
    expect(
      "deflate: the length code lengths form no prefix code",
      from: stream("1 01 00000 00000 0000 100 100 100 000"))
    expect(
      "deflate: the length code lengths form no prefix code",
      from: stream("1 01 00000 00000 0000 010 000 000 000"))
    // 16 repeats the length before it, and there is none.
    expect(
      "deflate: a repeated code length has none before it or runs past the end",
      from: stream("1 01 00000 00000 0000 100 100 000 000 0 00"))
    // 18 with 138 zeros twice runs past 258; with 120 the second time it ends there, all zero.
    expect(
      "deflate: a repeated code length has none before it or runs past the end",
      from: stream("1 01 00000 00000 0000 000 100 100 000 1 1111111 1 1111111"))
    expect(
      "deflate: the literal code lengths form no prefix code",
      from: stream("1 01 00000 00000 0000 000 100 100 000 1 1111111 1 1011011"))
    expect(
      "deflate: the bits match no length code",
      from: stream("1 01 00000 00000 0000 000 000 100 000 1"))
    expect(
      "deflate: the literal code lengths form no prefix code",
      from: stream("1 01 11111 00000" + " 0000"))
    expect(
      "deflate: the distance code lengths form no prefix code",
      from: stream("1 01 00000 11111 0000"))
  }
}
