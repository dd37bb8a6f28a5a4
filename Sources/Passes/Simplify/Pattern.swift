package import DescentGraph

/// One side of an equation between elementwise expressions.
///
/// Patterns are written like the mathematics they stand for: `x * one`, `-(-x)`.
///
/// A symbol and what it is applied to, as a plain structure. The cases of an enumeration would be told apart by spare
/// bits of its pointers, and a leak detector would take the tables of rules behind them for lost.
package struct Pattern: Sendable {
  fileprivate let symbol: Symbol
  /// The operands of an operation; variables and numbers have none.
  fileprivate let parts: [Pattern]

  /// What a pattern begins with.
  fileprivate enum Symbol {
    /// Any value; the same variable stands for the same value everywhere in an equation.
    case variable(Int)
    /// A tensor whose elements all are this number, to the bit.
    case number(Double)
    /// An operation on the parts.
    case operation(Elementwise)
  }

  private init(_ symbol: Symbol, _ parts: [Pattern] = []) {
    self.symbol = symbol
    self.parts = parts
  }
}

/// The values that variables stand for.
private struct Bindings {
  private var x: Value?
  private var y: Value?
  private var z: Value?

  subscript(variable: Int) -> Value? {
    get { variable == 0 ? x : variable == 1 ? y : z }
    set {
      switch variable {
      case 0: x = newValue
      case 1: y = newValue
      default: z = newValue
      }
    }
  }
}

extension RewriteRule {
  /// Creates a rule from an equation.
  ///
  /// - Parameters:
  ///   - name: The name that journal and switches use.
  ///   - left: What is looked for; an operation. Commutative ones match in both orders.
  ///   - right: What is equal to it, over the same variables.
  ///   - domain: The element types of x for which the equation holds.
  ///   - numerics: What it does to bits.
  package init(
    _ name: String, _ left: Pattern, _ right: Pattern, for domain: Domain = .any,
    numerics: Numerics = .exact
  ) {
    guard case .operation(let root) = left.symbol else {
      preconditionFailure("rule \(name) does not begin at an operation")
    }
    let kind = OpKind(.elementwise(root))
    self.init(name, "\(left) = \(right)", at: [kind], numerics: numerics) { match in
      guard match.op == .elementwise(root) else { return nil }
      var bindings = Bindings()
      guard Pattern.matches(left.parts, root, match.operands, match, &bindings),
        let x = bindings[0], domain.contains(match.node(x).type.dataType)
      else { return nil }
      return right.patch(match, bindings, root: true)
    }
  }
}

extension Pattern {
  fileprivate static func matches(
    _ parts: [Pattern], _ op: Elementwise, _ operands: [Value], _ match: Match,
    _ bindings: inout Bindings
  ) -> Bool {
    let start = bindings
    if matches(parts, operands, match, &bindings) { return true }
    bindings = start
    return op.isCommutative
      && matches(parts, [operands[1], operands[0]], match, &bindings)
  }

  private static func matches(
    _ parts: [Pattern], _ operands: [Value], _ match: Match, _ bindings: inout Bindings
  ) -> Bool {
    for (part, operand) in zip(parts, operands) {
      guard part.matches(operand, match, &bindings) else { return false }
    }
    return true
  }

  private func matches(_ value: Value, _ match: Match, _ bindings: inout Bindings) -> Bool {
    switch symbol {
    case .variable(let variable):
      if let bound = bindings[variable] { return bound == value }
      bindings[variable] = value
      return true
    case .number(let number):
      guard let splat = match.splat(value) else { return false }
      return splat == Splat(number, splat.dataType)
    case .operation(let op):
      let node = match.node(value)
      guard node.op == .elementwise(op) else { return false }
      return Pattern.matches(parts, op, node.operands, match, &bindings)
    }
  }

  /// Returns the right side; a number takes the result's type at the root, else that of x.
  fileprivate func patch(_ match: Match, _ bindings: Bindings, root: Bool) -> Patch? {
    switch symbol {
    case .variable(let variable): return bindings[variable].map(Patch.value)
    case .number(let number):
      guard let type = root ? match.type : bindings[0].map({ match.node($0).type }),
        let splat = Splat(number, type.dataType)
      else { return nil }
      return .splat(splat, type.shape)
    case .operation(let op):
      var patches: [Patch] = []
      for part in parts {
        guard let patch = part.patch(match, bindings, root: false) else { return nil }
        patches.append(patch)
      }
      return .node(.elementwise(op), patches)
    }
  }
}

// MARK: - Writing patterns

extension Pattern: CustomStringConvertible {
  package static let x = Pattern(.variable(0))
  package static let y = Pattern(.variable(1))
  package static let z = Pattern(.variable(2))

  /// A tensor whose elements all are a number, to the bit.
  package static func number(_ number: Double) -> Pattern { Pattern(.number(number)) }

  package static func + (left: Pattern, right: Pattern) -> Pattern { binary(.add, left, right) }
  package static func - (left: Pattern, right: Pattern) -> Pattern { binary(.sub, left, right) }
  package static func * (left: Pattern, right: Pattern) -> Pattern { binary(.mul, left, right) }
  package static func / (left: Pattern, right: Pattern) -> Pattern { binary(.div, left, right) }
  package static prefix func - (operand: Pattern) -> Pattern { unary(.neg, operand) }

  package static func unary(_ function: UnaryFunction, _ x: Pattern) -> Pattern {
    Pattern(.operation(.unary(function)), [x])
  }
  package static func binary(_ function: BinaryFunction, _ x: Pattern, _ y: Pattern) -> Pattern {
    Pattern(.operation(.binary(function)), [x, y])
  }
  package static func compare(_ relation: Comparison, _ x: Pattern, _ y: Pattern) -> Pattern {
    Pattern(.operation(.compare(relation)), [x, y])
  }
  package static func select(_ x: Pattern, _ y: Pattern, _ z: Pattern) -> Pattern {
    Pattern(.operation(.select), [x, y, z])
  }

  /// The pattern as dumps write expressions.
  package var description: String {
    switch symbol {
    case .variable(let variable): return ["x", "y", "z"][variable]
    case .number(let number):
      let whole = Int(exactly: number)
      return whole.map { number.sign == .minus && $0 == 0 ? "−0" : "\($0)" } ?? "\(number)"
    case .operation(let op):
      return "\(op.name)(" + parts.map(\.description).joined(separator: ", ") + ")"
    }
  }
}
