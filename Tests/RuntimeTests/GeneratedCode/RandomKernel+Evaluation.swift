import DescentCodegen
import DescentGraph

// What a kernel means, one place and one scalar at a time.

extension RandomKernel {
  /// Returns the bits of each output, and the least fault that is reported.
  func evaluate() -> (outputs: [[UInt64]], fault: Int?) {
    switch body {
    case .loop(let loop):
      var evaluation = LoopEvaluation(loop, inputs: inputs, outputCount: outputs.count)
      for stage in loop.stages { evaluation.run(stage) }
      return (evaluation.outputs, evaluation.fault)
    case .contraction(let kernel): return evaluate(kernel)
    case .scatter(let kernel): return evaluate(kernel)
    case .bundle, .sort, .copy, .strips: preconditionFailure("only what has machine code is drawn")
    }
  }

  /// The epilogue of the products that the interpreter computes.
  private func evaluate(_ kernel: ContractionKernel) -> (outputs: [[UInt64]], fault: Int?) {
    let extents = kernel.extents
    let (batch, m, n, k) = (extents.batch, extents.m, extents.n, extents.k)
    let products: [UInt64]
    if let margins = kernel.margins {
      products = evaluate(kernel, margins)
    } else {
      let factor = { (factor: ContractionKernel.Factor, kept: Int) in
        let layout = factor.layout
        let offsets = [layout.batch, layout.kept, layout.summed].map(FactorLayout.distances)
        let bits = offsets[0].flatMap { first in
          offsets[1].flatMap { kept in
            offsets[2].map {
              inputs[factor.operand].element(layout.offset + first + kept + $0, .f32)
            }
          }
        }
        return NDArray(bits: bits, type: TensorType(.f32, Shape([batch, kept, k])))
      }
      products =
        Contraction(transposeRight: true, chunk: kernel.chunk).reference(
          [factor(kernel.left, m), factor(kernel.right, n)],
          result: TensorType(.f32, Shape([batch, m, n]))
        ).bits
    }
    var fault: Int?
    let elements = kernel.epilogue.evaluate(
      over: kernel.domain, kept: kernel.stores.map(\.register), core: sideBySide(products, extents),
      &fault
    ) { operand, offset, type, _ in inputs[operand].element(offset, type) }
    return (elements, fault)
  }

  /// The elements of products one after the other, in the order of the result's rows.
  private func sideBySide(_ products: [UInt64], _ extents: Contraction.Extents) -> [UInt64] {
    let (m, n, groups) = (extents.m, extents.n, extents.groups)
    return products.indices.map { place in
      let (outer, row) = (place / (m * groups * n), place / (groups * n) % m)
      let (group, column) = (place / n % groups, place % n)
      return products[((outer * groups + group) * m + row) * n + column]
    }
  }

  /// The sums of the terms that exist, in their order.
  private func evaluate(_ kernel: ContractionKernel, _ margins: WindowMargins) -> [UInt64] {
    let products = [kernel.left, kernel.right].map { FactorLayout.distances($0.layout.batch) }
    return (0..<kernel.extents.batch).flatMap { number in
      evaluate(kernel, margins, starts: products.map { $0.count == 1 ? $0[0] : $0[number] })
    }
  }

  private func evaluate(
    _ kernel: ContractionKernel, _ margins: WindowMargins, starts: [Int]
  ) -> [UInt64] {
    let places = zip([kernel.left, kernel.right], starts).map { factor, start in
      (
        kept: FactorLayout.distances(factor.layout.kept).map { factor.layout.offset + start + $0 },
        summed: FactorLayout.distances(factor.layout.summed)
      )
    }
    let element = { (operand: Int, place: Int) in
      Float(bitPattern: UInt32(truncatingIfNeeded: inputs[operand].element(place, .f32)))
    }
    return (0..<kernel.extents.m).flatMap { row in
      let terms = (0..<kernel.extents.k).filter { margins.contains(row: row, term: $0) }
      let factors = terms.map {
        element(kernel.left.operand, places[0].kept[row] + places[0].summed[$0])
      }
      return (0..<kernel.extents.n).map { column in
        var (sum, total, chunk) = (Float(), Float(), 0)
        let goOn = {
          total = chunk == 0 ? sum : total + sum
          (sum, chunk) = (0, chunk + 1)
        }
        for (term, factor) in zip(terms, factors) {
          while chunk < term / kernel.chunk { goOn() }
          sum.addProduct(
            factor,
            element(kernel.right.operand, places[1].kept[column] + places[1].summed[term]))
        }
        while chunk <= max(0, kernel.extents.k - 1) / kernel.chunk { goOn() }
        return UInt64(total.bitPattern)
      }
    }
  }

  /// Slices added one after the other; an index out of range goes to the nearer end.
  private func evaluate(_ kernel: ScatterKernel) -> (outputs: [[UInt64]], fault: Int?) {
    let add = ScalarInstruction(.add, kernel.dataType, to: kernel.dataType)
    let (rows, inner) = (kernel.rows, kernel.inner)
    var fault: Int?
    var target = (0..<kernel.outer * rows * inner).map {
      inputs[kernel.base].element($0, kernel.dataType)
    }
    for outer in 0..<kernel.outer {
      for slice in 0..<kernel.count {
        let index = kernel.indexType.integer(
          inputs[kernel.indices].element(slice, kernel.indexType))
        let row = min(max(index, 0), rows - 1)
        if row != index { fault = kernel.fault }
        for place in 0..<inner {
          let to = (outer * rows + row) * inner + place
          let update = (outer * kernel.count + slice) * inner + place
          target[to] = add.evaluate(
            target[to], inputs[kernel.updates].element(update, kernel.dataType))
        }
      }
    }
    return ([target], fault)
  }
}

/// Runs a loop stage by stage for all of its lines; locals hold the elements of all lines.
private struct LoopEvaluation {
  let loop: LoopKernel
  let inputs: [[UInt8]]
  private(set) var outputs: [[UInt64]]
  private(set) var fault: Int?
  private var locals: [[UInt64]]

  init(_ loop: LoopKernel, inputs: [[UInt8]], outputCount: Int) {
    self.loop = loop
    self.inputs = inputs
    outputs = Array(repeating: [], count: outputCount)
    locals = Array(repeating: [], count: loop.locals.count)
  }

  mutating func run(_ stage: LoopKernel.Stage) {
    let (outer, extent, inner) = loop.view
    let elements = stage.program.evaluate(
      over: loop.domain(of: stage), kept: stage.kept, core: [], &fault
    ) { [locals, inputs, loop] operand, offset, type, place in
      guard operand < 0 else { return inputs[operand].element(offset, type) }
      // Of a local that is a line the access knows the line's own elements only.
      let line = loop.locals[-1 - operand].isLine ? place / max(1, extent) * extent : 0
      return locals[-1 - operand][line + offset]
    }
    for (store, elements) in zip(stage.stores, elements) {
      if store.operand < 0 {
        locals[-1 - store.operand] = elements
      } else {
        outputs[store.operand - inputs.count] =
          store.access.map { loop.domain.placing(elements, at: $0) } ?? elements
      }
    }
    for (accumulation, elements) in zip(stage.accumulations, elements[stage.stores.count...]) {
      let type = stage.program.types[Int(accumulation.register)]
      let operand = TensorType(type, Shape([outer, extent, inner]))
      locals[-1 - accumulation.operand] =
        Reduction(accumulation.kind, axes: [1])
        .reference(
          [NDArray(bits: elements, type: operand)],
          result: TensorType(accumulation.kind.isIndex ? .i32 : type, Shape([outer, inner]))
        ).bits
    }
    for (tap, elements) in zip(stage.taps, elements.suffix(stage.taps.count)) {
      let type = stage.program.types[Int(tap.register)]
      outputs[tap.operand - inputs.count] = chunks(of: elements, tap.kind, type)
    }
  }

  /// Reduces the rows of each chunk.
  private func chunks(
    of elements: [UInt64], _ kind: Reduction.Kind, _ type: DataType
  ) -> [UInt64] {
    let extent = loop.view.extent
    let chunk = Reduction.columnChunk * extent
    return stride(from: 0, to: elements.count, by: max(1, chunk)).flatMap { start in
      let rows = Array(elements[start..<min(start + chunk, elements.count)])
      let operand = TensorType(type, Shape([rows.count / extent, extent]))
      return Reduction(kind, axes: [0])
        .reference(
          [NDArray(bits: rows, type: operand)], result: TensorType(type, Shape([extent]))
        ).bits
    }
  }
}

extension VectorProgram {
  /// Runs the program at every place and keeps the least fault that is reported.
  ///
  /// - Parameters:
  ///   - domain: The extents.
  ///   - kept: The registers.
  ///   - core: What the kernel's core computed, if there is one.
  ///   - fault: The least fault so far.
  ///   - element: Returns an operand's element at an offset, of a type, for the place of that number.
  /// - Returns: For each register its bits at all places in row-major order.
  fileprivate func evaluate(
    over domain: [Int], kept: [Register], core: [UInt64], _ fault: inout Int?,
    element: (Int, Int, DataType, Int) -> UInt64
  ) -> [[UInt64]] {
    var results = kept.map { _ in [UInt64]() }
    var places = domain.map { _ in 0 }
    for number in 0..<domain.reduce(1, *) {
      let registers = evaluate(at: places, core: core.isEmpty ? 0 : core[number], &fault) {
        element($0, $1, $2, number)
      }
      for (index, register) in kept.enumerated() {
        results[index].append(registers[Int(register)])
      }
      for axis in domain.indices.reversed() {
        places[axis] += 1
        if places[axis] < domain[axis] { break }
        places[axis] = 0
      }
    }
    return results
  }

  private func evaluate(
    at places: [Int], core: UInt64, _ fault: inout Int?, element: (Int, Int, DataType) -> UInt64
  ) -> [UInt64] {
    var registers: [UInt64] = []
    for (position, step) in instructions.enumerated() {
      let type = types[position]
      switch step {
      case .scalar(let step):
        let value = { (register: Int32) in register < 0 ? 0 : registers[Int(register)] }
        registers.append(step.evaluate(value(step.a), value(step.b), value(step.c)))
      case .load(let operand, let access, _):
        let offset = access.offset(at: places)
        registers.append(offset.map { element(operand, $0, type) } ?? 0)
      case .gather(let operand, let access, let index, let stride, _):
        let moved = types[Int(index)].integer(registers[Int(index)]) * stride
        let offset = access.offset(at: places)
        registers.append(offset.map { element(operand, $0 + moved, type) } ?? 0)
      case .place(let access, _):
        let place = Int64(access.offset(at: places) ?? 0)
        registers.append(
          ScalarInstruction(.convert, .i64, to: type).evaluate(UInt64(bitPattern: place)))
      case .exists(let guards):
        let access = Access(offset: 0, strides: places.map { _ in 0 }, guards: guards)
        registers.append(access.offset(at: places) == nil ? 0 : 1)
      case .check(let index, let bound, let number):
        let value = type.integer(registers[Int(index)])
        let clamped = min(max(value, 0), bound - 1)
        if value != clamped { fault = min(fault ?? number, number) }
        registers.append(UInt64(clamped))
      case .core: registers.append(core)
      }
    }
    return registers
  }
}

extension DataType {
  /// The integer that bits stand for.
  fileprivate func integer(_ bits: UInt64) -> Int {
    switch self {
    case .i32: Int(Int32(truncatingIfNeeded: bits))
    case .u8: Int(bits & 0xff)
    default: Int(Int64(bitPattern: bits))
    }
  }
}

extension [UInt8] {
  /// The bits of an element among those of a type.
  func element(_ index: Int, _ type: DataType) -> UInt64 {
    let size = type.byteCount
    var bits: UInt64 = 0
    var byte = size
    while byte > 0 {
      byte -= 1
      bits = bits << 8 | UInt64(self[index * size + byte])
    }
    return bits
  }
}

extension Access {
  /// The address of a place, in elements, or nil where it does not exist.
  fileprivate func offset(at places: [Int]) -> Int? {
    var guarded = places
    for condition in guards {
      let distance = places[condition.axis] - condition.low
      guard distance >= 0, distance % condition.step == 0,
        distance / condition.step < condition.count
      else { return nil }
      guarded[condition.axis] = distance / condition.step
    }
    var address = offset
    for axis in strides.indices { address += strides[axis] * guarded[axis] }
    return address
  }
}

extension [Int] {
  /// Returns the elements of a domain of these extents at places of their own, of which there are as many.
  fileprivate func placing(_ elements: [UInt64], at access: Access) -> [UInt64] {
    var placed = elements
    for (number, element) in elements.enumerated() {
      var (rest, address) = (number, access.offset)
      for axis in indices.reversed() {
        address += rest % self[axis] * access.strides[axis]
        rest /= self[axis]
      }
      placed[address] = element
    }
    return placed
  }
}
