import ArgumentParser
import Foundation

extension Workload {
  /// Everything that can be measured.
  static var all: [Workload] { networks + convolutional + kernels }
}

struct List: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Name the workloads.")

  func run() {
    for workload in Workload.all {
      let name = workload.name.padding(toLength: 26, withPad: " ", startingAt: 0)
      let kind = workload.kind.name.padding(toLength: 6, withPad: " ", startingAt: 0)
      let cost = String(
        format: "%12.1f MFLOP %9.1f MB", workload.operations / 1e6, Double(workload.bytes) / 1e6)
      print("\(name) \(kind)\(cost)")
    }
  }
}
