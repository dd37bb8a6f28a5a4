import DescentCodegen
import DescentCompiler
import DescentDiagnostics
import DescentGraph
import DescentTestSupport
import Testing

@Suite struct ExplanationTests {
  /// Two layers, the first of which is an output too, so that not everything can be fused.
  private var network: Graph {
    Graph("network") { g in
      let x = g.input("x", [.batch, 4], file: "m.swift", line: 1)
      g.layers = ["0.Dense"]
      let a = g.parameter("a", [4, 3], .heNormal, file: "m.swift", line: 2)
      let bias = g.parameter("bias", [3], .zeros, file: "m.swift", line: 3)
      let hidden = relu(x.matmul(a, file: "m.swift", line: 4) + bias, file: "m.swift", line: 5)
      g.layers = ["1.Dense"]
      let b = g.parameter("b", [3, 2], .heNormal, file: "m.swift", line: 6)
      let y = exp(hidden.matmul(b, file: "m.swift", line: 7), file: "m.swift", line: 8)
      let total = y.sum(axes: [0], file: "m.swift", line: 9)
      g.layers = []
      g.output("hidden", hidden)
      g.output("share", y / total)
    }
  }

  @Test func inferenceIsExplained() throws {
    // Machine code divides work in its own way.
    let options = CompileOptions(threads: 2, minimumWorkPerThread: 1, backend: .portable)
    let plan = try network.compile(batch: 512, options: options)
    expectSnapshot(
      plan.explanation,
      """
      plan "network" for 2 threads
        inputs   x f32[512, 4]
        outputs  hidden f32[512, 3], share f32[512, 2]
        state    21 trained numbers in 3 parameters, 0 other states; 192 B

      3 kernels: 47.6 kFLOP, 32.0 KiB moved a run, at least 0.37 µs on a nominal machine on 2 threads
         1  contract+add+relu: contraction, 2 threads, 16.8 kFLOP, reads 8.0 KiB, writes 6.0 KiB, at least 0.14 µs
             %3 contract  f32[512, 3]   // 0.Dense  m.swift:4
             %5 add       f32[512, 3]   // 0.Dense  m.swift:4
             %6 relu      f32[512, 3]   // 0.Dense  m.swift:5
             reads  x f32[512, 4], a f32[4, 3], bias f32[3]
             writes %6 f32[512, 3] as output "hidden"
         2  contract+exp: contraction, 2 threads, 28.6 kFLOP, reads 6.0 KiB, writes 4.0 KiB, at least 0.14 µs
             %8 contract  f32[512, 2]   // 1.Dense  m.swift:7
             %9 exp       f32[512, 2]   // 1.Dense  m.swift:8
             reads  %6 f32[512, 3], b f32[3, 2]
             writes %9 f32[512, 2]
         3  sum then div: column, 1 thread, 2.0 kFLOP, reads 4.0 KiB, writes 4.0 KiB, at least 0.08 µs
             %10 sum  f32[2]   // 1.Dense  m.swift:9
             %12 div  f32[512, 2]   // ExplanationTests.swift:22
             reads  %9 f32[512, 2]
             writes %10 f32[2]
             writes %12 f32[512, 2] as output "share"

      the largest costs
         39.7 %       0.14 µs  kernel 2 (contract+exp), bound by arithmetic
         38.3 %       0.14 µs  kernel 1 (contract+add+relu), bound by memory
         21.8 %       0.08 µs  kernel 3 (sum then div), bound by memory

      memory: 22.2 KiB
        constants                   0 B
        state                     192 B
        inputs and outputs     18.0 KiB
        arena                   4.0 KiB
        the arena could not be smaller than 4.0 KiB: 100 % efficient, placed in kernel order, best fit
        what lies where in the arena during which kernels, and with a star what is live at the peak, in kernel 3 (sum then div):
                   0    4.0 KiB * 2–3      %9 exp f32[512, 2]   // 1.Dense  m.swift:8
                4096        8 B * 3–3      %10 sum f32[2]   // 1.Dense  m.swift:9

      what the passes did
        nothing

      what is not fused: 4 edges, 28.0 KiB moved for them
         12.0 KiB  %6 relu → %8 contract: a contraction reads it in memory   // 0.Dense  m.swift:5 → 1.Dense  m.swift:7
          8.0 KiB  %9 exp → %10 sum: contraction and column kernels do not mix   // 1.Dense  m.swift:8 → 1.Dense  m.swift:9
          8.0 KiB  %9 exp → %12 div: another kernel stands between it and its reader   // 1.Dense  m.swift:8 → ExplanationTests.swift:22
             16 B  %10 sum → %12 div: the elements have passed when a reduction is complete   // 1.Dense  m.swift:9 → ExplanationTests.swift:22
      """)
  }

  @Test func trainingIsExplained() throws {
    let graph = Graph("line") { g in
      let x = g.input("x", [.batch, 1], file: "m.swift", line: 1)
      let y = g.input("y", [.batch, 1], file: "m.swift", line: 2)
      let slope = g.parameter("slope", [1, 1], .zeros, file: "m.swift", line: 3)
      let difference = x.matmul(slope, file: "m.swift", line: 4) - y
      g.output("loss", mean(difference * difference, file: "m.swift", line: 5))
    }
    let plan = try graph.minimizing("loss", with: .sgd(0.1))
      .compile(batch: 8, options: CompileOptions(threads: 1))
    expectSnapshot(
      plan.explanation,
      """
      plan "line" for 1 thread
        inputs   x f32[8, 1], y f32[8, 1]
        outputs  loss f32[]
        state    1 trained number in 1 parameter, 2 other states; 192 B

      3 kernels: 76 FLOP, 260 B moved a run, at least 0.00 µs on a nominal machine on 1 thread
         1  contract+sub: contraction, 1 thread, 24 FLOP, reads 68 B, writes 32 B, at least 0.00 µs
             %3 contract  f32[8, 1]   // m.swift:4
             %4 sub       f32[8, 1]   // m.swift:4
             reads  x f32[8, 1], slope f32[1, 1], y f32[8, 1]
             writes %4 f32[8, 1]
         2  2 loops: add, mul+sum+mul+mul+add: bundle, 1 thread, 34 FLOP, reads 40 B, writes 44 B, at least 0.00 µs
             %17 add  i64[]   // sgd
             %5 mul   f32[8, 1]   // m.swift:4
             %6 sum   f32[]   // mean  m.swift:5
             %8 mul   f32[]   // mean  m.swift:5
             %11 mul  f32[8, 1]   // ∇mul  m.swift:4
             %12 add  f32[8, 1]   // ∇mul  m.swift:4
             reads  optimizer.step i64[], %4 f32[8, 1]
             writes %17 i64[] as the new optimizer.step, in place of optimizer.step
             writes %12 f32[8, 1], in place of %4
             writes %8 f32[] as output "loss"
         3  contract+mul+sub: contraction, 1 thread, 18 FLOP, reads 72 B, writes 4 B, at least 0.00 µs
             %13 contract  f32[1, 1]   // ∇contract  m.swift:4
             %19 mul       f32[1, 1]   // sgd  m.swift:3
             %20 sub       f32[1, 1]   // sgd  m.swift:3
             reads  x f32[8, 1], %12 f32[8, 1], optimizer.rate f32[], slope f32[1, 1]
             writes %20 f32[1, 1] as the new slope, in place of slope

      the largest costs
         38.4 %       0.00 µs  kernel 1 (contract+sub), bound by memory
         32.3 %       0.00 µs  kernel 2 (2 loops: add, mul+sum+mul+mul+add), bound by memory
         29.2 %       0.00 µs  kernel 3 (contract+mul+sub), bound by memory

      memory: 448 B
        constants                   0 B
        state                     192 B
        inputs and outputs        192 B
        arena                      64 B
        the arena could not be smaller than 64 B: 100 % efficient, placed in kernel order, best fit
        what lies where in the arena during which kernels, and with a star what is live at the peak, in kernel 1 (contract+sub):
                   0       32 B * 1–2      %4 sub f32[8, 1]   // m.swift:4
                   0       32 B   2–3      %12 add f32[8, 1]   // ∇mul  m.swift:4

      what the passes did
        algebra: div-power-of-two ×1
          div-power-of-two  %8 div: div(x, c) = mul(x, 1/c)   // mean  m.swift:5
        differentiate: gradient ×1
          gradient  dloss/dslope is a value to compute   // m.swift:3
        update: parameter ×1
          parameter  "slope" by sgd   // m.swift:3
        fold.2: fold-repeated ×1, fold-constant ×1
          fold-repeated  %10 mul: f of repeated constants is one repeated constant   // ∇mean  m.swift:5
          fold-constant  %11 reshape: f of constants is a constant   // ∇mean  m.swift:5
        movement.2: broadcast-ones ×1
          broadcast-ones  %18 broadcast: broadcast(x) that only adds axes of 1 = reshape(x)   // sgd  m.swift:3

      what is not fused: 3 edges, 192 B moved for them
             64 B  %4 sub → %5 mul: contraction and row kernels do not mix   // m.swift:4 → m.swift:4
             64 B  %4 sub → %11 mul: contraction and row kernels do not mix   // m.swift:4 → ∇mul  m.swift:4
             64 B  %12 add → %13 contract: a contraction reads it in memory   // ∇mul  m.swift:4 → ∇contract  m.swift:4
      """)
  }

  @Test func whatIsPreparedStandsApart() throws {
    let graph = Graph("prepared") { g in
      let w = g.parameter("w", [8, 8], .heNormal, file: "m.swift", line: 1)
      let b = g.parameter("b", [8], .zeros, file: "m.swift", line: 2)
      let square = w.matmul(exp(w, file: "m.swift", line: 3), file: "m.swift", line: 4)
      let y = g.input("x", [64, 8]).matmul(square, file: "m.swift", line: 5)
      g.output("y", y * sqrt(b, file: "m.swift", line: 6), file: "m.swift", line: 7)
    }
    let options = CompileOptions(threads: 1, backend: .portable)
    expectSnapshot(
      try graph.compile(options: options).explanation,
      """
      plan "prepared" for 1 thread
        inputs   x f32[64, 8]
        outputs  y f32[64, 8]
        state    72 trained numbers in 2 parameters, 0 other states; 320 B

      prepared once, and again when a parameter or state it reads has changed: 3 kernels, 2.4 kFLOP, 320 B kept
         1  exp: map, 1 thread, 1.4 kFLOP, reads 256 B, writes 256 B, at least 0.01 µs
             %2 exp  f32[8, 8]   // m.swift:3
             reads  w f32[8, 8]
             writes %2 f32[8, 8]
         2  contract: contraction, 1 thread, 1.0 kFLOP, reads 512 B, writes 256 B, at least 0.01 µs
             %3 contract  f32[8, 8]   // m.swift:4
             reads  w f32[8, 8], %2 f32[8, 8]
             writes %3 f32[8, 8] to keep
         3  sqrt: map, 1 thread, 8 FLOP, reads 32 B, writes 32 B, at least 0.00 µs
             %6 sqrt  f32[8]   // m.swift:6
             reads  b f32[8]
             writes %6 f32[8] to keep

      1 kernel: 8.7 kFLOP, 4.2 KiB moved a run, at least 0.09 µs on a nominal machine on 1 thread
         4  contract+mul: contraction, 1 thread, 8.7 kFLOP, reads 2.2 KiB, writes 2.0 KiB, at least 0.09 µs
             %5 contract  f32[64, 8]   // m.swift:5
             %8 mul       f32[64, 8]   // m.swift:6
             reads  x f32[64, 8], %3 f32[8, 8], %6 f32[8]
             writes %8 f32[64, 8] as output "y"

      memory: 4.8 KiB
        constants                   0 B
        state                     320 B
        inputs and outputs      4.0 KiB
        arena                     256 B
        prepared                  320 B
        the arena could not be smaller than 256 B: 100 % efficient, placed in kernel order, best fit
        what lies where in the arena during which kernels, and with a star what is live at the peak, in kernel 1 (exp):
                   0      256 B * 1–2      %2 exp f32[8, 8]   // m.swift:3

      what the passes did
        nothing

      what is not fused: 3 edges, 288 B moved for them
            256 B  %3 contract → %5 contract: it is computed once, and its reader in every run   // m.swift:4 → m.swift:5
             32 B  %6 sqrt → %8 mul: it is computed once, and its reader in every run   // m.swift:6 → m.swift:6
              0 B  %2 exp → %3 contract: a contraction reads it in memory   // m.swift:3 → m.swift:4
      """)
  }

  @Test func equalPlansAreExplainedInEqualWords() throws {
    let options = CompileOptions(threads: 3)
    let texts = try (0..<2).map { _ in try network.compile(batch: 7, options: options).explanation }
    #expect(texts[0] == texts[1])
  }

  @Test func withoutFusionEveryNodeIsAKernel() throws {
    let options = CompileOptions(threads: 1, disabled: ["fuse"])
    let lines = try network.compile(batch: 7, options: options).explanation.split(separator: "\n")
    #expect(lines.contains { $0.hasPrefix("   3  relu: map, 1 thread") }, "\(lines)")
  }

  @Test func everyStageIsTimed() throws {
    let plan = try network.compile(batch: 7, options: CompileOptions(threads: 1))
    let lines = plan.timingTable.split(separator: "\n")
    #expect(lines.count == plan.timings.count + 2)
    #expect(lines[0] == "compile time")
    #expect(lines.last?.hasPrefix("  total") == true)
    #expect(lines.last?.hasSuffix("ms    100 %") == true)
  }

  @Test func everyKernelIsTimed() throws {
    let options = CompileOptions(threads: 1, backend: .avx512)
    guard let plan = try? network.compile(batch: 7, options: options) else { return }
    let lines = plan.kernelTimingTable.split(separator: "\n")
    #expect(plan.kernelTimings.count == plan.kernelCount)
    #expect(lines.count == plan.kernelCount + 2)
    #expect(lines[0] == "encoding time")
  }

  /// An attention: what is handed over strip by strip is told apart from what goes through memory.
  @Test func stripsAreExplained() throws {
    let graph = Graph("attention") { g in
      let (q, k) = (g.input("q", [2, 10, 8]), g.input("k", [2, 12, 8]))
      g.output(
        "y",
        scaledDotProductAttention(q, k, exp(k, file: "m.swift", line: 1), file: "m.swift", line: 2))
    }
    let options = CompileOptions(
      threads: 2, minimumWorkPerThread: 1, minimumStripBytes: 0, backend: .portable)
    let plan = try graph.compile(options: options)
    let shown = plan.explanation.split(separator: "\n\n").filter {
      $0.contains("kernels: ") || $0.contains("handed over") || $0.contains("not fused")
    }
    expectSnapshot(
      shown.joined(separator: "\n\n"),
      """
      2 kernels: 18.4 kFLOP, 4.2 KiB moved a run, at least 0.09 µs on a nominal machine on 2 threads
         1  exp: map, 1 thread, 4.2 kFLOP, reads 768 B, writes 768 B, at least 0.02 µs
             %2 exp  f32[2, 12, 8]   // m.swift:1
             reads  k f32[2, 12, 8]
             writes %2 f32[2, 12, 8]
         2  contract+mul then max+sub+exp+sum+div+mul then contract: strips, 2 threads, 14.1 kFLOP, reads 2.1 KiB, writes 640 B, at least 0.07 µs
             %3 contract   f32[2, 10, 12]   // attention  m.swift:2
             %6 mul        f32[2, 10, 12]   // attention  m.swift:2
             %7 max        f32[2, 10]   // attention  m.swift:2
             %10 sub       f32[2, 10, 12]   // attention  m.swift:2
             %11 exp       f32[2, 10, 12]   // attention  m.swift:2
             %12 sum       f32[2, 10]   // attention  m.swift:2
             %16 div       f32[2, 10, 1]   // attention  m.swift:2
             %18 mul       f32[2, 10, 12]   // attention  m.swift:2
             %19 contract  f32[2, 10, 8]   // attention  m.swift:2
             reads  q f32[2, 10, 8], k f32[2, 12, 8], %2 f32[2, 12, 8]
             writes %19 f32[2, 10, 8] as output "y"
             in 2 strips, of each 512 B of %6 f32[2, 10, 12], %18 f32[2, 10, 12]

      what is handed over strip by strip: 3 edges, 5.6 KiB not moved
          1.8 KiB  %6 mul → %7 max: contraction and row kernels do not mix   // attention  m.swift:2 → attention  m.swift:2
          1.8 KiB  %6 mul → %10 sub: contraction and row kernels do not mix   // attention  m.swift:2 → attention  m.swift:2
          1.8 KiB  %18 mul → %19 contract: a contraction reads it in memory   // attention  m.swift:2 → attention  m.swift:2

      what is not fused: 1 edge, 1.5 KiB moved for them
          1.5 KiB  %2 exp → %19 contract: a contraction reads it in memory   // m.swift:1 → attention  m.swift:2
      """)
    let json = plan.explanationJSON
    #expect(json.contains("\"class\":\"strips\"") && json.contains("\"strips\":[2]"))
    #expect(json.ranges(of: "\"stripKernel\":1,").count == 3)
  }
}
