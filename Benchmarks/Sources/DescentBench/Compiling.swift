import ArgumentParser
import Descent
import Foundation

/// Measures the compiler itself.
struct Compiling: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compile",
    abstract: "Measure how long graphs take to compile: workloads, and graphs of some size.",
    discussion: """
      A graph of some size is `chain:N`, elementwise operations one after the other with their gradients, or `layers:N`, \
      residual layers with products, normalisation and Adam. N is the least number of nodes of the final graph.
      """)

  @Argument(help: "Workloads as `list` names them, `chain:N` or `layers:N`.")
  var graphs = [
    "mlp_mnist_train", "xfmr_train", "chain:10000", "chain:100000", "layers:10000",
    "layers:100000",
  ]
  @Option(help: "How many threads the work is divided among.") var threads = 1
  @Option(help: "How often each is compiled.") var runs = 5
  @Flag(help: "Apply equations that round differently too.") var fast = false
  @Flag(help: "Print how long each stage of the fastest compile took.") var stages = false

  func run() throws {
    for name in graphs {
      let (graph, outputs) = try CompiledGraph.named(name)
      let options = CompileOptions(threads: threads, fast: fast)
      var fastest: (milliseconds: Double, plan: Plan)?
      var times: [Double] = []
      let clock = ContinuousClock()
      for _ in 0..<max(1, runs) {
        let start = clock.now
        let plan = try graph.compile(outputs: outputs, options: options)
        let time = start.duration(to: clock.now).seconds * 1e3
        times.append(time)
        if time < fastest?.milliseconds ?? .infinity { fastest = (time, plan) }
      }
      guard let (least, plan) = fastest else { continue }
      let median = times.sorted()[times.count / 2]
      print(
        String(
          format: "%@ %7d nodes %6d kernels   least %9.2f ms   median %9.2f ms",
          name.padding(toLength: 20, withPad: " ", startingAt: 0), plan.graph.nodes.count,
          plan.kernelCount, least, median))
      if stages { print(plan.timingTable) }
    }
  }
}

/// The graphs whose compile is measured.
enum CompiledGraph {
  static func named(_ name: String) throws -> (graph: Graph, outputs: [String]?) {
    if let workload = Workload.all.first(where: { $0.name == name }) {
      let (graph, outputs) = try workload.graph()
      return (graph, outputs)
    }
    let parts = name.split(separator: ":")
    guard parts.count == 2, let count = Int(parts[1]), count > 0 else {
      throw ValidationError("\"\(name)\" is no workload, nor chain:N, nor layers:N")
    }
    switch parts[0] {
    case "chain": return (try chain(count), nil)
    case "layers": return (try layers(count), nil)
    default: throw ValidationError("\"\(name)\" is no workload, nor chain:N, nor layers:N")
    }
  }

  /// Additions with a tanh here and there: forward and backward about twice as many nodes as operations.
  private static func chain(_ count: Int) throws -> Graph {
    try Graph("chain") { g in
      var x = g.input("x", [64])
      let w = g.parameter("w", [64], .constant(0.5))
      for index in 0..<count / 2 { x = index % 10 == 0 ? tanh(x * w) : x + w }
      g.output("loss", mean(x))
    }.minimizing("loss", with: .sgd(0.1))
  }

  /// Residual layers; each has about a hundred nodes there, back and in the update.
  private static func layers(_ count: Int) throws -> Graph {
    try Graph("layers") { g in
      var x = g.input("x", [32, 64])
      for index in 0..<(count + 109) / 110 {
        let scale = g.parameter("\(index).scale", [64], .ones)
        let shift = g.parameter("\(index).shift", [64], .zeros)
        let weight = g.parameter("\(index).weight", [64, 64], .heNormal)
        let bias = g.parameter("\(index).bias", [64], .zeros)
        x = x + gelu(layerNorm(x, scale: scale, shift: shift).matmul(weight) + bias)
      }
      g.output("loss", mse(x, g.input("target", [32, 64])))
    }.minimizing("loss", with: .adam(1e-3))
  }
}
