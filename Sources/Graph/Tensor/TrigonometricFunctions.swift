// Circular and hyperbolic functions that sin, cos, tanh, atan, exp and log give.

/// Returns the arc tangent, in radians between −π/2 and π/2.
public func atan(_ x: Tensor, file: String = #fileID, line: Int = #line) -> Tensor {
  x.unary(.atan, Site(file, line))
}

/// Returns the tangent.
public func tan(_ x: Tensor, file: String = #fileID, line: Int = #line) -> Tensor {
  x.builder.at(Site(file, line), "tan") { sin(x) / cos(x) }
}

/// Returns the arc sine, in radians between −π/2 and π/2.
public func asin(_ x: Tensor, file: String = #fileID, line: Int = #line) -> Tensor {
  x.builder.at(Site(file, line), "asin") { atan(x / sqrt((1.0 - x) * (1.0 + x))) }
}

/// Returns the arc cosine, in radians between 0 and π.
public func acos(_ x: Tensor, file: String = #fileID, line: Int = #line) -> Tensor {
  x.builder.at(Site(file, line), "acos") { 2.0 * atan(sqrt((1.0 - x) / (1.0 + x))) }
}

/// Returns the angle of the point (x, y) in radians between −π and π, with the sign of y.
public func atan2(
  _ y: Tensor, _ x: Tensor, file: String = #fileID, line: Int = #line
) -> Tensor {
  y.builder.at(Site(file, line), "atan2") {
    // The quotient is at most 1, whichever is the greater.
    let isSteep = abs(y) .> abs(x)
    let divisor = select(isSteep, y, x)
    let safe = select(divisor .== 0.0, x.number(1), divisor)
    let angle = atan(select(isSteep, -x, y) / safe)
    let halfTurn = select(y.hasSign, y.number(-3.141592653589793), y.number(3.141592653589793))
    let isBehind = and(x.hasSign, not(isSteep))
    return select(isSteep, angle + 0.5 * halfTurn, select(isBehind, angle + halfTurn, angle))
  }
}

/// Returns the hyperbolic sine.
public func sinh(_ x: Tensor, file: String = #fileID, line: Int = #line) -> Tensor {
  x.builder.at(Site(file, line), "sinh") {
    let isSmall = abs(x) .< 1.0
    let e = expm1(select(isSmall, x, x.number(0)))
    // The root of exp(x) overflows later than exp(x).
    let root = exp(x * 0.5)
    return select(isSmall, 0.5 * (e + e / (e + 1.0)), 0.5 * root * root - 0.5 / root / root)
  }
}

/// Returns the hyperbolic cosine.
public func cosh(_ x: Tensor, file: String = #fileID, line: Int = #line) -> Tensor {
  x.builder.at(Site(file, line), "cosh") {
    let root = exp(x * 0.5)
    return 0.5 * root * root + 0.5 / root / root
  }
}

/// Returns the inverse of the hyperbolic sine.
public func asinh(_ x: Tensor, file: String = #fileID, line: Int = #line) -> Tensor {
  x.builder.at(Site(file, line), "asinh") {
    let a = x.magnitude
    // From 10⁹ on, a² + 1 is a² and log(a + √(a² + 1)) is log(2a).
    let isLarge = a .> 1e9
    let b = select(isLarge, x.number(1), a)
    let usual = log1p(b + b * b / (1.0 + sqrt(b * b + 1.0)))
    let value = select(isLarge, log(a) + 0.6931471805599453, usual)
    return select(x .< 0.0, -value, value)
  }
}

/// Returns the inverse of the hyperbolic cosine, for x ≥ 1.
public func acosh(_ x: Tensor, file: String = #fileID, line: Int = #line) -> Tensor {
  x.builder.at(Site(file, line), "acosh") {
    let t = x - 1.0
    return log1p(t + sqrt(t) * sqrt(t + 2.0))
  }
}

/// Returns the inverse of the hyperbolic tangent, for |x| ≤ 1.
public func atanh(_ x: Tensor, file: String = #fileID, line: Int = #line) -> Tensor {
  x.builder.at(Site(file, line), "atanh") {
    let a = x.magnitude
    let value = 0.5 * log1p(2.0 * a / (1.0 - a))
    return select(x .< 0.0, -value, value)
  }
}
