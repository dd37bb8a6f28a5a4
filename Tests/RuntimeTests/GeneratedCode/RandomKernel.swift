import DescentCodegen
import DescentGraph
import DescentTestSupport

/// A kernel drawn from a seed, and the bytes its operands hold.
struct RandomKernel {
  let seed: UInt64
  /// What it computes; the axes of its domain have not been merged.
  let body: Kernel.Body
  /// The bytes of the operands that are read, which come first.
  let inputs: [[UInt8]]
  /// What is written to the operands behind them.
  private(set) var outputs: [Output]

  /// The elements of an operand that is written.
  struct Output {
    var type: DataType
    var count: Int
    /// The read operand whose memory it takes, if any.
    var place: Int?
  }

  /// The classes of kernels, with their share of a hundred.
  enum Class: String, CaseIterable {
    case map, row, column, contraction, scatter

    fileprivate var share: Int {
      switch self {
      case .map: 35
      case .row, .column, .contraction: 20
      case .scatter: 5
      }
    }
  }

  init(seed: UInt64) {
    self.seed = seed
    var drawing = ProgramDrawing(seed: seed)
    (body, outputs) =
      switch RandomKernel.drawClass(&drawing) {
      case .map: drawing.drawLoop(.map)
      case .row: drawing.drawLoop(.row)
      case .column: drawing.drawLoop(.column)
      case .contraction: drawing.drawContraction()
      case .scatter: drawing.drawScatter()
      }
    inputs = drawing.operands
    if drawing.random.chance(40) { drawPlaces(&drawing.random) }
  }

  /// Creates a convolution of given shapes with a random epilogue.
  init(_ op: Convolution, _ x: Shape, _ second: Shape, seed: UInt64) {
    self.seed = seed
    var drawing = ProgramDrawing(seed: seed)
    (body, outputs) = drawing.drawConvolution(op, x, second)
    inputs = drawing.operands
  }

  /// Creates a kernel of which only the slices are random.
  init(_ body: Kernel.Body, inputs: [[UInt8]], outputs: [Output], seed: UInt64) {
    (self.seed, self.body, self.inputs, self.outputs) = (seed, body, inputs, outputs)
  }

  private static func drawClass(_ drawing: inout ProgramDrawing) -> Class {
    var number = drawing.random.int(0...99)
    return Class.allCases.first {
      number -= $0.share
      return number < 0
    } ?? .map
  }

  /// Lets outputs take the memory of operands of which each place has read its own element, and no other, by then.
  private mutating func drawPlaces(_ random: inout SplitMix64) {
    for index in outputs.indices where outputs[index].place == nil {
      let candidates = inputs.indices.filter { operand in
        !outputs.contains { $0.place == operand } && isFree(operand, for: inputs.count + index)
          && inputs[operand].count == outputs[index].count * outputs[index].type.byteCount
      }
      if !candidates.isEmpty { outputs[index].place = random.pick(candidates) }
    }
  }

  private func isFree(_ operand: Int, for target: Int) -> Bool {
    switch body {
    case .loop(let loop):
      let writer = loop.stages.firstIndex { $0.stores.contains { $0.operand == target } }
      guard let writer,
        !loop.stages[writer].stores.contains(where: { $0.operand == target && $0.access != nil })
      else { return false }
      return loop.stages.indices.allSatisfy { index in
        let stage = loop.stages[index]
        let isInTime = stage.isSweep == loop.stages[writer].isSweep && index <= writer
        return stage.program.reads(operand, over: loop.domain(of: stage)).allSatisfy {
          $0 && isInTime
        }
      }
    case .contraction(let kernel):
      return operand != kernel.left.operand && operand != kernel.right.operand
        && kernel.epilogue.reads(operand, over: kernel.domain).allSatisfy { $0 }
    case .bundle, .scatter, .sort, .copy, .strips: return false
    }
  }

  /// Which class it is.
  var kind: Class {
    switch body {
    case .loop(let loop): Class(rawValue: loop.loopClass.rawValue) ?? .map
    case .contraction: .contraction
    case .bundle, .scatter, .sort, .copy, .strips: .scatter
    }
  }

  /// The kernel as it is compiled.
  var kernel: Kernel {
    let count = inputs.count + outputs.count
    return Kernel(
      name: "random", body: collapsed,
      operands: (0..<count).map {
        Kernel.Operand(
          buffer: $0, value: Value(0), bytes: 0..<0, access: $0 < inputs.count ? .read : .write)
      },
      grid: TileGrid(units: 1, workPerUnit: 1), inPlace: [], nodes: [], flops: 0)
  }

  private var collapsed: Kernel.Body {
    switch body {
    case .loop(var loop):
      loop.collapse()
      return .loop(loop)
    case .contraction(var contraction):
      (contraction.epilogue, contraction.domain) =
        contraction.epilogue.collapsing(contraction.domain)
      return .contraction(contraction)
    case .bundle, .scatter, .sort, .copy, .strips: return body
    }
  }

  /// Whether there must be machine code for it: the generator takes every loop but those of no lines, those whose
  /// reduced axes are more than one, or not the last of a row, and stages that keep many truth values.
  var isNative: Bool {
    switch collapsed {
    case .loop(let loop):
      let (outer, _, inner) = loop.view
      return outer > 0 && inner > 0 && loop.reduced.count <= 1
        && (loop.loopClass != .row || loop.reduced.upperBound == loop.domain.count)
        && loop.stages.allSatisfy { stage in
          stage.kept.filter { stage.program.types[Int($0)] == .bool }.count <= 4
        }
    case .contraction: return false
    case .scatter: return outputs[0].count > 0
    case .bundle, .sort, .copy, .strips: return false
    }
  }

  /// The extents of what it computes, for messages.
  var description: String {
    switch body {
    case .loop(let loop): "\(kind) of \(loop.domain) along \(loop.reduced)"
    case .contraction(let kernel):
      "product of \(kernel.extents) by \(kernel.chunk), \(kernel.left), \(kernel.right)"
        + (kernel.margins.map { ", \($0)" } ?? "")
    case .scatter(let kernel):
      "scatter of \(kernel.count) to \(kernel.outer)×\(kernel.rows)×\(kernel.inner)"
    case .bundle: "bundle"
    case .sort: "sort"
    case .copy: "copy"
    case .strips: "strips"
    }
  }
}

extension VectorProgram {
  /// For each time an operand is read, whether each place reads its own element.
  fileprivate func reads(_ operand: Int, over domain: [Int]) -> [Bool] {
    instructions.compactMap { step in
      switch step {
      case .load(operand, let access, _): access.isIdentity(over: domain)
      case .gather(operand, _, _, _, _): false
      default: nil
      }
    }
  }
}
