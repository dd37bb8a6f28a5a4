import DescentGraph

extension VectorEmitter {
  /// Stores the first elements of a result of a type; the tail register selects them if they are not all.
  ///
  /// A whole aligned vector of 32-bit elements may be stored past the caches.
  func store(
    _ result: Register, _ type: DataType, to memory: Memory, count: Int,
    isStreamed: Bool = false, _ assembler: inout Assembler
  ) {
    let tail = VectorEmitter.tailRegister(isWide: isWide)
    let isPartial = count < width
    let mask: Masking = isPartial && isWide ? .merging(tail) : .none
    switch type {
    case .bool where isWide:
      // Ones where the mask is set, narrowed to bytes; no value is ever in the last register.
      let lanes: Register = .zmm(31)
      let ones = assembler.constant(UInt32(1))
      assembler.emit(.vpbroadcastd, lanes, .constant(ones), mask: .zeroing(result))
      assembler.emit(.vpmovdb, memory, lanes, mask: mask)
    case .u8 where isWide:
      assembler.emit(.vpmovdb, memory, result, mask: mask)
    case .bool, .u8: storeBytes(result, type, to: memory, count: count, &assembler)
    case .f32, .i32:
      if count == 1 {
        // What is stored under a mask reaches a load of it only by way of the cache.
        assembler.emit(.vmovss, memory, result.viewed(as: .xmm))
      } else if isPartial && !isWide {
        assembler.emit(.vmaskmovps, memory, tail, result)
      } else if isStreamed && !isPartial {
        assembler.emit(.vmovntps, memory, result)
      } else {
        assembler.emit(.vmovups, memory, result, mask: mask)
      }
    case .i64, .f64: preconditionFailure("a vector of \(type) is not one register")
    }
  }

  /// Stores a half of a vector of 64-bit elements, as far as they exist; no value is ever in the first mask or in the
  /// last register but one.
  func storeLong(
    _ result: Register, half: Int, to memory: Memory, count: Int, _ assembler: inout Assembler
  ) {
    let (all, tail) = (width / 2, VectorEmitter.tailRegister(isWide: isWide))
    let (memory, existing) = (memory.moved(by: 4 * width * half), count - half * all)
    guard existing > 0 else { return }
    if existing >= all {
      assembler.emit(.vmovups, memory, result)
    } else if !isWide {
      let mask: Register = .ymm(14)
      if half > 0 { assembler.emit(.vextracti128, .xmm(14), tail, 1) }
      assembler.emit(.vpmovsxdq, mask, half > 0 ? .xmm(14) : .xmm(15))
      assembler.emit(.vpmaskmovq, memory, mask, result)
    } else if half == 0 {
      assembler.emit(.vmovdqu64, memory, result, mask: .merging(tail))
    } else {
      assembler.emit(.kmovw, .k(0), tail)
      assembler.emit(.kshiftrw, tail, tail, all)
      assembler.emit(.vmovdqu64, memory, result, mask: .merging(tail))
      assembler.emit(.kmovw, tail, .k(0))
    }
  }

  /// Narrows lanes to bytes, first within each half of the vector; no value is ever in the last register but one.
  private func storeBytes(
    _ result: Register, _ type: DataType, to memory: Memory, count: Int,
    _ assembler: inout Assembler
  ) {
    let (lanes, bytes): (Register, Register) = (.ymm(14), .xmm(14))
    var source = result
    if type == .bool {
      let ones = assembler.constant(repeating: UInt32(1), count: 8)
      assembler.emit(.vpand, lanes, result, .constant(ones))
      source = lanes
    }
    let half: [UInt8] = [0, 4, 8, 12] + [UInt8](repeating: 0x80, count: 12)
    assembler.emit(.vpshufb, lanes, source, .constant(assembler.constant(half + half)))
    assembler.emit(.vpermq, lanes, lanes, 0b1000)
    assembler.emit(.vpshufd, bytes, bytes, 0b1000)
    if count == width { return assembler.emit(.vmovq, memory, bytes) }
    for lane in 0..<count {
      assembler.emit(.vpextrb, memory.moved(by: lane), bytes, lane)
    }
  }
}

extension Memory {
  /// The place some bytes behind this one.
  func moved(by byteCount: Int) -> Memory {
    Memory(
      base: base, index: index, scale: Int(scale),
      displacement: displacement + Int32(byteCount))
  }
}
