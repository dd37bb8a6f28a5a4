/// The examples of a set in groups of one size; the last group may be smaller.
public struct Batches: Sequence, Sendable {
  private let dataset: Dataset
  private let order: [Int]
  private let size: Int

  init(_ dataset: Dataset, order: [Int], size: Int) {
    self.dataset = dataset
    self.order = order
    self.size = size
  }

  /// How many groups there are.
  public var count: Int { (order.count - 1) / size + 1 }

  /// Creates an iterator over the groups.
  public func makeIterator() -> some IteratorProtocol<Dataset> {
    stride(from: 0, to: order.count, by: size).lazy
      .map { dataset.examples(order[$0..<Swift.min($0 + size, order.count)]) }
      .makeIterator()
  }
}

extension Dataset {
  /// Returns the examples in groups, in their order.
  ///
  /// - Throws: `DatasetError` where the size is less than 1.
  public func batches(size: Int) throws(DatasetError) -> Batches {
    guard size >= 1 else { throw .batchSize(size) }
    return Batches(self, order: Array(0..<count), size: Swift.min(size, count))
  }

  /// Returns the examples in groups, in an order that depends on seed and epoch alone.
  ///
  /// - Throws: `DatasetError` where the size is less than 1.
  public func batches(
    size: Int, seed: UInt64, epoch: Int = 0
  ) throws(DatasetError) -> Batches {
    guard size >= 1 else { throw .batchSize(size) }
    return Batches(self, order: order(seed: seed, epoch: epoch), size: Swift.min(size, count))
  }
}
