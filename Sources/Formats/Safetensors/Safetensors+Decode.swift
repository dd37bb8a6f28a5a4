import DescentGraph

extension Safetensors {
  /// Reads the bytes of a file that is already in memory.
  package init(decoding bytes: [UInt8], name: String) throws(FormatError) {
    let dataStart = try Safetensors.dataStart(bytes, name: name)
    let header = try JSONValue.parse(Array(bytes[8..<dataStart]), name: name)
    guard case .object(let members) = header else { throw .safetensorsHeaderStart(in: name) }

    var layout = TensorLayout(source: name, dataCount: bytes.count - dataStart)
    var metadata: [String: String] = [:]
    for member in members {
      if member.key == Safetensors.metadataKey {
        metadata = try Safetensors.metadata(member.value, name: name)
      } else {
        try layout.append(member.key, member.value)
      }
    }
    try layout.check()

    var entries: [Entry] = []
    for tensor in layout.tensors {
      let range = tensor.bytes.lowerBound + dataStart..<tensor.bytes.upperBound + dataStart
      let storage: NDArray.Storage
      do throws(FormatError) {
        storage = try tensor.format.decode(bytes, in: range, source: name)
      } catch {
        throw .tensor(tensor.name, error.message, in: name)
      }
      entries.append(Entry(tensor.name, NDArray(storage, dimensions: tensor.dimensions)))
    }
    self.init(entries, metadata: metadata)
  }

  /// Returns where the header ends, once its length is known to be sane.
  private static func dataStart(_ bytes: [UInt8], name: String) throws(FormatError) -> Int {
    guard bytes.count >= 10 else { throw .safetensorsShort(bytes.count, in: name) }
    let length = bytes.little64(at: 0)
    guard length <= UInt64(headerLimit) else {
      throw .safetensorsHeaderLimit(length, limit: headerLimit, in: name)
    }
    guard length <= UInt64(bytes.count - 8) else {
      throw .safetensorsHeaderLength(length, rest: bytes.count - 8, in: name)
    }
    guard length > 0, bytes[8] == UInt8(ascii: "{") else {
      throw .safetensorsHeaderStart(in: name)
    }
    return 8 + Int(length)
  }

  private static func metadata(_ value: JSONValue, name: String) throws(FormatError)
    -> [String: String]
  {
    guard case .object(let members) = value else { throw .safetensorsMetadata(in: name) }
    var metadata: [String: String] = [:]
    for member in members {
      guard case .string(let text) = member.value else { throw .safetensorsMetadata(in: name) }
      metadata[member.key] = text
    }
    return metadata
  }
}

/// The descriptions of all tensors in a header, and the proof that they tile the data.
private struct TensorLayout {
  struct Tensor {
    let name: String
    let format: ElementFormat
    let dimensions: [Int]
    let bytes: Range<Int>
  }

  let source: String
  let dataCount: Int
  private(set) var tensors: [Tensor] = []

  init(source: String, dataCount: Int) {
    self.source = source
    self.dataCount = dataCount
  }

  /// Adds one description after checking it by itself.
  mutating func append(_ name: String, _ value: JSONValue) throws(FormatError) {
    guard case .object = value else { throw .tensorNotObject(name, in: source) }
    guard case .string(let type) = value["dtype"] else {
      throw .tensorField(name, "dtype", "a string", in: source)
    }
    guard let element = Safetensors.elementTypes.first(where: { $0.name == type }) else {
      throw .tensorType(name, type, in: source)
    }
    guard let dimensions = TensorLayout.counts(value["shape"]) else {
      throw .tensorField(name, "shape", "a list of counts below 2^63", in: source)
    }
    guard let offsets = TensorLayout.counts(value["data_offsets"]), offsets.count == 2 else {
      throw .tensorField(name, "data_offsets", "a pair of counts below 2^63", in: source)
    }
    guard offsets[0] <= offsets[1] else {
      throw .tensorBackwards(name, offsets[0], offsets[1], in: source)
    }
    let bytes = offsets[0]..<offsets[1]
    guard bytes.upperBound <= dataCount else {
      throw .tensorOutside(name, bytes, of: dataCount, in: source)
    }
    let size: Int
    do throws(FormatError) {
      size = try element.format.byteCount(dimensions, name: type, in: source)
    } catch {
      throw .tensor(name, error.message, in: source)
    }
    guard size == bytes.count else {
      throw .tensorSize(name, dimensions, type, takes: size, found: bytes.count, in: source)
    }
    tensors.append(Tensor(name: name, format: element.format, dimensions: dimensions, bytes: bytes))
  }

  /// Checks that the tensors cover the data exactly: a hole could hide a second file.
  func check() throws(FormatError) {
    let sorted = tensors.enumerated().sorted { left, right in
      let (a, b) = (left.element.bytes, right.element.bytes)
      return (a.lowerBound, a.upperBound, left.offset) < (b.lowerBound, b.upperBound, right.offset)
    }
    var end = 0
    var previous = ""
    for (_, tensor) in sorted {
      guard tensor.bytes.lowerBound >= end else {
        throw .tensorOverlap(tensor.name, tensor.bytes, previous, in: source)
      }
      guard tensor.bytes.lowerBound == end else {
        throw .tensorGap(tensor.name, end..<tensor.bytes.lowerBound, in: source)
      }
      end = tensor.bytes.upperBound
      previous = tensor.name
    }
    guard end == dataCount else { throw .tensorTail(end..<dataCount, in: source) }
  }

  /// Returns a list of integers of which none is negative, or nil.
  private static func counts(_ value: JSONValue?) -> [Int]? {
    guard case .array(let elements) = value else { return nil }
    var counts: [Int] = []
    for element in elements {
      guard case .integer(let count) = element, count >= 0 else { return nil }
      counts.append(count)
    }
    return counts
  }
}
