import Descent

extension OpTables {
  static let resamplingOps: OpTable = [
    "nn.functional.interpolate": { call in
      let x = try call.tensor(0, "input")
      let sizes = try call.optionalIntegers(1, "size")
      let scale = try call.scaleFactors(x.rank - 2)
      let mode = try call.word(3, "mode", default: "nearest")
      let alignsCorners = try call.flag(4, "align_corners")
      let recomputes = try call.flag(5, "recompute_scale_factor")
      guard try !call.flag(6, "antialias") else {
        throw WorkerError.unsupported("interpolate: antialias")
      }
      let modes: [String: Resampling] = [
        "nearest": .nearest, "nearest-exact": .nearestCentre, "linear": .linear,
        "bilinear": .linear, "trilinear": .linear, "bicubic": .cubic, "area": .area,
      ]
      guard let resampling = modes[mode], x.rank >= 3 else {
        throw WorkerError.refused("interpolate: mode \(mode) of \(x.shape)")
      }
      var result = x
      for index in 0..<x.rank - 2 {
        let extent = x.size(index + 2)
        var (count, ratio): (Int, Double?)
        if let sizes {
          guard sizes.count == x.rank - 2 || sizes.count == 1 else {
            throw WorkerError.refused("interpolate: size")
          }
          (count, ratio) = (sizes[sizes.count == 1 ? 0 : index], nil)
        } else if let scale {
          count = Int((Double(extent) * scale[index]).rounded(.down))
          ratio = recomputes || resampling == .area ? nil : 1 / scale[index]
        } else {
          throw WorkerError.refused("interpolate: neither size nor scale_factor")
        }
        result = result.resample(
          axis: index + 2, to: count, resampling, alignsCorners: alignsCorners, scale: ratio)
      }
      return [result]
    }
  ]
}

extension OpCall {
  fileprivate func scaleFactors(_ axes: Int) throws -> [Double]? {
    switch take(2, "scale_factor") {
    case .integer(let value)?: return [Double](repeating: Double(value), count: axes)
    case .number(let value)?: return [Double](repeating: value, count: axes)
    case .list(let elements)? where elements.count == axes:
      return try elements.map { element in
        switch element {
        case .integer(let value): Double(value)
        case .number(let value): value
        default: throw WorkerError.refused("interpolate: scale_factor")
        }
      }
    case nil: return nil
    default: throw WorkerError.refused("interpolate: scale_factor")
    }
  }
}
