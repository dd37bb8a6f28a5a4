/// A memory plan as plain facts: who touches which bytes when, and which value they hold.
///
/// This is all the checker sees, and it can be written to a file and judged by others.
public struct PlanDump: Hashable, Sendable, Codable {
  /// One contiguous piece of memory.
  public struct Arena: Hashable, Sendable, Codable {
    /// The arena's number.
    public var id: Int
    /// Its size.
    public var bytes: Int
    /// `scratch`, `param`, `io` or `const`.
    public var kind: String

    package init(id: Int, bytes: Int, kind: String) {
      (self.id, self.bytes, self.kind) = (id, bytes, kind)
    }
  }

  /// A range of an arena.
  public struct Buffer: Hashable, Sendable, Codable {
    /// The buffer's number.
    public var id: Int
    /// The arena it lies in.
    public var arena: Int
    /// Its first byte in the arena.
    public var offset: Int
    /// Its size.
    public var bytes: Int
    /// Whether the content must survive between runs; absent means no.
    public var persist: Bool?

    package init(id: Int, arena: Int, offset: Int, bytes: Int, persist: Bool) {
      (self.id, self.arena, self.offset, self.bytes) = (id, arena, offset, bytes)
      self.persist = persist
    }
  }

  /// Bytes `lo ..< hi` of a buffer and the value they hold.
  public struct Range: Hashable, Sendable, Codable {
    /// The buffer's number.
    public var buf: Int
    /// The first byte.
    public var lo: Int
    /// The byte behind the last.
    public var hi: Int
    /// The number of the value in the graph.
    public var value: Int

    package init(buf: Int, lo: Int, hi: Int, value: Int) {
      (self.buf, self.lo, self.hi, self.value) = (buf, lo, hi, value)
    }
  }

  /// One kernel.
  public struct Step: Hashable, Sendable, Codable {
    /// The step's number.
    public var id: Int
    /// The kernel's name.
    public var op: String
    /// What it reads.
    public var reads: [Range]
    /// What it writes.
    public var writes: [Range]
    /// Pairs (read, write) that may overlap, starting at the same byte.
    public var inplace: [[Int]]?
    /// Steps that are finished before this one begins; absent on all means one after the other.
    public var after: [Int]?

    package init(
      id: Int, op: String, reads: [Range], writes: [Range], inplace: [[Int]], after: [Int]
    ) {
      (self.id, self.op, self.reads, self.writes) = (id, op, reads, writes)
      (self.inplace, self.after) = (inplace, after)
    }
  }

  /// The version of the format, 1.
  public var version: Int
  /// Every offset is a multiple of it.
  public var alignment: Int
  /// The pieces of memory.
  public var arenas: [Arena]
  /// What lies in them.
  public var buffers: [Buffer]
  /// The kernels in an order in which they can run.
  public var steps: [Step]
  /// The buffers the caller fills.
  public var inputs: [Int]
  /// What must be there at the end.
  public var outputs: [Range]
  /// What is there before the first step.
  public var initial: [Range]
  /// The number of threads the plan is for.
  public var threads: Int

  package init(
    version: Int, alignment: Int, arenas: [Arena], buffers: [Buffer], steps: [Step],
    inputs: [Int], outputs: [Range], initial: [Range], threads: Int
  ) {
    (self.version, self.alignment, self.threads) = (version, alignment, threads)
    (self.arenas, self.buffers, self.steps) = (arenas, buffers, steps)
    (self.inputs, self.outputs, self.initial) = (inputs, outputs, initial)
  }
}
