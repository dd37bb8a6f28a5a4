import DescentGraph

extension Safetensors {
  /// Returns the bytes of a file.
  ///
  /// Tensors are laid out by falling alignment and then by name, and the header is padded to a
  /// multiple of eight, so that every tensor in a mapped file is aligned.
  package func encoded() throws(FormatError) -> [UInt8] {
    try checkNames()
    let ordered = entries.sorted { left, right in
      let (a, b) = (Safetensors.order(left.array), Safetensors.order(right.array))
      return a == b ? left.name.utf8.lexicographicallyPrecedes(right.name.utf8) : a > b
    }
    var header = Array(Safetensors.header(ordered, metadata: metadata).serialized().utf8)
    header += repeatElement(UInt8(ascii: " "), count: (8 - header.count % 8) % 8)

    var bytes: [UInt8] = []
    bytes.append(UInt64(header.count), false)
    bytes += header
    for entry in ordered { entry.array.storage.encode(into: &bytes) }
    return bytes
  }

  private func checkNames() throws(FormatError) {
    var names: Set<String> = []
    for entry in entries {
      guard entry.name != Safetensors.metadataKey else { throw .tensorReservedName }
      guard names.insert(entry.name).inserted else { throw .tensorTwice(entry.name) }
      guard entry.array.dimensions.count <= Shape.maximumRank else {
        throw .rank(entry.array.dimensions.count, in: "")
      }
    }
  }

  private static func header(_ entries: [Entry], metadata: [String: String]) -> JSONValue {
    var members: [JSONValue.Member] = []
    if !metadata.isEmpty {
      let sorted = metadata.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
      members.append(
        JSONValue.Member(
          metadataKey, .object(sorted.map { JSONValue.Member($0.key, .string($0.value)) })))
    }
    var offset = 0
    for entry in entries {
      let end = offset + entry.array.count * entry.array.dataType.byteCount
      let description = JSONValue.object([
        JSONValue.Member("dtype", .string(elementTypes[order(entry.array)].name)),
        JSONValue.Member("shape", .array(entry.array.dimensions.map { .integer($0) })),
        JSONValue.Member("data_offsets", .array([.integer(offset), .integer(end)])),
      ])
      members.append(JSONValue.Member(entry.name, description))
      offset = end
    }
    return .object(members)
  }

  /// Returns the position of an array's type in the list of types.
  private static func order(_ array: NDArray) -> Int {
    let format = ElementFormat(array.dataType)
    guard let order = elementTypes.firstIndex(where: { $0.format == format }) else {
      preconditionFailure("every type of tensors has a name in safetensors: \(format)")
    }
    return order
  }
}
