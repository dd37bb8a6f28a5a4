#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

extension Elementwise {
  package func reference(_ operands: [NDArray], result: TensorType) -> NDArray {
    guard isExpanded(for: operands[0].dataType) else {
      return NDArray(
        .f64(wide(operands.map(\.doubles))), dimensions: result.shape.dimensions)
    }
    let program = program(for: operands.map(\.dataType))
    return NDArray(
      bits: program.evaluate(columns: operands.map(\.bits), count: operands[0].count),
      type: result)
  }

  /// Returns what the C library says; only references and gradient checks ask for `f64`.
  private func wide(_ operands: [[Double]]) -> [Double] {
    switch self {
    case .unary(let function): operands[0].map { $0.applying(function) }
    case .binary(.pow): zip(operands[0], operands[1]).map { $0.power($1) }
    case .binary, .compare, .select, .cast, .philox: preconditionFailure("\(name) has a program")
    }
  }
}

extension Double {
  fileprivate func applying(_ function: UnaryFunction) -> Double {
    switch function {
    case .exp: exp(self)
    case .log: log(self)
    case .sin: sin(self)
    case .cos: cos(self)
    case .atan: atan(self)
    case .tanh: tanh(self)
    case .sigmoid: self < 0 ? exp(self) / (1 + exp(self)) : 1 / (1 + exp(-self))
    case .erf: erf(self)
    case .neg, .abs, .sign, .sqrt, .floor, .ceil, .round, .relu, .not, .stopGradient:
      preconditionFailure("\(function) has a program")
    }
  }

  fileprivate func power(_ exponent: Double) -> Double { pow(self, exponent) }
}
