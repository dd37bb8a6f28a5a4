// Operators add nodes; operands of different shapes are repeated to a common one. They cannot capture a
// source line, so they inherit that of the last named operation. Each operator exists for Tensor∘Tensor, and
// with a Float, a Double or an Int on either side: with fewer, expressions that mix literals and tensors take
// the type checker seconds, or are ambiguous where the literal is a whole number.

extension Tensor {
  /// Adds an elementwise node over operands repeated to a common shape.
  package static func elementwise(_ op: Elementwise, _ left: Tensor, _ right: Tensor) -> Tensor {
    guard !left.isPlaceholder, !right.isPlaceholder else { return Tensor(left.builder, nil) }
    guard left.builder === right.builder else {
      return left.failure("\(op.name): the operands belong to different graphs")
    }
    guard let shape = Shape.broadcast(left.shape, right.shape) else {
      return left.failure("\(op.name): shapes do not broadcast: \(left.shape) and \(right.shape)")
    }
    return left.broadcast(to: shape).apply(.elementwise(op), right.broadcast(to: shape))
  }

  /// Adds an elementwise node over a tensor and a number of its type.
  package static func elementwise(_ op: Elementwise, _ left: Tensor, _ right: Double) -> Tensor {
    elementwise(op, left, left.builder.scalar(right, left.dataType))
  }

  /// Adds an elementwise node over a number of a tensor's type and the tensor.
  package static func elementwise(_ op: Elementwise, _ left: Double, _ right: Tensor) -> Tensor {
    elementwise(op, right.builder.scalar(left, right.dataType), right)
  }

  /// Returns the tensor repeated to a shape, or itself where it has that shape.
  package func broadcast(to shape: Shape) -> Tensor {
    self.shape == shape ? self : apply(.movement(.broadcast(shape)))
  }

  /// Returns minus each element.
  public static prefix func - (operand: Tensor) -> Tensor {
    operand.apply(.elementwise(.unary(.neg)))
  }

  /// Returns the sum, element by element.
  public static func + (left: Tensor, right: Tensor) -> Tensor {
    elementwise(.binary(.add), left, right)
  }
  /// Returns the sum with a number.
  public static func + (left: Tensor, right: Float) -> Tensor {
    elementwise(.binary(.add), left, Double(right))
  }
  /// Returns the sum with a number.
  public static func + (left: Float, right: Tensor) -> Tensor {
    elementwise(.binary(.add), Double(left), right)
  }
  /// Returns the sum with a number.
  public static func + (left: Tensor, right: Double) -> Tensor {
    elementwise(.binary(.add), left, right)
  }
  /// Returns the sum with a number.
  public static func + (left: Double, right: Tensor) -> Tensor {
    elementwise(.binary(.add), left, right)
  }
  /// Returns the sum with a whole number.
  public static func + (left: Tensor, right: Int) -> Tensor {
    elementwise(.binary(.add), left, Double(right))
  }
  /// Returns the sum with a whole number.
  public static func + (left: Int, right: Tensor) -> Tensor {
    elementwise(.binary(.add), Double(left), right)
  }

  /// Returns the difference, element by element.
  public static func - (left: Tensor, right: Tensor) -> Tensor {
    elementwise(.binary(.sub), left, right)
  }
  /// Returns the difference with a number.
  public static func - (left: Tensor, right: Float) -> Tensor {
    elementwise(.binary(.sub), left, Double(right))
  }
  /// Returns the difference with a number.
  public static func - (left: Float, right: Tensor) -> Tensor {
    elementwise(.binary(.sub), Double(left), right)
  }
  /// Returns the difference with a number.
  public static func - (left: Tensor, right: Double) -> Tensor {
    elementwise(.binary(.sub), left, right)
  }
  /// Returns the difference with a number.
  public static func - (left: Double, right: Tensor) -> Tensor {
    elementwise(.binary(.sub), left, right)
  }
  /// Returns the difference with a whole number.
  public static func - (left: Tensor, right: Int) -> Tensor {
    elementwise(.binary(.sub), left, Double(right))
  }
  /// Returns the difference with a whole number.
  public static func - (left: Int, right: Tensor) -> Tensor {
    elementwise(.binary(.sub), Double(left), right)
  }

  /// Returns the product, element by element.
  public static func * (left: Tensor, right: Tensor) -> Tensor {
    elementwise(.binary(.mul), left, right)
  }
  /// Returns the product with a number.
  public static func * (left: Tensor, right: Float) -> Tensor {
    elementwise(.binary(.mul), left, Double(right))
  }
  /// Returns the product with a number.
  public static func * (left: Float, right: Tensor) -> Tensor {
    elementwise(.binary(.mul), Double(left), right)
  }
  /// Returns the product with a number.
  public static func * (left: Tensor, right: Double) -> Tensor {
    elementwise(.binary(.mul), left, right)
  }
  /// Returns the product with a number.
  public static func * (left: Double, right: Tensor) -> Tensor {
    elementwise(.binary(.mul), left, right)
  }
  /// Returns the product with a whole number.
  public static func * (left: Tensor, right: Int) -> Tensor {
    elementwise(.binary(.mul), left, Double(right))
  }
  /// Returns the product with a whole number.
  public static func * (left: Int, right: Tensor) -> Tensor {
    elementwise(.binary(.mul), Double(left), right)
  }

  /// Returns the quotient, element by element.
  public static func / (left: Tensor, right: Tensor) -> Tensor {
    elementwise(.binary(.div), left, right)
  }
  /// Returns the quotient with a number.
  public static func / (left: Tensor, right: Float) -> Tensor {
    elementwise(.binary(.div), left, Double(right))
  }
  /// Returns the quotient with a number.
  public static func / (left: Float, right: Tensor) -> Tensor {
    elementwise(.binary(.div), Double(left), right)
  }
  /// Returns the quotient with a number.
  public static func / (left: Tensor, right: Double) -> Tensor {
    elementwise(.binary(.div), left, right)
  }
  /// Returns the quotient with a number.
  public static func / (left: Double, right: Tensor) -> Tensor {
    elementwise(.binary(.div), left, right)
  }
  /// Returns the quotient with a whole number.
  public static func / (left: Tensor, right: Int) -> Tensor {
    elementwise(.binary(.div), left, Double(right))
  }
  /// Returns the quotient with a whole number.
  public static func / (left: Int, right: Tensor) -> Tensor {
    elementwise(.binary(.div), Double(left), right)
  }

}

// Comparisons have a dot, as SIMD's have: they yield a tensor of truth values, not a truth value.

extension Tensor {
  /// Returns whether elements are equal.
  public static func .== (left: Tensor, right: Tensor) -> Tensor {
    elementwise(.compare(.equal), left, right)
  }
  /// Returns whether elements are equal to a number.
  public static func .== (left: Tensor, right: Double) -> Tensor {
    elementwise(.compare(.equal), left, right)
  }

  /// Returns whether elements are not equal.
  public static func .!= (left: Tensor, right: Tensor) -> Tensor {
    elementwise(.compare(.notEqual), left, right)
  }
  /// Returns whether elements are not equal to a number.
  public static func .!= (left: Tensor, right: Double) -> Tensor {
    elementwise(.compare(.notEqual), left, right)
  }

  /// Returns whether elements are less than.
  public static func .< (left: Tensor, right: Tensor) -> Tensor {
    elementwise(.compare(.less), left, right)
  }
  /// Returns whether elements are less than to a number.
  public static func .< (left: Tensor, right: Double) -> Tensor {
    elementwise(.compare(.less), left, right)
  }

  /// Returns whether elements are less than or equal.
  public static func .<= (left: Tensor, right: Tensor) -> Tensor {
    elementwise(.compare(.lessEqual), left, right)
  }
  /// Returns whether elements are less than or equal to a number.
  public static func .<= (left: Tensor, right: Double) -> Tensor {
    elementwise(.compare(.lessEqual), left, right)
  }

  /// Returns whether elements are greater than.
  public static func .> (left: Tensor, right: Tensor) -> Tensor {
    elementwise(.compare(.greater), left, right)
  }
  /// Returns whether elements are greater than to a number.
  public static func .> (left: Tensor, right: Double) -> Tensor {
    elementwise(.compare(.greater), left, right)
  }

  /// Returns whether elements are greater than or equal.
  public static func .>= (left: Tensor, right: Tensor) -> Tensor {
    elementwise(.compare(.greaterEqual), left, right)
  }
  /// Returns whether elements are greater than or equal to a number.
  public static func .>= (left: Tensor, right: Double) -> Tensor {
    elementwise(.compare(.greaterEqual), left, right)
  }
}

extension Shape {
  /// Returns the shape two shapes repeat to, axes aligned at the end, or nil where there is none.
  package static func broadcast(_ left: Shape, _ right: Shape) -> Shape? {
    let rank = Swift.max(left.rank, right.rank)
    var extents: [Extent] = []
    for axis in 0..<rank {
      let a = axis - (rank - left.rank)
      let b = axis - (rank - right.rank)
      let l = a < 0 ? 1 : left[a]
      let r = b < 0 ? 1 : right[b]
      guard l == r || l == 1 || r == 1 else { return nil }
      extents.append(l == 1 ? r : l)
    }
    return Shape(extents)
  }
}
