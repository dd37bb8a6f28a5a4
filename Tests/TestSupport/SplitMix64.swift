/// A small generator of random numbers that gives the same sequence everywhere (Steele, Lea and Flood, 2014).
package struct SplitMix64: RandomNumberGenerator, Sendable {
  private var state: UInt64

  /// Creates the generator of a seed.
  package init(seed: UInt64) {
    state = seed
  }

  /// Returns the next 64 bits.
  package mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  /// Returns a number of a range.
  package mutating func int(_ range: ClosedRange<Int>) -> Int {
    range.lowerBound + Int(next() % UInt64(range.count))
  }

  /// Returns true in so many of a hundred cases.
  package mutating func chance(_ percent: Int) -> Bool { int(0...99) < percent }

  /// Returns one element.
  ///
  /// - Precondition: There is one.
  package mutating func pick<C: RandomAccessCollection>(_ choices: C) -> C.Element {
    choices[choices.index(choices.startIndex, offsetBy: int(0...choices.count - 1))]
  }

  /// Returns a number from 0 up to but without 1.
  package mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }
}
