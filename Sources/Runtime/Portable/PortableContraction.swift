import DescentCodegen
import DescentGraph

/// Runs contraction kernels on a baseline without fused multiply-add: exact, and as fast as that allows.
///
/// The product of two floats is exact in double precision, and so is its sum with a float but for one rounding. The
/// tile keeps its sums as doubles that hold floats, rounds each sum to 24 bits by Veltkamp's method (Dekker,
/// 1971), and watches for the one case in which rounding twice differs from rounding once: a double exactly between
/// two floats. A tile in which that occurs, or factors so small or large that a float result would be subnormal
/// or overflow, is computed again with the library's fused multiply-add.
struct PortableContraction {
  let extents: Contraction.Extents
  /// How many terms are summed by themselves.
  let chunk: Int
  let left: Factor
  let right: Factor
  /// What is left out of sums, if windows reach outside of the left factor.
  let margins: PortableMargins?
  /// What is stored, to operands of these numbers.
  let stores: UnsafeMutablePointer<LoopKernel.Store>
  let storeCount: Int
  let hasEpilogue: Bool
  var machine: BlockMachine

  /// Where a factor's elements are.
  struct Factor {
    let operand: Int
    /// How far each product is from the first.
    let batch: UnsafeMutablePointer<Int>
    /// How far each row of a left factor, or column of a right one, is from the base; it may lie before it where
    /// windows do.
    let kept: UnsafeMutablePointer<Int>
    /// How far each term of a sum is from the first.
    let summed: UnsafeMutablePointer<Int>

    /// The factor of one product.
    fileprivate func matrix(
      _ number: Int, _ operands: UnsafeMutablePointer<UnsafeMutableRawPointer>
    ) -> Matrix {
      let base = operands[operand].assumingMemoryBound(to: Float.self)
      return Matrix(base: base + batch[number], first: 0, kept: kept, summed: summed)
    }
  }

  /// Returns the scratch memory a thread needs, in bytes: raw rows for the epilogue, and behind them gathered ones.
  static func scratchBytes(_ kernel: ContractionKernel) -> Int {
    let terms = kernel.margins.map { $0.sumsWindows ? 0 : kernel.extents.k } ?? 0
    return ContractionKernel.rowsPerUnit * (kernel.extents.n + terms) * 4
  }

  /// Computes the row tiles `range`, counted over the batch and the tiles of each product.
  mutating func run(_ range: Range<Int>) {
    let rowsPerUnit = ContractionKernel.rowsPerUnit
    let tiles = (extents.m + rowsPerUnit - 1) / rowsPerUnit
    var checked = -1
    var isRightSafe = FactorRange()
    for unit in range {
      let (batch, first) = (unit / tiles, unit % tiles * rowsPerUnit)
      let count = min(rowsPerUnit, extents.m - first)
      if batch != checked {
        isRightSafe = right.matrix(batch, machine.operands).range(0, extents.n, terms: extents.k)
        checked = batch
      }
      runRows(batch, first, count, isRightSafe)
    }
  }

  private mutating func runRows(
    _ batch: Int, _ first: Int, _ count: Int, _ rightRange: FactorRange
  ) {
    let n = extents.n
    // Groups follow one another in the result's rows.
    let (product, group) = (batch / extents.groups, batch % extents.groups)
    let start = (product * extents.m + first) * extents.rowLength + group * n
    // Without an epilogue the rows go straight to their place.
    let rows =
      hasEpilogue
      ? machine.scratch.partials.assumingMemoryBound(to: Float.self)
      : machine.operands[stores[0].operand].assumingMemoryBound(to: Float.self) + start
    let (a, b) = (rowsOfLeft(batch, first, count), right.matrix(batch, machine.operands))
    var row = first
    while row < first + count {
      let alike = margins?.alike(row..<first + count) ?? row..<first + count
      runTiles(a, b, row, alike.count, rightRange, rows + (row - first) * rowStep)
      row += alike.count
    }
    guard hasEpilogue else { return }
    guard extents.groups > 1 else { return finish(rows, start, count * n) }
    for row in 0..<count { finish(rows + row * n, start + row * extents.rowLength, n) }
  }

  /// The elements from one row of sums to the next.
  private var rowStep: Int { hasEpilogue ? extents.n : extents.rowLength }

  /// Runs the epilogue over sums, and stores what it gives from an element of the result on.
  private mutating func finish(_ sums: UnsafeMutablePointer<Float>, _ start: Int, _ count: Int) {
    machine.core = UnsafeMutableRawPointer(sums)
    machine.coreStart = start
    var element = start
    while element < start + count {
      let block = min(BlockMachine.blockSize, start + count - element)
      machine.run(element, block)
      for index in 0..<storeCount {
        machine.store(
          index, to: machine.operands[stores[index].operand], at: element, block)
      }
      element += block
    }
  }

  /// Computes up to four rows whose sums have the same terms.
  private func runTiles(
    _ a: Matrix, _ b: Matrix, _ first: Int, _ count: Int, _ rightRange: FactorRange,
    _ rows: UnsafeMutablePointer<Float>
  ) {
    var range = FactorRange()
    for row in first..<first + count {
      let line = a.line(row)
      forEachRun(row) { run in
        for term in run { range.include(line[a.summed[term]]) }
      }
    }
    let isSafe = rightRange.isSafe(with: range, terms: extents.k)
    var column = 0
    while column < extents.n {
      let width = min(4, extents.n - column)
      let isDone =
        isSafe
        && (width == 4
          ? tile(a, b, first, count, column, rows + column)
          : narrowTile(a, b, first, count, column..<column + width, rows + column))
      if !isDone { exactTile(a, b, first, count, column, width, rows + column) }
      column += width
    }
  }

  /// Calls a function with each run of terms of a row, among which may be zeros in the place of missing ones.
  @inline(__always)
  private func forEachRun(_ row: Int, _ body: (Range<Int>) -> Void) {
    guard let margins, margins.sumsWindows else { return body(0..<extents.k) }
    margins.forEachRun(row, body)
  }

  /// Calls a function with the terms of a row, run by run and chunk by chunk, and the number of the chunk, and at last
  /// with no terms of the last chunk.
  ///
  /// Among the terms may be zeros in the place of missing ones, if these are taken.
  @inline(__always)
  private func forEachPart(
    _ row: Int, takesZeros: Bool = true, _ body: (Range<Int>, Int) -> Void
  ) {
    if let margins, !takesZeros {
      margins.forEachRun(row) { cut($0, body) }
    } else {
      forEachRun(row) { cut($0, body) }
    }
    if extents.k > chunk { body(0..<0, (extents.k - 1) / chunk) }
  }

  /// Calls a function with each part of a run that lies in one chunk.
  @inline(__always)
  private func cut(_ run: Range<Int>, _ body: (Range<Int>, Int) -> Void) {
    var start = run.lowerBound
    while start < run.upperBound {
      let number = start / chunk
      let end = min(run.upperBound, (number + 1) * chunk)
      body(start..<end, number)
      start = end
    }
  }

  /// Returns the left factor, of which some rows will be read: where they lack terms, copies with zeros in their place.
  ///
  /// Where factors are finite and nothing underflows, zeros add nothing.
  private func rowsOfLeft(_ batch: Int, _ first: Int, _ count: Int) -> Matrix {
    let matrix = left.matrix(batch, machine.operands)
    guard let margins, !margins.sumsWindows, !margins.areWhole(first..<first + count) else {
      return matrix
    }
    let rows =
      machine.scratch.partials.assumingMemoryBound(to: Float.self)
      + ContractionKernel.rowsPerUnit * extents.n
    rows.update(repeating: 0, count: count * extents.k)
    for row in 0..<count {
      let (line, start) = (rows + row * extents.k, left.kept[first + row])
      margins.forEachRun(first + row) { run in
        for term in run { line[term] = matrix.base[start + left.summed[term]] }
      }
    }
    return Matrix(base: rows, first: first, kept: margins.rows, summed: margins.terms)
  }

  /// Computes up to four rows of four columns; returns false where double rounding might have shown.
  private func tile(
    _ a: Matrix, _ b: Matrix, _ first: Int, _ count: Int, _ column: Int,
    _ rows: UnsafeMutablePointer<Float>
  ) -> Bool {
    var sums = (SIMD4<Double>(), SIMD4<Double>(), SIMD4<Double>(), SIMD4<Double>())
    var totals = (SIMD4<Float>(), SIMD4<Float>(), SIMD4<Float>(), SIMD4<Float>())
    var chunk = 0
    // Rows beyond the last repeat it and are not stored.
    let last = first + count - 1
    let (r0, r1, r2, r3) = (first, min(first + 1, last), min(first + 2, last), last)
    var suspicion = SIMD4<UInt64>()
    let lines = (a.line(r0), a.line(r1), a.line(r2), a.line(r3))
    let columns = (b.line(column), b.line(column + 1), b.line(column + 2), b.line(column + 3))
    forEachPart(first) { part, number in
      while chunk < number {
        PortableContraction.add(&sums.0, to: &totals.0, chunk)
        PortableContraction.add(&sums.1, to: &totals.1, chunk)
        PortableContraction.add(&sums.2, to: &totals.2, chunk)
        PortableContraction.add(&sums.3, to: &totals.3, chunk)
        chunk += 1
      }
      for k in part {
        let (own, other) = (a.summed[k], b.summed[k])
        let factor = SIMD4(
          Double(columns.0[other]), Double(columns.1[other]), Double(columns.2[other]),
          Double(columns.3[other]))
        PortableContraction.step(&sums.0, Double(lines.0[own]), factor, &suspicion)
        PortableContraction.step(&sums.1, Double(lines.1[own]), factor, &suspicion)
        PortableContraction.step(&sums.2, Double(lines.2[own]), factor, &suspicion)
        PortableContraction.step(&sums.3, Double(lines.3[own]), factor, &suspicion)
      }
    }
    guard (suspicion[0] | suspicion[1] | suspicion[2] | suspicion[3]) >> 63 == 0 else {
      return false
    }
    PortableContraction.add(&sums.0, to: &totals.0, chunk)
    PortableContraction.add(&sums.1, to: &totals.1, chunk)
    PortableContraction.add(&sums.2, to: &totals.2, chunk)
    PortableContraction.add(&sums.3, to: &totals.3, chunk)
    let step = rowStep
    for lane in 0..<4 {
      rows[lane] = totals.0[lane]
      if count > 1 { rows[step + lane] = totals.1[lane] }
      if count > 2 { rows[2 * step + lane] = totals.2[lane] }
      if count > 3 { rows[3 * step + lane] = totals.3[lane] }
    }
    return true
  }

  /// Computes up to four rows of fewer columns, one after the other; returns false where double rounding might have
  /// shown.
  private func narrowTile(
    _ a: Matrix, _ b: Matrix, _ first: Int, _ count: Int, _ columns: Range<Int>,
    _ rows: UnsafeMutablePointer<Float>
  ) -> Bool {
    let last = first + count - 1
    let (r0, r1, r2, r3) = (first, min(first + 1, last), min(first + 2, last), last)
    let lines = (a.line(r0), a.line(r1), a.line(r2), a.line(r3))
    var suspicion = SIMD4<UInt64>()
    for column in columns {
      var (sums, totals, chunk) = (SIMD4<Double>(), SIMD4<Float>(), 0)
      let other = b.line(column)
      forEachPart(first) { part, number in
        while chunk < number {
          PortableContraction.add(&sums, to: &totals, chunk)
          chunk += 1
        }
        for k in part {
          let own = a.summed[k]
          let factor = SIMD4(
            Double(lines.0[own]), Double(lines.1[own]), Double(lines.2[own]), Double(lines.3[own]))
          PortableContraction.step(&sums, Double(other[b.summed[k]]), factor, &suspicion)
        }
      }
      PortableContraction.add(&sums, to: &totals, chunk)
      for row in 0..<count {
        rows[row * rowStep + column - columns.lowerBound] = totals[row]
      }
    }
    return (suspicion[0] | suspicion[1] | suspicion[2] | suspicion[3]) >> 63 == 0
  }

  /// Adds a product to sums that hold floats, rounding to float; the top bit of suspicion is set by a tie.
  @inline(__always)
  private static func step(
    _ sums: inout SIMD4<Double>, _ a: Double, _ b: SIMD4<Double>,
    _ suspicion: inout SIMD4<UInt64>
  ) {
    let sum = b * a + sums
    let low = unsafeBitCast(sum, to: SIMD4<UInt64>.self) & 0x1fff_ffff
    // Only a tie's low bits become zero here, and only zero minus one has the top bit set.
    suspicion |= (low ^ 0x1000_0000) &- 1
    let spread = sum * 536_870_913
    sums = spread - (spread - sum)
  }

  /// Adds the sums of a chunk to those of the chunks before, and begins anew.
  @inline(__always)
  private static func add(
    _ sums: inout SIMD4<Double>, to totals: inout SIMD4<Float>, _ chunk: Int
  ) {
    let rounded = SIMD4<Float>(sums)
    totals = chunk == 0 ? rounded : totals + rounded
    sums = SIMD4()
  }

  private func exactTile(
    _ a: Matrix, _ b: Matrix, _ first: Int, _ count: Int, _ column: Int, _ width: Int,
    _ rows: UnsafeMutablePointer<Float>
  ) {
    for row in 0..<count {
      let line = a.line(first + row)
      for lane in 0..<width {
        let other = b.line(column + lane)
        var (sum, total, chunk) = (Float(), Float(), 0)
        forEachPart(first + row, takesZeros: false) { part, number in
          while chunk < number {
            total = chunk == 0 ? sum : total + sum
            (sum, chunk) = (0, chunk + 1)
          }
          for k in part { sum = sum.addingProduct(line[a.summed[k]], other[b.summed[k]]) }
        }
        rows[row * rowStep + lane] = chunk == 0 ? sum : total + sum
      }
    }
  }
}

/// A factor of one product: lines that are kept (rows of a left factor, columns of a right one) with their terms.
private struct Matrix {
  let base: UnsafeMutablePointer<Float>
  /// The number of the first line.
  let first: Int
  let kept: UnsafeMutablePointer<Int>
  let summed: UnsafeMutablePointer<Int>

  @inline(__always)
  func line(_ index: Int) -> UnsafeMutablePointer<Float> { base + kept[index - first] }

  /// Returns the range of exponents in some lines.
  func range(_ first: Int, _ count: Int, terms: Int) -> FactorRange {
    var range = FactorRange()
    for index in first..<first + count {
      let line = line(index)
      for term in 0..<terms { range.include(line[summed[term]]) }
    }
    return range
  }
}

/// The least and greatest exponents among factors, zeros left out.
private struct FactorRange {
  private var least: UInt32 = .max
  private var greatest: UInt32 = 0

  @inline(__always)
  mutating func include(_ element: Float) {
    let magnitude = element.bitPattern & 0x7fff_ffff
    // Zero wraps round to the greatest number and so never is the least.
    least = min(least, magnitude &- 1)
    greatest = max(greatest, magnitude)
  }

  /// Whether sums of products of such factors are neither subnormal nor near overflow.
  ///
  /// A product is a multiple of 2^(e₁ + e₂ − 46). Where that is at least 2^−149, the grid of subnormal floats, a sum
  /// below the normal range is itself a float, so that rounding it to 24 bits changes nothing.
  func isSafe(with other: FactorRange, terms: Int) -> Bool {
    let exponent = { (magnitude: UInt32) in Int(magnitude >> 23) - 127 }
    guard least != .max, other.least != .max else {
      return greatest < 0x7f80_0000 && other.greatest < 0x7f80_0000
    }
    let size = Int.bitWidth - terms.leadingZeroBitCount
    let low = exponent(least &+ 1) + exponent(other.least &+ 1)
    let high = exponent(greatest) + exponent(other.greatest)
    return least &+ 1 >= 0x0080_0000 && other.least &+ 1 >= 0x0080_0000 && low - 46 >= -149
      && high + 2 + size < 127 && greatest < 0x7f80_0000 && other.greatest < 0x7f80_0000
  }
}
