/// Attributes as they stand in a line, before the type at its end says what the elements of a list are.
struct RawAttributes {
  private enum Value {
    case known(AttributeValue)
    case elements(ArraySlice<GraphToken>)
  }

  private var entries: [(name: String, value: Value)] = []

  /// Takes the value of one attribute.
  mutating func append(
    _ name: String, _ cursor: inout GraphTokenCursor
  ) throws(GraphError) {
    guard !entries.contains(where: { $0.name == name }) else { throw .repeatedAttribute(name) }
    entries.append((name, try Self.value(name, &cursor)))
  }

  private static func value(
    _ name: String, _ cursor: inout GraphTokenCursor
  ) throws(GraphError) -> Value {
    switch cursor.next {
    case .string(let string)?:
      cursor.skip()
      return .known(.string(string))
    case .symbol("[")?:
      // Elements are called `value` in every operation that has any; other lists are extents.
      if name == "value" { return .elements(try cursor.bracketed()) }
      return .known(.extents(try cursor.extents()))
    case .word("batch")?: return .known(.extent(try cursor.extent()))
    case .word(let word)?:
      cursor.skip()
      return .known(Double(special: word).map(AttributeValue.number) ?? .word(word))
    case .number(let text)?:
      guard !text.isWhole else { return .known(.extent(try cursor.extent())) }
      cursor.skip()
      return .known(.number(try Double.parse(text)))
    default: throw .expected("a value for \(name)", found: cursor.next)
    }
  }

  /// Returns the attributes, their elements read as those of a type.
  func resolved(
    _ op: String, _ type: TensorType, _ elements: inout ElementParser
  ) throws(GraphError) -> Attributes {
    var attributes = Attributes()
    for entry in entries {
      switch entry.value {
      case .known(let value): attributes.append(entry.name, value)
      case .elements(let tokens):
        attributes.append(entry.name, .array(try elements.array(op, type, tokens)))
      }
    }
    return attributes
  }

  /// The type of attributes whose line declares none.
  static let untyped = TensorType(.f32, .scalar)
}

extension Attributes {
  /// Throws where one of these attributes left no trace in the operation they made.
  func expectKnown(_ known: Attributes, by name: String) throws(GraphError) {
    for entry in entries where known[entry.name] == nil {
      throw .unknownAttribute(entry.name, name, known.entries.map(\.name))
    }
  }
}

extension String {
  /// Whether the text is only digits after at most one minus sign.
  fileprivate var isWhole: Bool {
    let digits = utf8.first == UInt8(ascii: "-") ? utf8.dropFirst() : utf8[...]
    return !digits.isEmpty && digits.allSatisfy { (48...57).contains($0) }
  }
}
