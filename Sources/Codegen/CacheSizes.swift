/// How much a processor keeps close at hand, in bytes; blocks of products are chosen by it.
///
/// A plain value: what the running processor has is found out by the runtime.
package struct CacheSizes: Hashable, Sendable, Codable {
  /// The first level, for data, of one core.
  package var level1: Int
  /// The second level, most often of one core.
  package var level2: Int
  /// The third level, which several cores share, or 0 where there is none.
  package var level3: Int
  /// The unit in which memory moves between the levels.
  package var line: Int

  package init(level1: Int, level2: Int, level3: Int, line: Int) {
    self.level1 = level1
    self.level2 = level2
    self.level3 = level3
    self.line = line
  }

  /// What nearly every processor of the last ten years has at least.
  package static let modest = CacheSizes(
    level1: 32 << 10, level2: 256 << 10, level3: 4 << 20, line: 64)
}
