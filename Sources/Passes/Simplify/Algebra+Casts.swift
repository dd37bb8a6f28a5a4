import DescentGraph

extension Algebra {
  static let casts: [RewriteRule] = [
    RewriteRule("cast-same", "cast to its own type: cast(x) = x", at: .cast) { match in
      match.operandType(0) == match.type ? .value(match.operands[0]) : nil
    },
    RewriteRule("cast-cast", "cast(cast(x)) = cast(x), the inner one lossless", at: .cast) {
      match in
      let inner = match.node(match.operands[0])
      guard case .elementwise(.cast(let middle)) = inner.op else { return nil }
      let source = match.node(inner.operands[0]).type.dataType
      guard source.holds(in: middle), survives(source, middle, match.type.dataType) else {
        return nil
      }
      return .node(match.op, of: [inner.operands[0]])
    },
  ]

  /// Whether source → middle → target is source → target, where the middle holds all of the source.
  ///
  /// Integers keep their low bits in a narrower integer, but floats saturate: an integer that has become a
  /// float must not meet an integer type too narrow for it.
  private static func survives(_ source: DataType, _ middle: DataType, _ target: DataType) -> Bool {
    guard source.isInteger, middle.isFloat, target.isInteger else { return true }
    return source.holds(in: target)
  }
}

extension DataType {
  /// Whether every value of this type is a value of another, so that a cast there loses nothing.
  fileprivate func holds(in other: DataType) -> Bool {
    switch (self, other) {
    case (.bool, _), (.u8, .u8), (.u8, .i32), (.u8, .i64), (.u8, .f32), (.u8, .f64): true
    case (.i32, .i32), (.i32, .i64), (.i32, .f64), (.i64, .i64): true
    case (.f32, .f32), (.f32, .f64), (.f64, .f64): true
    default: false
    }
  }
}
