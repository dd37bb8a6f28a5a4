/// Nodes that become one kernel.
///
/// A group computes its members together and stores its outputs; the other members live in registers.
/// Movement nodes that a kernel merely reads through, and reshapes, belong to no group.
public struct FusionGroup: Hashable, Sendable {
  /// The class of kernel the group becomes.
  public enum Kind: String, Hashable, Sendable {
    /// Elements of one shape, each from elements of what is read.
    case map
    /// Reductions of one shape over its trailing axes, with what is computed before and behind them.
    case row
    /// Reductions of one shape over leading or middle axes, with what is computed before them, and also behind them
    /// where the axes are short.
    case column
    /// A contraction with an elementwise epilogue.
    case contraction
    /// One of Winograd's maps with an elementwise epilogue.
    case tiles
    /// Additions at places that are data.
    case scatter
    /// Lines put in order.
    case sort

    /// The most nodes that are put into one kernel of this kind, so that it stays small enough to compile; one of tiles
    /// has a program for each element of a tile.
    package var maximumNodes: Int { self == .tiles ? 32 : FusionGroup.maximumNodes }

    /// The most values a kernel of this kind stores.
    ///
    /// The epilogue of a contraction runs beside the sums of a tile: few registers are left for values that wait for
    /// their stores, and ten for addresses.
    package var maximumOutputs: Int {
      switch self {
      case .map, .row, .column: FusionGroup.maximumStreams
      case .contraction: 8
      case .tiles: 4
      case .scatter, .sort: 1
      }
    }
  }

  /// The class of kernel.
  public let kind: Kind
  /// The members in graph order.
  public let nodes: [Value]
  /// The members that are stored, in graph order; never none.
  public let outputs: [Value]
  /// The contraction, map, scatter or sort the kernel is built around; nil for other kinds.
  public let core: Value?
  /// Whether the members have the same values in every run, so that they are computed once.
  public let isPrepared: Bool

  /// Creates a group.
  package init(
    kind: Kind, nodes: [Value], outputs: [Value], core: Value? = nil, isPrepared: Bool = false
  ) {
    self.kind = kind
    self.nodes = nodes
    self.outputs = outputs
    self.core = core
    self.isPrepared = isPrepared
  }

  /// The most nodes that are put into any kernel.
  package static let maximumNodes = 200
  /// The most rows of a column that are gone through again once they are reduced: they are still in the cache then.
  package static let mostRowsSweptAgain = 16
  /// The most values one kernel of several nodes reads from memory and stores, counted together.
  package static let maximumStreams = 24

  /// The last output.
  package var root: Value { outputs[outputs.count - 1] }

  /// Returns the shape whose places the kernel visits: that of a map's, contraction's or tile's elements, and the one
  /// that reductions reduce.
  package func domain(in graph: Graph) -> Shape {
    guard kind == .row || kind == .column,
      let reduction = nodes.first(where: { graph[$0].op.isReduction })
    else { return graph[root].type.shape }
    return graph[graph[reduction].operands[0]].type.shape
  }
}

/// A graph whose nodes are divided into kernels.
public struct FusedGraph: Sendable {
  /// The final graph; the interpreter run on it equals the compiled plan bit for bit.
  public let graph: Graph
  /// The groups, in an order in which they can run.
  public let groups: [FusionGroup]
  /// What became of each value that a group computes, once for each of its readers, in their order.
  public let verdicts: [FusionVerdict]

  /// Creates a divided graph.
  package init(graph: Graph, groups: [FusionGroup], verdicts: [FusionVerdict] = []) {
    self.graph = graph
    self.groups = groups
    self.verdicts = verdicts
  }
}

extension Op {
  /// Whether element i of the result comes from one affine place of the operand.
  package var isAffineRead: Bool {
    switch self {
    case .movement(.broadcast), .movement(.transpose), .movement(.slice), .movement(.reverse),
      .movement(.window):
      true
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

  /// Whether elements meet.
  package var isReduction: Bool { if case .reduction = self { true } else { false } }

  /// Whether matrices are multiplied, or windows with weights.
  package var isContraction: Bool {
    switch self {
    case .contraction, .convolution: true
    default: false
    }
  }

  /// Whether tiles become planes or planes tiles.
  package var isWinograd: Bool { if case .winograd = self { true } else { false } }

  /// Whether slices are added at places that are data.
  package var isScatter: Bool { if case .index(.scatterAdd) = self { true } else { false } }

  /// Whether lines are put in order.
  package var isSort: Bool { if case .index(.argSort) = self { true } else { false } }

  /// Whether a kernel is built around the node.
  package var isCore: Bool { isContraction || isWinograd || isScatter || isSort }

  /// Whether the value comes from outside the computation.
  package var isLeaf: Bool { if case .leaf = self { true } else { false } }

  /// Whether elements are their own place along an axis.
  package var isIota: Bool { if case .leaf(.iota) = self { true } else { false } }

  /// Whether each element is a function of the operands' elements at the same place.
  package var isElementwise: Bool { if case .elementwise = self { true } else { false } }

  /// Whether the result is random words, which are never stored for a gradient.
  package var isRandom: Bool { if case .elementwise(.philox) = self { true } else { false } }

  /// Whether a kernel forms the elements itself and reads no memory for them.
  package var isInlineLeaf: Bool {
    switch self {
    case .leaf(.iota), .leaf(.size): true
    case .leaf(.constant(let array)): array.count == 1
    default: false
    }
  }
}
