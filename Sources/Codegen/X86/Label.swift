/// A place in the code to jump to; bound once, used any number of times.
package struct Label: Hashable, Sendable {
  let number: Int
  /// Whether the jump to it is promised to fit one byte.
  let isShort: Bool

  init(number: Int, isShort: Bool = false) {
    self.number = number
    self.isShort = isShort
  }

  /// The same place, promised to be within 127 bytes of the jump; binding it checks.
  package var near: Label { Label(number: number, isShort: true) }
}

extension Label: CustomStringConvertible {
  /// The name in listings.
  package var description: String { "L\(number)" }
}
