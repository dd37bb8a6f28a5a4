/// Nodes that become one kernel.
///
/// A group computes its members together and stores only its root; the other members live in registers.
/// Movement nodes that a kernel merely reads through, and reshapes, belong to no group.
public struct FusionGroup: Hashable, Sendable {
  /// The class of kernel the group becomes.
  public enum Kind: String, Hashable, Sendable {
    /// Elements of the root's shape, each from elements of what is read.
    case map
    /// A reduction over trailing axes with an elementwise prologue.
    case row
    /// A reduction over leading or middle axes with an elementwise prologue.
    case column
    /// A contraction with an elementwise epilogue.
    case contraction
    /// Additions at places that are data.
    case scatter
  }

  /// The class of kernel.
  public let kind: Kind
  /// The members in graph order.
  public let nodes: [Value]
  /// The member that is stored; always the last one.
  public let root: Value
  /// The reduction, contraction or scatter the kernel is built around; nil for maps.
  public let core: Value?

  /// Creates a group.
  package init(kind: Kind, nodes: [Value], root: Value, core: Value?) {
    self.kind = kind
    self.nodes = nodes
    self.root = root
    self.core = core
  }
}

/// A graph whose nodes are divided into kernels.
public struct FusedGraph: Sendable {
  /// The final graph; the interpreter run on it equals the compiled plan bit for bit.
  public let graph: Graph
  /// The groups, in an order in which they can run.
  public let groups: [FusionGroup]

  /// Creates a divided graph.
  package init(graph: Graph, groups: [FusionGroup]) {
    self.graph = graph
    self.groups = groups
  }
}

extension Op {
  /// Whether element i of the result comes from one affine place of the operand.
  package var isAffineRead: Bool {
    switch self {
    case .movement(.broadcast), .movement(.transpose), .movement(.slice), .movement(.reverse): true
    default: false
    }
  }

  /// Whether the result is the operand's own memory with other extents.
  package var isView: Bool {
    if case .movement(.reshape) = self { true } else { false }
  }

  /// Whether each element is computed by itself, so that the node can live in a register.
  package var isPointwise: Bool {
    switch self {
    case .elementwise, .index(.gather), .index(.oneHot), .movement(.pad), .movement(.concatenate):
      true
    default: false
    }
  }

  /// Whether a kernel forms the elements itself and reads no memory for them.
  package var isInlineLeaf: Bool {
    switch self {
    case .leaf(.iota), .leaf(.size): true
    case .leaf(.constant(let array)): array.count == 1
    default: false
    }
  }
}
