/// What the learning rate is at each step.
public struct RateSchedule: Sendable {
  private let rate: @Sendable (Int) -> Double

  /// Creates a schedule from the number of steps that are finished.
  public init(_ rate: @escaping @Sendable (_ step: Int) -> Double) {
    self.rate = rate
  }

  /// Returns the rate of a step, counted from 0.
  public func callAsFunction(step: Int) -> Double { rate(step) }

  /// From one rate to another along half a cosine, and then the other (Loshchilov and Hutter, 2017).
  public static func cosine(from start: Double, to end: Double = 0, steps: Int) -> RateSchedule {
    RateSchedule { step in
      guard step < steps else { return end }
      return end + (start - end) * (1 + cosineOfHalfTurns(Double(step) / Double(steps))) / 2
    }
  }

  /// A rate that is multiplied by a factor after every so many steps, at least one.
  public static func steps(from start: Double, factor: Double, every count: Int) -> RateSchedule {
    RateSchedule { step in
      (0..<min(step / max(count, 1), 2000)).reduce(start) { rate, _ in rate * factor }
    }
  }

  /// This schedule behind so many steps in which the rate rises from near 0 to its first.
  public func warmedUp(over count: Int) -> RateSchedule {
    let count = max(0, count)
    return RateSchedule { step in
      step < count ? self(step: 0) * Double(step + 1) / Double(count) : self(step: step - count)
    }
  }

  /// cos(π·x) for x from 0 to 1, by its series around the nearest of 0, ½ and 1, from exact operations alone.
  private static func cosineOfHalfTurns(_ x: Double) -> Double {
    guard x <= 0.5 else { return -cosineOfHalfTurns(1 - x) }
    let (angle, isSine) = x > 0.25 ? (Double.pi * (0.5 - x), true) : (Double.pi * x, false)
    var (sum, term) = isSine ? (angle, angle) : (1.0, 1.0)
    for order in stride(from: isSine ? 2.0 : 1.0, to: 24, by: 2) {
      term *= -angle * angle / (order * (order + 1))
      sum += term
    }
    return sum
  }
}
