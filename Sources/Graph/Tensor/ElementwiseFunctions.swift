// Functions of each element. Free functions read like the mathematics they stand for.

extension Tensor {
  package func unary(_ function: UnaryFunction, _ site: Site) -> Tensor {
    builder.at(site) { apply(.elementwise(.unary(function))) }
  }
}

/// Returns x without its sign.
public func abs(_ x: Tensor, file: String = #fileID, line: Int = #line) -> Tensor {
  x.unary(.abs, Site(file, line))
}

/// Returns −1, 0 or 1 by the sign of each element.
public func sign(_ x: Tensor, file: String = #fileID, line: Int = #line) -> Tensor {
  x.unary(.sign, Site(file, line))
}

/// Returns the square root.
public func sqrt(_ x: Tensor, file: String = #fileID, line: Int = #line) -> Tensor {
  x.unary(.sqrt, Site(file, line))
}

/// Returns e to the power of each element.
public func exp(_ x: Tensor, file: String = #fileID, line: Int = #line) -> Tensor {
  x.unary(.exp, Site(file, line))
}

/// Returns the natural logarithm.
public func log(_ x: Tensor, file: String = #fileID, line: Int = #line) -> Tensor {
  x.unary(.log, Site(file, line))
}

/// Returns the sine.
public func sin(_ x: Tensor, file: String = #fileID, line: Int = #line) -> Tensor {
  x.unary(.sin, Site(file, line))
}

/// Returns the cosine.
public func cos(_ x: Tensor, file: String = #fileID, line: Int = #line) -> Tensor {
  x.unary(.cos, Site(file, line))
}

/// Returns the hyperbolic tangent.
public func tanh(_ x: Tensor, file: String = #fileID, line: Int = #line) -> Tensor {
  x.unary(.tanh, Site(file, line))
}

/// Returns 1 / (1 + exp(−x)).
public func sigmoid(_ x: Tensor, file: String = #fileID, line: Int = #line) -> Tensor {
  x.unary(.sigmoid, Site(file, line))
}

/// Returns the error function.
public func erf(_ x: Tensor, file: String = #fileID, line: Int = #line) -> Tensor {
  x.unary(.erf, Site(file, line))
}

/// Returns the greatest integers at or below.
public func floor(_ x: Tensor, file: String = #fileID, line: Int = #line) -> Tensor {
  x.unary(.floor, Site(file, line))
}

/// Returns the least integers at or above.
public func ceil(_ x: Tensor, file: String = #fileID, line: Int = #line) -> Tensor {
  x.unary(.ceil, Site(file, line))
}

/// Returns the nearest integers, ties to even.
public func round(_ x: Tensor, file: String = #fileID, line: Int = #line) -> Tensor {
  x.unary(.round, Site(file, line))
}

/// Returns 0 where an element is at or below 0, else the element.
public func relu(_ x: Tensor, file: String = #fileID, line: Int = #line) -> Tensor {
  x.unary(.relu, Site(file, line))
}

/// Returns the other truth values, or every bit inverted.
public func not(_ x: Tensor, file: String = #fileID, line: Int = #line) -> Tensor {
  x.unary(.not, Site(file, line))
}

/// Returns the elements themselves, which differentiation takes for constants.
public func stopGradient(_ x: Tensor, file: String = #fileID, line: Int = #line) -> Tensor {
  x.unary(.stopGradient, Site(file, line))
}

/// Returns x to the power y.
public func pow(
  _ x: Tensor, _ y: Tensor, file: String = #fileID, line: Int = #line
) -> Tensor {
  x.builder.at(Site(file, line)) { .elementwise(.binary(.pow), x, y) }
}

/// Returns x to the power y, where y is a number.
public func pow(
  _ x: Tensor, _ y: Double, file: String = #fileID, line: Int = #line
) -> Tensor {
  x.builder.at(Site(file, line)) { .elementwise(.binary(.pow), x, y) }
}

/// Returns the greater of two elements; NaN if either is.
public func maximum(
  _ x: Tensor, _ y: Tensor, file: String = #fileID, line: Int = #line
) -> Tensor {
  x.builder.at(Site(file, line)) { .elementwise(.binary(.maximum), x, y) }
}

/// Returns the greater of two elements; NaN if either is, where y is a number.
public func maximum(
  _ x: Tensor, _ y: Double, file: String = #fileID, line: Int = #line
) -> Tensor {
  x.builder.at(Site(file, line)) { .elementwise(.binary(.maximum), x, y) }
}

/// Returns the lesser of two elements; NaN if either is.
public func minimum(
  _ x: Tensor, _ y: Tensor, file: String = #fileID, line: Int = #line
) -> Tensor {
  x.builder.at(Site(file, line)) { .elementwise(.binary(.minimum), x, y) }
}

/// Returns the lesser of two elements; NaN if either is, where y is a number.
public func minimum(
  _ x: Tensor, _ y: Double, file: String = #fileID, line: Int = #line
) -> Tensor {
  x.builder.at(Site(file, line)) { .elementwise(.binary(.minimum), x, y) }
}

/// Returns the remainder of x / y, with the sign of y.
public func remainder(
  _ x: Tensor, _ y: Tensor, file: String = #fileID, line: Int = #line
) -> Tensor {
  x.builder.at(Site(file, line)) { .elementwise(.binary(.remainder), x, y) }
}

/// Returns the remainder of x / y, with the sign of y, where y is a number.
public func remainder(
  _ x: Tensor, _ y: Double, file: String = #fileID, line: Int = #line
) -> Tensor {
  x.builder.at(Site(file, line)) { .elementwise(.binary(.remainder), x, y) }
}

/// Returns the conjunction of truth values, or bits set in both.
public func and(
  _ x: Tensor, _ y: Tensor, file: String = #fileID, line: Int = #line
) -> Tensor {
  x.builder.at(Site(file, line)) { .elementwise(.binary(.and), x, y) }
}

/// Returns the disjunction of truth values, or bits set in either.
public func or(
  _ x: Tensor, _ y: Tensor, file: String = #fileID, line: Int = #line
) -> Tensor {
  x.builder.at(Site(file, line)) { .elementwise(.binary(.or), x, y) }
}

/// Returns the exclusive disjunction of truth values, or bits set in exactly one.
public func xor(
  _ x: Tensor, _ y: Tensor, file: String = #fileID, line: Int = #line
) -> Tensor {
  x.builder.at(Site(file, line)) { .elementwise(.binary(.xor), x, y) }
}

/// Returns elements of one tensor where a condition holds, else of the other.
public func select(
  _ condition: Tensor, _ yes: Tensor, _ no: Tensor, file: String = #fileID, line: Int = #line
) -> Tensor {
  let builder = condition.builder
  return builder.at(Site(file, line)) {
    guard !condition.isPlaceholder, !yes.isPlaceholder, !no.isPlaceholder else {
      return Tensor(builder, nil)
    }
    guard let values = Shape.broadcast(yes.shape, no.shape),
      let shape = Shape.broadcast(condition.shape, values)
    else {
      return condition.failure(
        "select: shapes do not broadcast: \(condition.shape), \(yes.shape) and \(no.shape)")
    }
    return condition.broadcast(to: shape).apply(
      .elementwise(.select), yes.broadcast(to: shape), no.broadcast(to: shape))
  }
}

/// Returns each element, or the nearer bound where it lies outside; the derivative at a bound is 1.
public func clamp(
  _ x: Tensor, _ low: Double, _ high: Double, file: String = #fileID, line: Int = #line
) -> Tensor {
  x.builder.at(Site(file, line), "clamp") {
    let low = Swift.min(low, high)
    return select(x .< low, x.number(low), select(x .> high, x.number(high), x))
  }
}

/// Returns tensors one after the other along an axis.
///
/// - Precondition: There is at least one tensor.
public func concatenate(
  _ tensors: [Tensor], axis: Int, file: String = #fileID, line: Int = #line
) -> Tensor {
  precondition(!tensors.isEmpty, "concatenate needs at least one tensor")
  let builder = tensors[0].builder
  return builder.at(Site(file, line)) {
    guard let axis = tensors[0].normalized(axis, "concatenate") else { return Tensor(builder, nil) }
    return Tensor(
      builder, builder.add(.movement(.concatenate(axis: axis)), tensors.map(\.value)))
  }
}
