/// Prints the elements of constants: floats shortest, so that they read back to the same bits.
///
/// More than four elements of the same bits print as `[12 of 0.5]`. A short text must not make a reader fill
/// all memory, so one graph abbreviates at most `repeatedElementLimit` elements; what is beyond is spelled out.
struct ElementPrinter {
  /// The greatest number of elements that one graph's text may abbreviate.
  static let repeatedElementLimit = 1 << 20

  private var remaining = ElementPrinter.repeatedElementLimit

  /// Returns the elements in brackets.
  mutating func list(_ array: NDArray) -> String {
    switch array.storage {
    case .f32(let elements): list(elements, same: { $0.bitPattern == $1.bitPattern }, \.exactText)
    case .f64(let elements): list(elements, same: { $0.bitPattern == $1.bitPattern }, \.exactText)
    case .i32(let elements): list(elements, same: ==, \.description)
    case .i64(let elements): list(elements, same: ==, \.description)
    case .u8(let elements): list(elements, same: ==, \.description)
    case .bool(let elements): list(elements, same: ==, \.description)
    }
  }

  private mutating func list<Element>(
    _ elements: [Element], same: (Element, Element) -> Bool, _ text: (Element) -> String
  ) -> String {
    if elements.count > 4, elements.count <= remaining, let first = elements.first,
      elements.allSatisfy({ same($0, first) })
    {
      remaining -= elements.count
      return "[\(elements.count) of \(text(first))]"
    }
    return "[" + elements.map(text).joined(separator: ", ") + "]"
  }
}

extension Float {
  /// The shortest decimal that reads back to the same bits; an unusual NaN in hexadecimal.
  var exactText: String {
    guard isNaN, bitPattern != Float.nan.bitPattern else { return description }
    return "0x" + String(bitPattern, radix: 16)
  }
}

extension Double {
  /// The shortest decimal that reads back to the same bits; an unusual NaN in hexadecimal.
  var exactText: String {
    guard isNaN, bitPattern != Double.nan.bitPattern else { return description }
    return "0x" + String(bitPattern, radix: 16)
  }
}
