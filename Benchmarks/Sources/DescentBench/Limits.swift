import ArgumentParser
import Descent
import Foundation

struct Limits: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure the FMA peak by vector width and the bandwidth of each cache level.")

  @Option(help: "How many threads run at once.")
  var threads = 1

  func run() throws {
    let limits = try MachineLimits(measuringThreads: threads)
    print("\(threads) thread\(threads == 1 ? "" : "s")")
    for peak in limits.peaks {
      print(String(format: "FMA %d bit   %7.1f GFLOP/s", peak.vectorBits, peak.gigaflops))
    }
    print("GB/s         read    write    triad   working set a thread")
    for level in limits.bandwidths {
      let name = level.level.rawValue.padding(toLength: 8, withPad: " ", startingAt: 0)
      let rates = String(format: "%8.1f %8.1f %8.1f", level.read, level.write, level.triad)
      print("\(name) \(rates)   \(level.byteCount >> 10) KiB")
    }
  }
}
