import Descent

/// Times of one step, in microseconds, from the shortest to the longest.
struct Samples {
  let times: [Double]

  var median: Double { times[times.count / 2] }
  var least: Double { times[0] }
  var ninth: Double { times[times.count * 9 / 10] }

  /// Warms up, then runs steps until the time is over; a sample is as many steps as take a millisecond.
  init(_ session: Session, seconds: Double) throws {
    let clock = ContinuousClock()
    let warm = clock.now.advanced(by: .seconds(min(0.25, seconds)))
    var once = Duration.seconds(1_000_000)
    var count = 0
    while count < 3 || clock.now < warm {
      once = min(once, try clock.measure { try session.run() })
      count += 1
    }
    let steps = max(1, Int((0.001 / max(once.seconds, 1e-9)).rounded(.up)))
    let end = clock.now.advanced(by: .seconds(seconds))
    var times: [Double] = []
    while times.isEmpty || clock.now < end {
      let time = try clock.measure { for _ in 0..<steps { try session.run() } }
      times.append(time.seconds / Double(steps) * 1e6)
    }
    self.times = times.sorted()
  }
}

extension Duration {
  var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
