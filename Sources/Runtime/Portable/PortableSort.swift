import DescentCodegen
import DescentGraph

/// Runs sorts: elements become whole numbers in the same order, with their indices beside them.
///
/// Short lines are sorted by insertion, long ones digit by digit from the lowest on. Both keep the order of equal
/// elements, and neither allocates.
struct PortableSort {
  let kernel: SortKernel
  let operands: UnsafeMutablePointer<UnsafeMutableRawPointer>

  /// An element as a number, and where in its line it stands.
  private struct Entry {
    var key: UInt64
    var index: Int32
  }

  /// The longest line that insertion sorts faster.
  private static let longestInsertion = 48
  private static let digitCount = 256

  /// The memory that a thread needs: two lists of entries, and a counter for each value of a digit.
  static func scratchBytes(_ kernel: SortKernel) -> Int {
    2 * kernel.extent * MemoryLayout<Entry>.stride + digitCount * MemoryLayout<Int>.stride
  }

  func run(_ units: Range<Int>, _ scratch: ThreadScratch) {
    let counters = scratch.partials.assumingMemoryBound(to: Int.self)
    let entries = (scratch.partials + Self.digitCount * MemoryLayout<Int>.stride)
      .assumingMemoryBound(to: Entry.self)
    let target = operands[kernel.target].assumingMemoryBound(to: Int32.self)
    for unit in units {
      let (outer, inner) = unit.quotientAndRemainder(dividingBy: kernel.inner)
      let start = outer * kernel.extent * kernel.inner + inner
      read(from: start, into: entries)
      let sorted: UnsafeMutablePointer<Entry>
      if kernel.extent <= Self.longestInsertion {
        insert(entries)
        sorted = entries
      } else {
        sorted = sortDigits(entries, entries + kernel.extent, counters)
      }
      for place in 0..<kernel.extent {
        target[start + place * kernel.inner] = sorted[place].index
      }
    }
  }

  /// Reads a line as numbers in the order of its elements, from low to high or, if they descend, from high to low.
  private func read(from start: Int, into entries: UnsafeMutablePointer<Entry>) {
    switch kernel.dataType {
    case .f32:
      read(UInt32.self, from: start, into: entries) { bits in
        let magnitude = bits & 0x7FFF_FFFF
        if magnitude > 0x7F80_0000 { return UInt64(UInt32.max) }
        // Both zeros are one number; below them the order of the bits is the opposite one.
        let isNegative = bits != magnitude && magnitude != 0
        return UInt64(isNegative ? 0x8000_0000 - magnitude : 0x8000_0000 + magnitude)
      }
    case .f64:
      read(UInt64.self, from: start, into: entries) { bits in
        let magnitude = bits & (.max >> 1)
        if magnitude > 0x7FF0_0000_0000_0000 { return .max }
        let isNegative = bits != magnitude && magnitude != 0
        return isNegative ? (1 << 63) - magnitude : (1 << 63) + magnitude
      }
    case .i32: read(UInt32.self, from: start, into: entries) { UInt64($0 ^ (1 << 31)) }
    case .i64: read(UInt64.self, from: start, into: entries) { $0 ^ (1 << 63) }
    case .u8, .bool: read(UInt8.self, from: start, into: entries) { UInt64($0) }
    }
  }

  @inline(__always)
  private func read<T>(
    _ type: T.Type, from start: Int, into entries: UnsafeMutablePointer<Entry>,
    key: (T) -> UInt64
  ) {
    let source = operands[kernel.source].assumingMemoryBound(to: type)
    let flip: UInt64 = kernel.isDescending ? .max : 0
    for place in 0..<kernel.extent {
      let key = key(source[start + place * kernel.inner])
      entries[place] = Entry(key: key ^ flip, index: Int32(truncatingIfNeeded: place))
    }
  }

  private func insert(_ entries: UnsafeMutablePointer<Entry>) {
    guard kernel.extent > 1 else { return }
    for end in 1..<kernel.extent {
      let entry = entries[end]
      var place = end
      while place > 0, entries[place - 1].key > entry.key {
        entries[place] = entries[place - 1]
        place -= 1
      }
      entries[place] = entry
    }
  }

  /// Sorts by one digit after the other, to and fro between two lists, and returns the one that is in order.
  private func sortDigits(
    _ first: UnsafeMutablePointer<Entry>, _ second: UnsafeMutablePointer<Entry>,
    _ counters: UnsafeMutablePointer<Int>
  ) -> UnsafeMutablePointer<Entry> {
    var (from, to) = (first, second)
    for shift in stride(from: 0, to: UInt64.bitWidth, by: 8) {
      for digit in 0..<Self.digitCount { counters[digit] = 0 }
      for place in 0..<kernel.extent { counters[Int((from[place].key >> shift) & 0xFF)] += 1 }
      // What is the same in all keys puts nothing in order.
      if counters[Int((from[0].key >> shift) & 0xFF)] == kernel.extent { continue }
      var start = 0
      for digit in 0..<Self.digitCount {
        let count = counters[digit]
        counters[digit] = start
        start += count
      }
      for place in 0..<kernel.extent {
        let digit = Int((from[place].key >> shift) & 0xFF)
        to[counters[digit]] = from[place]
        counters[digit] += 1
      }
      swap(&from, &to)
    }
    return from
  }
}
