// Functions of each element that a few primitives give. Where a formula would lose digits or meet 0·∞ in its
// gradient, the operand is replaced where the formula is not used.

/// Returns 1 / x.
public func reciprocal(_ x: Tensor, file: String = #fileID, line: Int = #line) -> Tensor {
  x.builder.at(Site(file, line), "reciprocal") { 1.0 / x }
}

/// Returns 1 / √x.
public func rsqrt(_ x: Tensor, file: String = #fileID, line: Int = #line) -> Tensor {
  x.builder.at(Site(file, line), "rsqrt") { 1.0 / sqrt(x) }
}

/// Returns exp(x) − 1 without losing digits near 0.
///
/// For |x| < 1 it is 2·t / (1 − t) with t = tanh(x / 2), which is the same number.
public func expm1(_ x: Tensor, file: String = #fileID, line: Int = #line) -> Tensor {
  x.builder.at(Site(file, line), "expm1") {
    let isSmall = abs(x) .< 1.0
    let half = tanh(select(isSmall, x, x.number(0)) * 0.5)
    return select(isSmall, 2.0 * half / (1.0 - half), exp(x) - 1.0)
  }
}

/// Returns log(1 + x) without losing digits near 0.
///
/// With u = 1 + x as it is rounded, log(1 + x) is log(u) + (x − (u − 1)) / u to first order.
public func log1p(_ x: Tensor, file: String = #fileID, line: Int = #line) -> Tensor {
  x.builder.at(Site(file, line), "log1p") {
    let u = x + 1.0
    let isUsual = and(u .> 0.0, u .< .infinity)
    let lost = select(isUsual, (x - (u - 1.0)) / u, x.number(0))
    return log(u) + stopGradient(lost)
  }
}

/// Returns 2 to the power x.
public func exp2(_ x: Tensor, file: String = #fileID, line: Int = #line) -> Tensor {
  x.builder.at(Site(file, line), "exp2") { .elementwise(.binary(.pow), 2, x) }
}

/// Returns the logarithm to base 2.
public func log2(_ x: Tensor, file: String = #fileID, line: Int = #line) -> Tensor {
  x.builder.at(Site(file, line), "log2") { log(x) * 1.4426950408889634 }
}

/// Returns the logarithm to base 10.
public func log10(_ x: Tensor, file: String = #fileID, line: Int = #line) -> Tensor {
  x.builder.at(Site(file, line), "log10") { log(x) * 0.4342944819032518 }
}

/// Returns log(exp(x) + exp(y)) without overflow.
public func logAddExp(
  _ x: Tensor, _ y: Tensor, file: String = #fileID, line: Int = #line
) -> Tensor {
  x.builder.at(Site(file, line), "logAddExp") {
    // Equal infinities have no difference.
    let distance = select(x .== y, x.number(0), x - y)
    return maximum(x, y) + log1p(exp(-abs(distance)))
  }
}

/// Returns x · log(y), and 0 where x is 0 and y no NaN.
public func xlogy(
  _ x: Tensor, _ y: Tensor, file: String = #fileID, line: Int = #line
) -> Tensor {
  x.builder.at(Site(file, line), "xlogy") {
    let isVoid = and(x .== 0.0, or(y .<= 0.0, y .== .infinity))
    return x * log(select(isVoid, y.number(1), y))
  }
}

/// Returns 1 − erf(x); its error is absolute, not relative, where erf(x) is near 1.
public func erfc(_ x: Tensor, file: String = #fileID, line: Int = #line) -> Tensor {
  x.builder.at(Site(file, line), "erfc") { 1.0 - erf(x) }
}

/// Returns the square root of x² + y².
public func hypot(
  _ x: Tensor, _ y: Tensor, file: String = #fileID, line: Int = #line
) -> Tensor {
  x.builder.at(Site(file, line), "hypot") { (x * x + y * y).rootOrZero }
}

/// Returns x + weight · (y − x).
public func lerp(
  _ x: Tensor, _ y: Tensor, _ weight: Tensor, file: String = #fileID, line: Int = #line
) -> Tensor {
  x.builder.at(Site(file, line), "lerp") { x + weight * (y - x) }
}

// MARK: - Rounding and remainders

/// Returns the integers next to x toward zero.
public func trunc(_ x: Tensor, file: String = #fileID, line: Int = #line) -> Tensor {
  x.builder.at(Site(file, line), "trunc") { select(x .< 0.0, ceil(x), floor(x)) }
}

/// Returns x rounded to a number of decimal places, ties to even; negative numbers round to tens and hundreds.
public func round(
  _ x: Tensor, decimals: Int, file: String = #fileID, line: Int = #line
) -> Tensor {
  x.builder.at(Site(file, line), "round") {
    let power = (0..<Swift.min(decimals.magnitude, 40)).reduce(1.0) { product, _ in product * 10 }
    return decimals < 0 ? round(x / power) * power : round(x * power) / power
  }
}

/// Returns the remainder of x / y with the sign of x.
public func fmod(
  _ x: Tensor, _ y: Tensor, file: String = #fileID, line: Int = #line
) -> Tensor {
  x.builder.at(Site(file, line), "fmod") {
    let rest = remainder(x.magnitude, y.magnitude)
    return select(x .< 0.0, -rest, rest)
  }
}

/// Returns x with the sign of y.
public func copySign(
  _ x: Tensor, _ y: Tensor, file: String = #fileID, line: Int = #line
) -> Tensor {
  x.builder.at(Site(file, line), "copySign") {
    select(y.hasSign, -abs(x), abs(x))
  }
}

// MARK: - Special values

/// Returns whether each element is no number.
public func isNaN(_ x: Tensor, file: String = #fileID, line: Int = #line) -> Tensor {
  x.builder.at(Site(file, line), "isNaN") { x .!= x }
}

/// Returns whether each element is infinite.
public func isInfinite(_ x: Tensor, file: String = #fileID, line: Int = #line) -> Tensor {
  x.builder.at(Site(file, line), "isInfinite") { abs(x) .== .infinity }
}

/// Returns whether each element is a finite number.
public func isFinite(_ x: Tensor, file: String = #fileID, line: Int = #line) -> Tensor {
  x.builder.at(Site(file, line), "isFinite") { abs(x) .< .infinity }
}

/// Returns x with other numbers in place of NaN and the infinities, the greatest finite ones by default.
public func nanToNumber(
  _ x: Tensor, nan: Double = 0, positive: Double? = nil, negative: Double? = nil,
  file: String = #fileID, line: Int = #line
) -> Tensor {
  x.builder.at(Site(file, line), "nanToNumber") {
    let greatest = Double(Float.greatestFiniteMagnitude)
    let upper = select(x .== .infinity, x.number(positive ?? greatest), x)
    let both = select(x .== -.infinity, x.number(negative ?? -greatest), upper)
    return select(x .!= x, x.number(nan), both)
  }
}

/// Returns the greater of two elements; the other one where one is NaN.
public func fmax(
  _ x: Tensor, _ y: Tensor, file: String = #fileID, line: Int = #line
) -> Tensor {
  x.builder.at(Site(file, line), "fmax") {
    select(x .!= x, y, select(y .!= y, x, maximum(x, y)))
  }
}

/// Returns the lesser of two elements; the other one where one is NaN.
public func fmin(
  _ x: Tensor, _ y: Tensor, file: String = #fileID, line: Int = #line
) -> Tensor {
  x.builder.at(Site(file, line), "fmin") {
    select(x .!= x, y, select(y .!= y, x, minimum(x, y)))
  }
}

// MARK: - Shared

extension Tensor {
  /// Returns one number of this tensor's type.
  package func number(_ value: Double) -> Tensor { builder.scalar(value, dataType) }

  /// The elements without their sign; the derivative at 0 is 1.
  package var magnitude: Tensor { select(self .< 0.0, -self, self) }

  /// Whether the sign bit is set, for all but NaN.
  package var hasSign: Tensor {
    or(self .< 0.0, and(self .== 0.0, (1.0 / self) .< 0.0))
  }

  /// The square root, whose derivative at 0 is 0.
  package var rootOrZero: Tensor {
    let isZero = self .== 0.0
    return select(isZero, number(0), sqrt(select(isZero, number(1), self)))
  }
}
