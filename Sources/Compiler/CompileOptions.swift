public import DescentCodegen

/// How a graph is compiled.
///
/// No option but `disabled` and `fast` can change a bit of any result.
public struct CompileOptions: Sendable {
  /// The number of threads the work is divided among; nil means the usable cores.
  public var threads: Int?
  /// Passes and rewrite rules that are left out, by name; `fuse`, `prepare`, `pack`, `taps`, `strips`,
  /// `order`, `bundle` and `waves` are among them.
  ///
  /// Without `prepare`, what follows from parameters alone is computed in every run, and no memory keeps it from one to
  /// the next.
  public var disabled: Set<String>
  /// The last pass to run before the graph is lowered, by its label.
  public var stopAfter: String?
  /// Whether equations that round differently may be applied too.
  ///
  /// Products of 3×3 windows are then made in Winograd's tiles where that is estimated to cost less: their rounding
  /// errors are up to a few times as large, and an element that is not finite spreads to its whole tile. Large matrix
  /// products are made by Strassen's method where that is estimated to cost less: their errors are small beside the
  /// largest elements of both factors, not beside each result, and an element that is not finite, or a sum of two that
  /// overflows, spreads to other quarters; the sums that are multiplied take memory, those of unchanged weights from
  /// run to run. And among the equations are those that make factors behind a product, such as a batch norm's, factors
  /// of its weights, where the plan updates neither; the session then keeps the scaled weights beside the others.
  public var fast: Bool
  /// Whether dead memory is filled with NaN and the bytes behind each buffer are checked; slow.
  public var poison: Bool
  /// Work below which another thread does not pay, in scalar operations.
  public var minimumWorkPerThread: Int
  /// The size in bytes from which on a value may be computed again where it is read, rather than stored.
  public var minimumRecomputedBytes: Int
  /// The size in bytes from which on a kernel of rows sums columns for one that would read the same once more.
  public var minimumTappedBytes: Int
  /// The size in bytes from which on what some products of a batch hand each other is handed over strip by strip.
  ///
  /// So of an attention's scores there are some rows of one head at a time, for each thread.
  public var minimumStripBytes: Int
  /// The size in bytes from which on a right factor that is the same in every run is packed.
  ///
  /// For two to six rows it is 16 times as much. Copies are as large as the parameters, of which products of few rows
  /// and of many may have one each; sessions of a plan that share a state share them, and make them again when a
  /// parameter has changed.
  public var minimumPackedBytes: Int
  /// The most bytes of memory for everything that lives within one run, `Plan.arenaBytes`; nil means any number.
  ///
  /// Values are computed again rather than kept until the budget is met. Where that is not enough, a `fast` compile
  /// leaves out the passes `winograd` and `strassen`, which take memory for fewer multiplications; where even that is
  /// not, compiling throws what is live at the peak.
  public var memoryBudget: Int?
  /// What executes the kernels; nil means what `DESCENT_BACKEND` names, or else the fastest this machine has.
  public var backend: Backend?
  /// Whether the graph after each pass is kept in `Plan.snapshots`.
  public var keepsSnapshots: Bool
  /// The caches that machine code is written for; nil means this machine's.
  package var caches: CacheSizes?

  /// Creates options; the defaults are those of an ordinary compile.
  public init(
    threads: Int? = nil, disabled: Set<String> = [], stopAfter: String? = nil, fast: Bool = false,
    poison: Bool = false, minimumWorkPerThread: Int = 50_000,
    minimumRecomputedBytes: Int = 32 << 10, minimumTappedBytes: Int = 4 << 20,
    minimumStripBytes: Int = 1 << 20, minimumPackedBytes: Int = 64 << 10,
    memoryBudget: Int? = nil, backend: Backend? = nil, keepsSnapshots: Bool = false
  ) {
    self.threads = threads
    self.disabled = disabled
    self.stopAfter = stopAfter
    self.fast = fast
    self.poison = poison
    self.minimumWorkPerThread = minimumWorkPerThread
    self.minimumRecomputedBytes = minimumRecomputedBytes
    self.minimumTappedBytes = minimumTappedBytes
    self.minimumStripBytes = minimumStripBytes
    self.minimumPackedBytes = minimumPackedBytes
    self.memoryBudget = memoryBudget
    self.backend = backend
    self.keepsSnapshots = keepsSnapshots
  }
}
