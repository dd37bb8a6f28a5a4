extension Dataset {
  /// Returns the examples in an order that depends on seed and epoch alone.
  ///
  /// The order is the same on every machine and after every restart, so that training can go on where it stopped.
  public func shuffled(seed: UInt64, epoch: Int = 0) -> Dataset {
    examples(order(seed: seed, epoch: epoch))
  }

  /// Returns two sets, the first with a fraction of the examples, chosen by a seed.
  ///
  /// - Throws: `DatasetError` where the fraction is not between 0 and 1, or leaves nothing for one of the sets.
  public func split(
    _ fraction: Double, seed: UInt64
  ) throws(DatasetError) -> (Dataset, Dataset) {
    guard fraction > 0, fraction < 1 else { throw .fraction(fraction) }
    let firstCount = Int((Double(count) * fraction).rounded())
    guard firstCount > 0, firstCount < count else { throw .emptyPart(fraction, of: count) }
    // A split must not resemble an epoch of the same seed.
    let order = order(seed: seed, epoch: -1)
    return (examples(order[..<firstCount]), examples(order[firstCount...]))
  }

  /// Returns the positions of all examples in an order that depends on seed and epoch alone.
  func order(seed: UInt64, epoch: Int) -> [Int] {
    var random = SplitMix64(seed: seed, stream: UInt64(bitPattern: Int64(epoch)))
    var order = Array(0..<count)
    for last in order.indices.dropFirst().reversed() {
      order.swapAt(last, random.number(below: last + 1))
    }
    return order
  }
}

/// A generator of 64-bit numbers by one addition and a mixing function (Steele, Lea and Flood, 2014).
struct SplitMix64 {
  private var state: UInt64

  /// Creates a generator whose numbers depend on both arguments.
  init(seed: UInt64, stream: UInt64) {
    state = stream
    state = next() ^ seed
  }

  /// Returns the next number.
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  /// Returns a number from 0 up to but without a bound, all equally likely (Lemire, 2019).
  mutating func number(below bound: Int) -> Int {
    let bound = UInt64(bound)
    var product = next().multipliedFullWidth(by: bound)
    // The numbers at the low end would come once too often; they are drawn again.
    let surplus = (0 &- bound) % bound
    while product.low < surplus { product = next().multipliedFullWidth(by: bound) }
    return Int(product.high)
  }
}
