/// What became of a value on its way to one of its readers, and why.
public struct FusionVerdict: Hashable, Sendable {
  /// The value.
  public let producer: Value
  /// The node of a kernel that reads it; nil where the value leaves the graph.
  public let reader: Value?
  /// Whether it stays in a register.
  public let outcome: Outcome
  /// The bytes moved in a run because it does not.
  public let byteCount: Int

  /// Whether a value stays in a register.
  public enum Outcome: Hashable, Sendable {
    /// It does, in the kernel of the group of this number.
    case fused(Int)
    /// It goes through memory.
    case stored(FusionReason)
  }

  /// Creates a verdict.
  package init(producer: Value, reader: Value?, outcome: Outcome, byteCount: Int) {
    self.producer = producer
    self.reader = reader
    self.outcome = outcome
    self.byteCount = byteCount
  }
}

/// Why a value goes through memory.
public enum FusionReason: Hashable, Sendable {
  /// It is the output of a name.
  case output(String)
  /// It becomes the content of a parameter or state.
  case state(Value)
  /// Fusion is switched off.
  case disabled
  /// It is computed once, and its reader in every run.
  case prepared
  // The next five concern the value or another that would be in the same kernel.

  /// It is a contraction's factor.
  case contractionFactor
  /// Slices of it are taken at indices.
  case indexSource
  /// It says where its reader's elements come from or go.
  case indices
  /// A scatter adds it or adds to it.
  case scatterOperand
  /// A sort puts it in order.
  case sortOperand
  /// It or its reader is a copy that exists because its elements are wanted in memory.
  case copy
  /// It is read through a movement, at other places than those at which it is computed.
  case readElsewhere(by: Value)
  /// It and its reader would be in one kernel of two kinds.
  case severalKinds(FusionGroup.Kind, FusionGroup.Kind)
  /// It and its reader are computed over different shapes.
  case differentDomain(Shape, Shape)
  /// Its kernel and its reader's reduce different axes of one shape.
  case differentAxes
  /// Its reader's elements have passed when a reduction in between is complete.
  case reductionBoundary
  /// Their kernel would need the result of a third that needs theirs.
  case cycle
  /// Whether there is such a cycle takes too long to find out.
  case budget
  /// The kernel would have so many members.
  case full(Int)
  /// The kernel would read and write so many values.
  case tooManyStreams(Int)
  /// The kernel would store so many values.
  case tooManyOutputs(Int)
  /// The kernel would go through so many bytes in pieces of a tile's rows.
  case tooScattered(Int)
  /// The kernel would change a state before an index is checked that is out of range.
  case stateBeforeCheck
  /// The kernel would compute many elements in so few units of work.
  case serial(Int)
}

extension FusionReason {
  /// The name of the kind of reason, such as `cycle`: what programs that read a ledger tell reasons apart by.
  public var name: String {
    switch self {
    case .output: "output"
    case .state: "state"
    case .disabled: "disabled"
    case .prepared: "prepared"
    case .contractionFactor: "contractionFactor"
    case .indexSource: "indexSource"
    case .indices: "indices"
    case .scatterOperand: "scatterOperand"
    case .sortOperand: "sortOperand"
    case .copy: "copy"
    case .readElsewhere: "readElsewhere"
    case .severalKinds: "severalKinds"
    case .differentDomain: "differentDomain"
    case .differentAxes: "differentAxes"
    case .reductionBoundary: "reductionBoundary"
    case .cycle: "cycle"
    case .budget: "budget"
    case .full: "full"
    case .tooManyStreams: "tooManyStreams"
    case .tooManyOutputs: "tooManyOutputs"
    case .tooScattered: "tooScattered"
    case .stateBeforeCheck: "stateBeforeCheck"
    case .serial: "serial"
    }
  }

  /// Returns the reason in words that follow the value's name and a colon.
  ///
  /// - Parameter graph: The graph the verdict is about.
  /// - Returns: A clause.
  public func text(in graph: Graph) -> String {
    switch self {
    case .output: "it is an output"
    case .state: "it updates a state"
    case .disabled: "fusion is switched off"
    case .prepared: "it is computed once, and its reader in every run"
    case .contractionFactor: "a contraction reads it in memory"
    case .indexSource: "a gather reads it in memory"
    case .indices: "it holds indices"
    case .scatterOperand: "a scatter reads it in memory"
    case .sortOperand: "a sort reads it in memory"
    case .copy: "it is copied"
    case .readElsewhere(let movement):
      "their kernels meet through \(movement) \(graph[movement].op.name)"
    case .severalKinds(let kind, let other): "\(kind) and \(other) kernels do not mix"
    case .differentDomain(let domain, let other):
      "it is computed over \(domain) and read over \(other)"
    case .differentAxes: "its kernel and its reader's reduce different axes"
    case .reductionBoundary: "the elements have passed when a reduction is complete"
    case .cycle: "another kernel stands between it and its reader"
    case .budget: "too many kernels may stand between it and its reader"
    case .full(let count): "the kernel would compute \(count) nodes"
    case .tooManyStreams(let count): "the kernel would read and write \(count) values"
    case .tooManyOutputs(let count): "the kernel would store \(count) values"
    case .tooScattered(let byteCount):
      "a contraction would go through \(byteCount) bytes, a few at each place"
    case .stateBeforeCheck: "the kernel would change a state before all indices are checked"
    case .serial(let count): "the kernel would have only \(count) units of work"
    }
  }
}
