package import DescentGraph

/// What a rule does to the bits of a result.
package enum Numerics: String, Sendable {
  /// Every result keeps every bit, except that any NaN may become any other.
  case exact
  /// Results may be rounded differently; only for users who ask for it.
  case rounding
}

/// The kind of operation at which a rule looks first.
package enum OpKind: Hashable, Sendable {
  case leaf, select, cast, philox, contract, convolve, winograd, gather, scatterAdd, oneHot, argSort
  case unary(UnaryFunction)
  case binary(BinaryFunction)
  case compare(Comparison)
  case reduction(Reduction.Kind)
  case reshape, transpose, broadcast, slice, pad, concatenate, reverse, window

  /// Creates the kind of an operation.
  package init(_ op: Op) {
    switch op {
    case .leaf: self = .leaf
    case .elementwise(let op): self.init(op)
    case .reduction(let op): self = .reduction(op.kind)
    case .movement(let op): self.init(op)
    case .contraction: self = .contract
    case .convolution: self = .convolve
    case .winograd: self = .winograd
    case .index(.gather): self = .gather
    case .index(.scatterAdd): self = .scatterAdd
    case .index(.argSort): self = .argSort
    case .index(.oneHot): self = .oneHot
    }
  }

  private init(_ op: Elementwise) {
    switch op {
    case .unary(let function): self = .unary(function)
    case .binary(let function): self = .binary(function)
    case .compare(let relation): self = .compare(relation)
    case .select: self = .select
    case .cast: self = .cast
    case .philox: self = .philox
    }
  }

  private init(_ op: Movement) {
    switch op {
    case .reshape: self = .reshape
    case .transpose: self = .transpose
    case .broadcast: self = .broadcast
    case .slice: self = .slice
    case .pad: self = .pad
    case .concatenate: self = .concatenate
    case .reverse: self = .reverse
    case .window: self = .window
    }
  }
}

/// What a rule wants in place of a node: values that exist, and nodes to be made from them.
package indirect enum Patch: Sendable {
  /// A value that is there.
  case value(Value)
  /// A node over what other patches yield.
  case node(Op, [Patch])

  /// A node over values that are there.
  package static func node(_ op: Op, of operands: [Value]) -> Patch {
    .node(op, operands.map(Patch.value))
  }

  /// One element repeated to a shape.
  package static func splat(_ splat: Splat, _ shape: Shape) -> Patch {
    let constant = Patch.node(.leaf(.constant(splat.array)), [])
    return shape.rank == 0 ? constant : .node(.movement(.broadcast(shape)), [constant])
  }
}

/// An equation between graphs, read from left to right.
package struct RewriteRule: Sendable {
  /// The name that journal and switches use.
  package let name: String
  /// The equation in words and dump syntax.
  package let equation: String
  /// What it does to bits.
  package let numerics: Numerics
  /// The kinds of operation it begins at; nil means any.
  package let roots: [OpKind]?
  /// Returns the right side where the left side matches.
  package let patch: @Sendable (Match) -> Patch?

  /// Creates a rule from code.
  package init(
    _ name: String, _ equation: String, at roots: OpKind..., numerics: Numerics = .exact,
    patch: @escaping @Sendable (Match) -> Patch?
  ) {
    self.init(name, equation, at: roots, numerics: numerics, patch: patch)
  }

  /// Creates a rule from code, for a list of kinds or, with nil, for all.
  package init(
    _ name: String, _ equation: String, at roots: [OpKind]?, numerics: Numerics = .exact,
    patch: @escaping @Sendable (Match) -> Patch?
  ) {
    self.name = name
    self.equation = equation
    self.numerics = numerics
    self.roots = roots
    self.patch = patch
  }
}

/// The place a rule looks at: a node about to be added, above nodes that are there.
package struct Match {
  /// The graph as far as it is rewritten.
  package let graph: Rewriter
  /// The operation.
  package let op: Op
  /// Its operands.
  package let operands: [Value]
  /// The type of its result.
  package let type: TensorType

  /// Returns the node of a value below.
  package func node(_ value: Value) -> Node { graph.nodes[Int(value.index)] }

  /// Returns the type of an operand.
  package func operandType(_ position: Int) -> TensorType { node(operands[position]).type }

  /// Returns the element a value repeats everywhere, if it is known.
  package func splat(_ value: Value) -> Splat? { graph.splats[Int(value.index)] }

  /// Whether a value below is the same in every run.
  package func isFixed(_ value: Value) -> Bool { graph.fixedValues[value] }

  /// Whether nothing but this node reads a value below.
  package func isReadHereOnly(_ value: Value) -> Bool { graph.readCounts[Int(value.index)] == 1 }

  /// The operation and its only operand's node, where both are movements.
  package var movements: (outer: Movement, inner: Movement, source: Value)? {
    guard case .movement(let outer) = op, operands.count == 1,
      case .movement(let inner) = node(operands[0]).op
    else { return nil }
    return (outer, inner, node(operands[0]).operands[0])
  }
}

/// Rules sorted by the kind of operation they begin at.
package struct RuleSet: Sendable {
  private let all: [RewriteRule]
  private var byRoot: [OpKind: [RewriteRule]] = [:]
  private var everywhere: [RewriteRule] = []

  /// Creates a set from a table.
  package init(_ rules: [RewriteRule]) {
    all = rules
    for rule in rules {
      guard let roots = rule.roots else {
        everywhere.append(rule)
        continue
      }
      for root in roots { byRoot[root, default: []].append(rule) }
    }
  }

  /// Returns the set without the rules that are switched off.
  package func without(_ disabled: Set<String>) -> RuleSet {
    disabled.isEmpty ? self : RuleSet(all.filter { !disabled.contains($0.name) })
  }

  /// Returns the rules that begin at an operation, in the order of the table.
  package func rules(for op: Op) -> [RewriteRule] {
    guard !byRoot.isEmpty, let specific = byRoot[OpKind(op)] else { return everywhere }
    return everywhere.isEmpty ? specific : specific + everywhere
  }
}
