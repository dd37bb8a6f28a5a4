import DescentCodegen
import DescentGraph

/// Runs scatter kernels: copies the base, then adds updates in ascending order of their index.
struct PortableScatter {
  let kernel: ScatterKernel
  let operands: UnsafeMutablePointer<UnsafeMutableRawPointer>
  let faults: FaultCell

  func run() {
    let target = operands[kernel.target]
    let byteCount =
      kernel.outer * kernel.rows * kernel.inner * kernel.dataType.byteCount
    if target != operands[kernel.base] {
      target.copyMemory(from: operands[kernel.base], byteCount: byteCount)
    }
    switch kernel.dataType {
    case .f32: scatter(Float.self) { $0 + $1 }
    case .i32: scatter(Int32.self) { $0 &+ $1 }
    case .i64: scatter(Int64.self) { $0 &+ $1 }
    case .u8: scatter(UInt8.self) { $0 &+ $1 }
    case .f64, .bool: preconditionFailure("a scatter of \(kernel.dataType) is not compiled")
    }
  }

  @inline(__always)
  private func scatter<T>(_ type: T.Type, _ add: (T, T) -> T) {
    let target = operands[kernel.target].assumingMemoryBound(to: type)
    let updates = operands[kernel.updates].assumingMemoryBound(to: type)
    let inner = kernel.inner
    for outer in 0..<kernel.outer {
      for position in 0..<kernel.count {
        let row = index(position)
        let to = target + (outer * kernel.rows + row) * inner
        let from = updates + (outer * kernel.count + position) * inner
        for element in 0..<inner { to[element] = add(to[element], from[element]) }
      }
    }
  }

  @inline(__always)
  private func index(_ position: Int) -> Int {
    let raw = operands[kernel.indices]
    let index =
      kernel.indexType == .i64
      ? Int(raw.assumingMemoryBound(to: Int64.self)[position])
      : Int(raw.assumingMemoryBound(to: Int32.self)[position])
    let clamped = min(max(index, 0), kernel.rows - 1)
    if clamped != index { faults.report(kernel.fault) }
    return clamped
  }
}
