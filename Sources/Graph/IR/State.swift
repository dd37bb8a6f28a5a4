/// Everything a session remembers between runs: parameters, optimizer slots, counters and the random seed.
///
/// A state is a plain value. It outlives the session it was read from, can be saved, and fits any plan that
/// has leaves of the same names and types.
public struct State: Hashable, Sendable {
  /// One named tensor.
  public struct Entry: Hashable, Sendable {
    /// The name of the parameter or state.
    public let name: String
    /// Its content.
    public var array: NDArray

    /// Creates an entry.
    public init(_ name: String, _ array: NDArray) {
      self.name = name
      self.array = array
    }
  }

  /// The tensors, in the order of the plan they came from.
  public var entries: [Entry]
  /// The seed the session began with; random numbers are keyed by it.
  public var seed: UInt64

  /// Creates a state.
  public init(_ entries: [Entry] = [], seed: UInt64 = 0) {
    self.entries = entries
    self.seed = seed
  }

  /// Accesses the tensor of a name; assigning nil removes it.
  public subscript(name: String) -> NDArray? {
    get { entries.first { $0.name == name }?.array }
    set {
      let position = entries.firstIndex { $0.name == name }
      switch (position, newValue) {
      case (let position?, let array?): entries[position].array = array
      case (let position?, nil): entries.remove(at: position)
      case (nil, let array?): entries.append(Entry(name, array))
      case (nil, nil): break
      }
    }
  }
}
