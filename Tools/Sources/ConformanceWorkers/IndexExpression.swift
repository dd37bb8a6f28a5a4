import Descent

/// What stands in the brackets behind a tensor.
struct IndexExpression {
  let builder: GraphBuilder
  let tensor: Tensor
  let parts: [Argument]

  init(_ call: OpCall) throws {
    builder = call.builder
    tensor = try call.tensor(0, "self")
    switch call.take(1, "index") {
    case .list(let elements)?: parts = elements
    case let other?: parts = [other]
    case nil: parts = [.none]
    }
  }

  /// Returns the elements the parts name, axis by axis; lists of indices go together.
  func apply() throws -> Tensor {
    if let result = try indexedTogether() { return result }
    var result = tensor
    var (axis, hasIndices) = (0, false)
    let named = parts.count { part in
      switch part {
      case .none, .ellipsis: false
      default: true
      }
    }
    for part in parts {
      switch part {
      case .none:
        result = result.expandAxis(axis)
        axis += 1
      case .ellipsis: axis += tensor.rank - named
      case .integer(let index): result = result.element(index, axis: axis)
      case .slice(let start, let limit, let step):
        result = try slice(result, axis, start, limit, step ?? 1)
        axis += 1
      case .list(let elements):
        guard !hasIndices else { throw WorkerError.unsupported("__getitem__: indices twice") }
        hasIndices = true
        let extent = axis < result.rank ? result.size(axis) : 0
        let indices = try elements.map { element -> Int32 in
          guard case .integer(let index) = element, index >= -extent, index < extent else {
            throw WorkerError.unsupported("__getitem__: nested indices")
          }
          return Int32(index < 0 ? index + extent : index)
        }
        result = result.gather(builder.constant(NDArray(indices)), axis: axis)
        axis += 1
      case .tensor(let indices) where indices.dataType == .i64 || indices.dataType == .i32:
        guard !hasIndices else { throw WorkerError.unsupported("__getitem__: indices twice") }
        hasIndices = true
        let extent = Double(axis < result.rank ? result.size(axis) : 0)
        let counted = select(indices .< 0.0, indices + extent, indices)
        result = result.gather(counted, axis: axis)
        axis += indices.rank
      default: throw WorkerError.unsupported("__getitem__: a mask decides the shape")
      }
    }
    return result
  }

  /// Returns the elements at several lists of indices that are walked together, all other axes whole; nil where that is
  /// not what the parts are.
  private func indexedTogether() throws -> Tensor? {
    var (axes, lists): ([Int], [[Int32]]) = ([], [])
    for (axis, part) in parts.enumerated() {
      switch part {
      case .slice(nil, nil, nil): continue
      case .list(let elements):
        let extent = axis < tensor.rank ? tensor.size(axis) : 0
        axes.append(axis)
        lists.append(
          try elements.map { element in
            guard case .integer(let index) = element, index >= -extent, index < extent else {
              throw WorkerError.unsupported("__getitem__: nested indices")
            }
            return Int32(index < 0 ? index + extent : index)
          })
      default: return nil
      }
    }
    guard axes.count > 1, Set(lists.map(\.count)).count == 1 else { return nil }
    let indices = lists.map { builder.constant(NDArray($0)) }
    let result = tensor.moveAxes(axes, to: Array(axes.indices)).gatherND(stack(indices, axis: -1))
    // The new axis takes the place of neighbours, and is the first where they are apart.
    let isRun = axes == Array(axes[0]..<axes[0] + axes.count)
    return isRun ? result.moveAxes([0], to: [axes[0]]) : result
  }

  private func slice(
    _ tensor: Tensor, _ axis: Int, _ start: Int?, _ limit: Int?, _ step: Int
  ) throws -> Tensor {
    guard step > 0, axis < tensor.rank else { throw WorkerError.refused("__getitem__: slice") }
    let extent = tensor.size(axis)
    func bound(_ place: Int) -> Int { min(max(place < 0 ? place + extent : place, 0), extent) }
    let first = bound(start ?? 0)
    return tensor.slice(
      axis: axis, from: Extent(offset: first),
      to: Extent(offset: max(first, bound(limit ?? extent))), by: step)
  }
}
