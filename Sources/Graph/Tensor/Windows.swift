// Windows over axes and what is pooled from them.

/// How windows lie along one axis.
public struct Window: Sendable {
  /// The number of elements of a window.
  public var size: Int
  /// The distance between neighbouring windows.
  public var stride: Int
  /// The distance between neighbouring elements of a window.
  public var dilation: Int
  /// How many places before and behind the axis windows may reach.
  public var padding: (low: Int, high: Int)
  /// Whether a last window may reach further behind, as long as it begins within the axis or the padding before it.
  public var roundsUp: Bool

  /// Creates windows; without a stride they lie side by side.
  public init(
    size: Int, stride: Int? = nil, dilation: Int = 1, padding: (Int, Int) = (0, 0),
    roundsUp: Bool = false
  ) {
    self.size = size
    self.stride = stride ?? size
    self.dilation = dilation
    self.padding = padding
    self.roundsUp = roundsUp
  }

  /// Creates windows with equally many places before and behind.
  public init(
    size: Int, stride: Int? = nil, dilation: Int = 1, padding: Int, roundsUp: Bool = false
  ) {
    self.init(
      size: size, stride: stride, dilation: dilation, padding: (padding, padding),
      roundsUp: roundsUp)
  }

  /// Returns what is wrong with the numbers for an axis, or nil.
  fileprivate func mistake(for extent: Int) -> String? {
    let pads = "padding \(padding.low), \(padding.high)"
    let spelled = "\(size) elements, \(dilation) apart"
    guard size >= 1, stride >= 1, dilation >= 1, padding.low >= 0, padding.high >= 0 else {
      return "size \(size), stride \(stride), dilation \(dilation) and \(pads) are no window"
    }
    let limit = Int(Int32.max)
    guard max(size, stride, dilation, padding.low, padding.high) < limit, extent < limit else {
      return "size \(size), stride \(stride), dilation \(dilation) or \(pads) is too great"
    }
    guard padding.low < reach, padding.high < reach else {
      return "\(pads) holds a whole window of \(spelled)"
    }
    guard extent + padding.low + padding.high >= reach else {
      return "a window of \(spelled), is longer than \(extent) and \(pads)"
    }
    return nil
  }

  /// From the first element of a window through the last.
  fileprivate var reach: Int { (size - 1) * dilation + 1 }

  /// Returns how many windows there are.
  fileprivate func count(on extent: Int) -> Int {
    let room = extent + padding.low + padding.high - reach
    guard roundsUp else { return room / stride + 1 }
    let count = (room + stride - 1) / stride + 1
    // The last window begins within the axis or the padding before it.
    return (count - 1) * stride >= extent + padding.low ? count - 1 : count
  }

  /// Returns how many places behind the axis the last window reaches, at least the padding.
  fileprivate func high(on extent: Int) -> Int {
    max(padding.high, (count(on: extent) - 1) * stride + reach - extent - padding.low)
  }
}

extension Tensor {
  /// Returns an axis as two: the places where a window fits, and the window's elements.
  ///
  /// Windows may overlap; they are read where they lie, not copied.
  public func windows(
    axis: Int, size: Int, stride: Int = 1, dilation: Int = 1, file: String = #fileID,
    line: Int = #line
  ) -> Tensor {
    builder.at(Site(file, line), "windows") {
      guard let axis = normalized(axis, "windows") else { return Tensor(builder, nil) }
      return apply(
        .movement(.window(axis: axis, size: size, stride: stride, dilation: dilation)))
    }
  }
}

/// Returns the greatest element of each window; padding counts as less than every number.
public func maxPool(
  _ x: Tensor, _ windows: [Int: Window], file: String = #fileID, line: Int = #line
) -> Tensor {
  x.builder.at(Site(file, line), "maxPool") {
    guard let pool = Pool(x, windows, padding: -.infinity, "maxPool") else {
      return Tensor(x.builder, nil)
    }
    return pool.reduced(.max)
  }
}

/// Returns where the greatest element of each window lies among the elements of the pooled axes, as `i32`.
public func maxPoolIndices(
  _ x: Tensor, _ windows: [Int: Window], file: String = #fileID, line: Int = #line
) -> Tensor {
  x.builder.at(Site(file, line), "maxPoolIndices") {
    guard let pool = Pool(x, windows, padding: -.infinity, "maxPoolIndices"),
      let places = Pool(x.places(on: windows), windows, padding: 0, "maxPoolIndices")
    else { return Tensor(x.builder, nil) }
    let elements = pool.elements
    let winner = elements.reduce(.argMax, [x.rank], true)
    let isWinner = x.builder.iota(elements.shape, axis: x.rank) .== winner
    let place = places.elements
    return select(isWinner, place, place.number(0)).reduce(.sum, [x.rank], false)
  }
}

/// Returns the sum of each window; padding counts as 0.
public func sumPool(
  _ x: Tensor, _ windows: [Int: Window], file: String = #fileID, line: Int = #line
) -> Tensor {
  x.builder.at(Site(file, line), "sumPool") {
    guard let pool = Pool(x, windows, padding: 0, "sumPool") else { return Tensor(x.builder, nil) }
    return pool.reduced(.sum)
  }
}

/// Returns the mean of each window.
///
/// - Parameters:
///   - x: Any tensor of real numbers.
///   - windows: The windows along each pooled axis.
///   - countsPadding: Whether padding counts as elements that are 0. What a rounded-up window has beyond never does.
///   - divisor: What sums are divided by, if not by the number of elements.
///   - file: The caller's file.
///   - line: The caller's line.
/// - Returns: The means.
public func averagePool(
  _ x: Tensor, _ windows: [Int: Window], countsPadding: Bool = true, divisor: Int? = nil,
  file: String = #fileID, line: Int = #line
) -> Tensor {
  x.builder.at(Site(file, line), "averagePool") {
    let sum = sumPool(x, windows)
    guard !sum.isPlaceholder else { return sum }
    if let divisor {
      guard divisor != 0 else { return x.failure("averagePool: the divisor is 0") }
      return sum / Double(divisor)
    }
    var count = sum.number(1)
    for (key, window) in windows.sorted(by: { $0.key < $1.key }) {
      let axis = key < 0 ? key + x.rank : key
      let counts = window.counts(on: x.shape[axis].fixed ?? 0, countsPadding: countsPadding)
      var extents = [Int](repeating: 1, count: x.rank)
      extents[axis] = counts.count
      let array = NDArray(counts.map { Float($0) }, dimensions: extents)
      count = count * x.builder.constant(array).cast(to: x.dataType)
    }
    return sum / count
  }
}

extension Window {
  /// Returns how many elements each window has.
  fileprivate func counts(on extent: Int, countsPadding: Bool) -> [Int] {
    (0..<count(on: extent)).map { window in
      (0..<size).count { element in
        let place = window * stride + element * dilation - padding.low
        return countsPadding
          ? place < extent + padding.high : place >= 0 && place < extent
      }
    }
  }
}

/// A tensor that is padded for windows over some axes.
private struct Pool {
  private let padded: Tensor
  /// The windows along each axis, in the order of the axes.
  private var windows: [(axis: Int, window: Window)] = []

  init?(_ x: Tensor, _ windows: [Int: Window], padding: Double, _ name: String) {
    for (axis, window) in windows.sorted(by: { $0.key < $1.key }) {
      guard let axis = x.normalized(axis, name) else { return nil }
      guard let extent = x.shape[axis].fixed, !self.windows.contains(where: { $0.axis == axis })
      else {
        _ = x.failure("\(name): axis \(axis) of \(x.shape) depends on the batch size, or is twice")
        return nil
      }
      if let mistake = window.mistake(for: extent) {
        _ = x.failure("\(name): axis \(axis) of \(x.shape): \(mistake)")
        return nil
      }
      self.windows.append((axis, window))
    }
    self.windows.sort { $0.axis < $1.axis }
    var (low, high) = ([Int](repeating: 0, count: x.rank), [Int](repeating: 0, count: x.rank))
    for (axis, window) in self.windows {
      low[axis] = window.padding.low
      high[axis] = window.high(on: x.shape[axis].fixed ?? 0)
    }
    let isPadded = (low + high).contains { $0 != 0 }
    padded = isPadded ? x.pad(low: low, high: high, value: padding) : x
    guard !padded.isPlaceholder else { return nil }
  }

  /// Returns each window reduced along one axis after the other: with two axes of three elements six meet, not nine.
  ///
  /// The last axis is the first, for its windows' elements are near each other: they are read in order.
  func reduced(_ kind: Reduction.Kind) -> Tensor {
    windows.reversed().reduce(padded) { result, next in
      let elements = result.viewed(next.axis, next.window)
      // Along the last axis, many places side by side are a better loop than a few elements.
      guard next.axis == result.rank - 1 else {
        return elements.reduce(kind, [next.axis + 1], false)
      }
      return elements.swapAxes(next.axis, next.axis + 1).reduce(kind, [next.axis], false)
    }
  }

  /// The elements of each window along one new axis behind all others.
  var elements: Tensor {
    let result = windows.reversed().reduce(padded) { $0.viewed($1.axis, $1.window) }
    // The places keep their axes; each window's elements follow its place until they are moved behind.
    let sources = windows.enumerated().map { $0.element.axis + $0.offset + 1 }
    let rank = padded.rank
    return result.moveAxes(sources, to: Array(rank..<rank + windows.count)).flatten(from: rank)
  }
}

extension Tensor {
  fileprivate func viewed(_ axis: Int, _ window: Window) -> Tensor {
    windows(
      axis: axis, size: window.size, stride: window.stride, dilation: window.dilation)
  }
}

extension Tensor {
  /// Returns for each element where it lies among the elements of some axes, in row-major order.
  fileprivate func places(on windows: [Int: Window]) -> Tensor {
    var (place, stride) = (builder.scalar(0, .i32).broadcast(to: shape), 1)
    for axis in Set(windows.keys.map { $0 < 0 ? $0 + rank : $0 }).sorted().reversed()
    where shape.extents.indices.contains(axis) {
      place = place + builder.iota(shape, axis: axis) * Double(stride)
      stride *= shape[axis].fixed ?? 1
    }
    return place
  }
}

extension Tensor {
  /// Returns windows added up to the axis they were taken from, which has so many elements.
  ///
  /// Elements a stride apart in a window lie where those of its neighbours do: a run of `stride` neighbours of all
  /// windows tiles the axis, and there are ⌈size / stride⌉ runs. With gaps between the elements each is a run.
  package func addingWindows(axis: Int, to extent: Int, stride: Int, dilation: Int) -> Tensor {
    var extents = shape.extents
    extents.remove(at: axis + 1)
    let (places, size) = (shape[axis].fixed ?? 0, shape[axis + 1].fixed ?? 0)
    let length = dilation == 1 ? Swift.min(stride, extent) : 1
    // No place but the first where the stride is longer than the axis; so long an axis need not be tiled.
    let step = Swift.min(stride, extent)
    var sum: Tensor?
    for start in Swift.stride(from: 0, to: size, by: length) {
      let count = Swift.min(length, size - start)
      var run = slice(
        axis: axis + 1, from: Extent(offset: start), to: Extent(offset: start + count))
      run = run.padded(axis + 1, low: 0, high: step - count)
      extents[axis] = Extent(offset: places * step)
      run = run.reshaped(Shape(extents))
      let low = start * dilation
      let behind = extent - low - places * step
      if behind < 0 { run = run.slice(axis: axis, to: Extent(offset: extent - low)) }
      run = run.padded(axis, low: low, high: Swift.max(behind, 0))
      sum = sum.map { $0 + run } ?? run
    }
    extents[axis] = Extent(offset: extent)
    return sum ?? builder.scalar(0, dataType).broadcast(to: Shape(extents))
  }

  /// Returns the tensor with zeros before and behind one axis.
  fileprivate func padded(_ axis: Int, low: Int, high: Int) -> Tensor {
    guard low != 0 || high != 0 else { return self }
    var (lows, highs) = ([Int](repeating: 0, count: rank), [Int](repeating: 0, count: rank))
    (lows[axis], highs[axis]) = (low, high)
    return pad(low: lows, high: highs)
  }
}
