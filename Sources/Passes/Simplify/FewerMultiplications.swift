import DescentGraph

// What the passes `winograd` and `strassen` share: both write products by a method that multiplies less, moves more
// and rounds differently.

extension Pass {
  /// Creates a pass that writes products by a method of fewer multiplications, where that is estimated to cost less.
  ///
  /// Results differ by rounding, so such passes belong to compiles that are `fast`. They stand behind all passes that
  /// look for equal nodes: what a forward half makes of an operand must not be kept for the backward half, which makes
  /// it again.
  ///
  /// - Parameters:
  ///   - name: The name of the pass.
  ///   - summary: What it establishes.
  ///   - form: What products are made in, such as `tiles`; the name of its rule.
  ///   - prepares: Whether what follows from unchanged parameters is computed once.
  ///   - rewrite: Returns what stands for a node, with what that saves, or nil where the node stays. It is given the
  ///     node, the types of its operands and whether they differ from run to run, and the operands themselves.
  /// - Returns: The pass.
  static func fewerMultiplications(
    _ name: String, _ summary: String, in form: String, prepares: Bool,
    _ rewrite:
      @escaping @Sendable (
        _ node: Node, _ types: [TensorType], _ changes: [Bool], _ operands: [Tensor]
      ) -> (result: Tensor, savings: String)?
  ) -> Pass {
    Pass(name, summary) { graph, journal throws(GraphErrors) in
      guard graph.objective == nil, !graph.isSymbolic else { return graph }
      let fixed = graph.fixedValues
      var notes: [(text: String, origin: Origin)] = []
      let after = try graph.rewritten(interning: false) {
        value, operands, builder throws(GraphError) in
        let node = graph[value]
        guard
          let (result, savings) = rewrite(
            node, node.operands.map { graph[$0].type },
            node.operands.map { !prepares || !fixed[$0] }, operands.map { Tensor(builder, $0) })
        else { return try builder.copy(node, operands) }
        guard let replacement = result.value, result.type == node.type else {
          preconditionFailure("\(form) do not fit \(value) \(node.op.name)")
        }
        notes.append(("\(value) \(node.op.name) in \(form)\(savings)", node.origin))
        return replacement
      }
      for note in notes { journal.note(form, note.text, at: note.origin) }
      return after
    }
  }
}

extension Pipeline {
  /// The passes that write products by such a method; what they make of operands takes memory.
  package static let fewerMultiplications: Set<String> = ["winograd", "strassen"]
}

/// What it costs to move elements, in fused multiply-adds.
enum Moving {
  /// How many products take as long as moving a byte does, beyond the first-level cache.
  private static let productsPerByte = 1.5

  /// What moving some elements of `f32` costs.
  static func cost(_ elements: Double...) -> Double {
    productsPerByte * 4 * elements.reduce(0, +)
  }
}
