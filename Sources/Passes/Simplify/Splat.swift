package import DescentGraph

/// One element that a whole tensor repeats, as bits.
package struct Splat: Hashable, Sendable {
  /// The element's type.
  package let dataType: DataType
  /// The element's bits, in the low bytes.
  package let bits: UInt64

  private init(_ dataType: DataType, _ bits: some BinaryInteger) {
    self.dataType = dataType
    self.bits = UInt64(truncatingIfNeeded: bits)
  }

  /// Creates the element that all elements of an array are equal to, bit for bit, if there is one.
  package init?(_ array: NDArray) {
    switch array.storage {
    case .f32(let elements):
      guard let first = elements.first?.bitPattern,
        elements.allSatisfy({ $0.bitPattern == first })
      else { return nil }
      self.init(.f32, first)
    case .f64(let elements):
      guard let first = elements.first?.bitPattern,
        elements.allSatisfy({ $0.bitPattern == first })
      else { return nil }
      self.init(.f64, first)
    case .i32(let elements): self.init(elements, .i32)
    case .i64(let elements): self.init(elements, .i64)
    case .u8(let elements): self.init(elements, .u8)
    case .bool(let elements):
      guard let first = elements.first, elements.allSatisfy({ $0 == first }) else { return nil }
      self.init(.bool, first ? 1 : 0)
    }
  }

  private init?(_ elements: [some BinaryInteger], _ dataType: DataType) {
    guard let first = elements.first, elements.allSatisfy({ $0 == first }) else { return nil }
    self.init(dataType, first)
  }

  /// Creates a number as an element type holds it, if it does; −0 is not +0 among floats.
  package init?(_ number: Double, _ dataType: DataType) {
    switch dataType {
    case .f32: self.init(.f32, Float(number).bitPattern)
    case .f64: self.init(.f64, number.bitPattern)
    case .i32:
      guard let value = Int32(exactly: number) else { return nil }
      self.init(.i32, value)
    case .i64:
      guard let value = Int64(exactly: number) else { return nil }
      self.init(.i64, value)
    case .u8:
      guard let value = UInt8(exactly: number) else { return nil }
      self.init(.u8, value)
    case .bool:
      guard number == 0 || number == 1 else { return nil }
      self.init(.bool, number == 1 ? 1 : 0)
    }
  }

  /// The element as an array without axes.
  package var array: NDArray {
    switch dataType {
    case .f32: NDArray(.f32([Float(bitPattern: UInt32(truncatingIfNeeded: bits))]), dimensions: [])
    case .f64: NDArray(.f64([Double(bitPattern: bits)]), dimensions: [])
    case .i32: NDArray(.i32([Int32(truncatingIfNeeded: bits)]), dimensions: [])
    case .i64: NDArray(.i64([Int64(truncatingIfNeeded: bits)]), dimensions: [])
    case .u8: NDArray(.u8([UInt8(truncatingIfNeeded: bits)]), dimensions: [])
    case .bool: NDArray(.bool([bits != 0]), dimensions: [])
    }
  }

  /// Minus the element, which wraps for integers; truth values have none.
  package var negated: Splat? {
    switch dataType {
    case .f32: Splat(.f32, bits ^ 0x8000_0000)
    case .f64: Splat(.f64, bits ^ 0x8000_0000_0000_0000)
    case .i32: Splat(.i32, 0 &- Int32(truncatingIfNeeded: bits))
    case .i64: Splat(.i64, 0 &- Int64(truncatingIfNeeded: bits))
    case .u8: Splat(.u8, 0 &- UInt8(truncatingIfNeeded: bits))
    case .bool: nil
    }
  }

  /// One divided by the element, where the element is a power of two and both are normal floats.
  package var exactReciprocal: Splat? {
    switch dataType {
    case .f32:
      let value = Float(bitPattern: UInt32(truncatingIfNeeded: bits))
      guard value.isNormal, (1 / value).isNormal, value.significand == 1 else { return nil }
      return Splat(.f32, (1 / value).bitPattern)
    case .f64:
      let value = Double(bitPattern: bits)
      guard value.isNormal, (1 / value).isNormal, value.significand == 1 else { return nil }
      return Splat(.f64, (1 / value).bitPattern)
    case .i32, .i64, .u8, .bool: return nil
    }
  }
}
