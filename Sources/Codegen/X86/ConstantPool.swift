/// A place in the constant pool.
package struct Constant: Hashable, Sendable {
  let number: Int
}

extension Constant: CustomStringConvertible {
  /// The name in listings.
  package var description: String { "C\(number)" }
}

/// The constants of a piece of code, laid out behind it; equal ones are stored once.
///
/// Each constant is aligned to its size, a power of two up to 64; tables are many times 64 bytes long. The largest come
/// first, so nothing is lost between.
struct ConstantPool {
  private var contents: [[UInt8]] = []
  private var numbers: [[UInt8]: Int] = [:]
  /// The constants that repeat a number, most of which are asked for again and again.
  private var repetitions: [Repetition: Constant] = [:]

  /// A number and how often it is repeated.
  private struct Repetition: Hashable {
    let bits: UInt64
    let bitWidth: Int
    let count: Int
  }

  /// Whether nothing is stored.
  var isEmpty: Bool { contents.isEmpty }
  /// The bytes all constants take.
  var byteCount: Int { contents.reduce(0) { $0 + $1.count } }
  /// The alignment the first, largest one needs.
  var alignment: Int { contents.reduce(1) { max($0, min($1.count, 64)) } }

  /// Returns the place of some bytes.
  /// - Precondition: Their number is a power of two, or many times 64.
  mutating func insert(_ bytes: [UInt8]) -> Constant {
    precondition(
      [1, 2, 4, 8, 16, 32].contains(bytes.count) || (bytes.count % 64 == 0 && !bytes.isEmpty),
      "\(bytes.count) constant bytes")
    if let number = numbers[bytes] { return Constant(number: number) }
    numbers[bytes] = contents.count
    contents.append(bytes)
    return Constant(number: contents.count - 1)
  }

  /// Returns the place of a number that is repeated.
  /// - Precondition: The bytes that makes are as many as a constant may have.
  mutating func insert<Bits: FixedWidthInteger & UnsignedInteger>(
    repeating bits: Bits, count: Int
  ) -> Constant {
    let repetition = Repetition(bits: UInt64(bits), bitWidth: Bits.bitWidth, count: count)
    if let known = repetitions[repetition] { return known }
    var bytes: [UInt8] = []
    for _ in 0..<count {
      for position in 0..<Bits.bitWidth / 8 {
        bytes.append(UInt8(truncatingIfNeeded: bits >> (8 * position)))
      }
    }
    let constant = insert(bytes)
    repetitions[repetition] = constant
    return constant
  }

  /// Appends the constants to the code and returns the offset of each.
  func append(to code: inout CodeBuffer) -> [Int] {
    var offsets = [Int](repeating: 0, count: contents.count)
    let order = contents.indices.sorted {
      (contents[$1].count, $0) < (contents[$0].count, $1)
    }
    for number in order {
      offsets[number] = code.offset
      code.append(contentsOf: contents[number])
    }
    return offsets
  }
}
