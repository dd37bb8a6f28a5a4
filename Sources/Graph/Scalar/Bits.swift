/// A number or truth value that travels through scalar programs as 64 bits.
///
/// The value lies in the low bytes; the bytes above are zero.
protocol BitsConvertible {
  init(bits: UInt64)
  var bits: UInt64 { get }
}

extension Float: BitsConvertible {
  init(bits: UInt64) { self.init(bitPattern: UInt32(truncatingIfNeeded: bits)) }
  var bits: UInt64 { UInt64(bitPattern) }
}

extension Double: BitsConvertible {
  init(bits: UInt64) { self.init(bitPattern: bits) }
  var bits: UInt64 { bitPattern }
}

extension Int32: BitsConvertible {
  init(bits: UInt64) { self.init(truncatingIfNeeded: bits) }
  var bits: UInt64 { UInt64(UInt32(bitPattern: self)) }
}

extension Int64: BitsConvertible {
  init(bits: UInt64) { self.init(bitPattern: bits) }
  var bits: UInt64 { UInt64(bitPattern: self) }
}

extension UInt8: BitsConvertible {
  init(bits: UInt64) { self.init(truncatingIfNeeded: bits) }
  var bits: UInt64 { UInt64(self) }
}

extension NDArray {
  /// The bits of the elements, each in the low bytes of a register.
  package var bits: [UInt64] {
    switch storage {
    case .f32(let elements): elements.map { UInt64($0.bitPattern) }
    case .f64(let elements): elements.map { $0.bitPattern }
    case .i32(let elements): elements.map { UInt64(UInt32(bitPattern: $0)) }
    case .i64(let elements): elements.map { UInt64(bitPattern: $0) }
    case .u8(let elements): elements.map { UInt64($0) }
    case .bool(let elements): elements.map { $0 ? 1 : 0 }
    }
  }

  /// Creates an array from the bits of its elements.
  ///
  /// - Precondition: The type is bound and has as many elements as there are registers.
  package init(bits: [UInt64], type: TensorType) {
    let storage: Storage =
      switch type.dataType {
      case .f32: .f32(bits.map { Float(bitPattern: UInt32(truncatingIfNeeded: $0)) })
      case .f64: .f64(bits.map { Double(bitPattern: $0) })
      case .i32: .i32(bits.map { Int32(truncatingIfNeeded: $0) })
      case .i64: .i64(bits.map { Int64(bitPattern: $0) })
      case .u8: .u8(bits.map { UInt8(truncatingIfNeeded: $0) })
      case .bool: .bool(bits.map { $0 != 0 })
      }
    self.init(storage, dimensions: type.shape.dimensions)
  }
}

extension DataType {
  /// Returns the bits of the value of this type that a real number converts to.
  package func bits(of number: Double) -> UInt64 {
    ScalarInstruction(.convert, .f64, to: self).evaluate(number.bitPattern)
  }

  /// Returns the bits of the value of this type that an integer converts to.
  package func bits(of integer: Int) -> UInt64 {
    ScalarInstruction(.convert, .i64, to: self).evaluate(UInt64(bitPattern: Int64(integer)))
  }
}
