// Written out because of one number: padding with −0 is not padding with +0, and NaN is NaN. Were they
// compared as numbers, interning would make two different nodes one.

extension Movement {
  /// Whether two movements do the same to every bit.
  public static func == (left: Movement, right: Movement) -> Bool {
    switch (left, right) {
    case (.reshape(let a), .reshape(let b)), (.broadcast(let a), .broadcast(let b)): a == b
    case (.transpose(let a), .transpose(let b)), (.reverse(let a), .reverse(let b)): a == b
    case (.concatenate(let a), .concatenate(let b)): a == b
    case (
      .window(let axis, let size, let stride, let dilation),
      .window(let otherAxis, let otherSize, let otherStride, let otherDilation)
    ):
      axis == otherAxis && size == otherSize && stride == otherStride && dilation == otherDilation
    case (
      .slice(let starts, let limits, let strides),
      .slice(let otherStarts, let otherLimits, let otherStrides)
    ):
      starts == otherStarts && limits == otherLimits && strides == otherStrides
    case (
      .pad(let low, let high, let interior, let value),
      .pad(let otherLow, let otherHigh, let otherInterior, let otherValue)
    ):
      low == otherLow && high == otherHigh && interior == otherInterior
        && value.bitPattern == otherValue.bitPattern
    default: false
    }
  }

  /// Feeds everything but the padding's bits to a hasher; equal movements hash alike.
  public func hash(into hasher: inout Hasher) {
    switch self {
    case .reshape(let shape), .broadcast(let shape): hasher.combine(shape)
    case .transpose(let axes), .reverse(let axes): hasher.combine(axes)
    case .slice(let starts, let limits, let strides):
      hasher.combine(starts)
      hasher.combine(limits)
      hasher.combine(strides)
    case .pad(let low, let high, let interior, _):
      hasher.combine(low)
      hasher.combine(high)
      hasher.combine(interior)
    case .concatenate(let axis): hasher.combine(axis)
    case .window(let axis, let size, let stride, let dilation):
      hasher.combine([axis, size, stride, dilation])
    }
  }
}
