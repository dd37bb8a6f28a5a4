public import Descent

/// How long one step of a session took, measured again and again.
public struct StepTimes: Hashable, Sendable {
  /// Microseconds of a step, from the shortest to the longest; a sample is as many steps as take a millisecond.
  public let samples: [Double]
  /// How many steps were measured.
  public let stepCount: Int

  /// The time in the middle, in microseconds.
  public var median: Double { samples[samples.count / 2] }
  /// The shortest time, in microseconds.
  public var least: Double { samples[0] }

  /// Warms up, then runs steps for some seconds with the inputs as they lie in the session's memory.
  public init(_ session: Session, seconds: Double) throws {
    let clock = ContinuousClock()
    let warm = clock.now.advanced(by: .seconds(min(0.25, seconds / 4)))
    var once = Double.infinity
    repeat {
      once = min(once, try clock.measure { try session.run() }.microseconds)
    } while clock.now < warm
    let steps = max(1, Int((1000 / max(once, 1e-3)).rounded(.up)))
    let end = clock.now.advanced(by: .seconds(seconds))
    var samples: [Double] = []
    repeat {
      let time = try clock.measure { for _ in 0..<steps { try session.run() } }
      samples.append(time.microseconds / Double(steps))
    } while clock.now < end
    self.samples = samples.sorted()
    stepCount = samples.count * steps
  }
}

extension Duration {
  /// The duration in microseconds.
  public var microseconds: Double {
    Double(components.seconds) * 1e6 + Double(components.attoseconds) * 1e-12
  }
}
