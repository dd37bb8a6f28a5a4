/// One static parameter of an operation, in the few forms that graph text can hold.
package enum AttributeValue: Hashable, Sendable {
  /// A length, `batch+1`.
  case extent(Extent)
  /// Lengths, axes or a shape, `[batch, 4]`.
  case extents([Extent])
  /// A real number, `0.5`.
  case number(Double)
  /// A name from a closed list, `glorotUniform`.
  case word(String)
  /// A name the user chose, `"weight"`.
  case string(String)
  /// The elements of a constant; its type is that of the node.
  case array(NDArray)
}

/// The static parameters of an operation, ordered, as text and parser see them.
package struct Attributes: Hashable, Sendable {
  /// One named parameter.
  package struct Entry: Hashable, Sendable {
    package let name: String
    package let value: AttributeValue
  }

  /// The parameters in printing order.
  package private(set) var entries: [Entry] = []

  /// Creates an empty list.
  package init() {}

  /// Adds a parameter at the end.
  package mutating func append(_ name: String, _ value: AttributeValue) {
    entries.append(Entry(name: name, value: value))
  }

  /// Returns the list with one more parameter.
  package func with(_ name: String, _ value: AttributeValue) -> Attributes {
    var copy = self
    copy.append(name, value)
    return copy
  }

  /// Returns the list with one more number list.
  package func with(_ name: String, _ values: [Int]) -> Attributes {
    with(name, .extents(values.map { Extent(offset: $0) }))
  }

  /// Returns the list with one more number.
  package func with(_ name: String, _ value: Int) -> Attributes {
    with(name, .extent(Extent(offset: value)))
  }

  /// Returns the parameter of a name, if it is there.
  package subscript(name: String) -> AttributeValue? {
    entries.first { $0.name == name }?.value
  }
}

extension Attributes {
  /// Returns a list of extents, or throws that it is missing.
  package func extents(_ name: String) throws(GraphError) -> [Extent] {
    guard case .extents(let value)? = self[name] else {
      throw GraphError("attribute \(name) is missing or is not a list such as [1, 2]")
    }
    return value
  }

  /// Returns a list of numbers, or throws that it is missing.
  package func integers(_ name: String) throws(GraphError) -> [Int] {
    let extents = try extents(name)
    var result: [Int] = []
    for extent in extents {
      guard let fixed = extent.fixed else {
        throw GraphError("attribute \(name) depends on the batch size")
      }
      result.append(fixed)
    }
    return result
  }

  /// Returns a number, or throws that it is missing.
  package func integer(_ name: String) throws(GraphError) -> Int {
    guard case .extent(let extent)? = self[name], let value = extent.fixed else {
      throw GraphError("attribute \(name) is missing or is not a whole number")
    }
    return value
  }

  /// Returns a real number, or throws that it is missing.
  package func number(_ name: String) throws(GraphError) -> Double {
    switch self[name] {
    case .number(let value)?: return value
    case .extent(let extent)?:
      if let fixed = extent.fixed { return Double(fixed) }
    default: break
    }
    throw GraphError("attribute \(name) is missing or is not a number")
  }

  /// Returns a word, or throws that it is missing.
  package func word(_ name: String) throws(GraphError) -> String {
    guard case .word(let value)? = self[name] else {
      throw GraphError("attribute \(name) is missing or is not a word")
    }
    return value
  }

  /// Returns a quoted string, or throws that it is missing.
  package func string(_ name: String) throws(GraphError) -> String {
    guard case .string(let value)? = self[name] else {
      throw GraphError("attribute \(name) is missing or is not a quoted string")
    }
    return value
  }
}
