package import DescentGraph

extension Graph {
  /// Returns the graph in which some nodes read copies of values, made just before the first of them.
  ///
  /// - Parameters:
  ///   - copied: The values to copy: what the readers need, with all that it follows from and that is not in memory.
  ///   - readers: The nodes that read the copies.
  /// - Returns: The graph with copies, which no other pass must find equal to what they copy.
  /// - Throws: Nothing for a valid graph.
  package func recomputing(
    _ copied: Set<Value>, for readers: Set<Value>
  ) throws(GraphErrors) -> Graph {
    /// The new values of old ones, and of copied ones for the readers.
    var renamed: [Value] = []
    renamed.reserveCapacity(nodes.count)
    var made: [Value: Value] = [:]
    let inOrder = copied.sorted()
    return try rewritten(interning: false) { value, operands, builder throws(GraphError) in
      var operands = operands
      if readers.contains(value) {
        if made.isEmpty {
          for node in inOrder {
            var sources: [Value] = []
            for source in self[node].operands {
              sources.append(made[source] ?? renamed[Int(source.index)])
            }
            builder.origin = self[node].origin
            made[node] = try builder.copy(self[node], sources)
          }
          builder.origin = self[value].origin
        }
        for (position, operand) in self[value].operands.enumerated() {
          if let copy = made[operand] { operands[position] = copy }
        }
      }
      let new = try builder.copy(self[value], operands)
      renamed.append(new)
      return new
    }
  }
}
