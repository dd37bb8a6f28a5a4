// The law every graph obeys. Builder, parser and passes keep it; this checker knows nothing of them.
//
//  1. A node's operands come before it.
//  2. A node's type is the one its operation gives to the types of its operands.
//  3. A type has at most 8 axes and a size that can be addressed.
//  4. A constant, and an initial value, has as many elements as its type says.
//  5. Inputs, parameters and states have names, and no two the same.
//  6. The shape of a parameter or state does not depend on the batch size.
//  7. Output names are distinct; outputs and updates refer to nodes.
//  8. An update's leaf is a parameter or state, its value has the same type, and no leaf has two.
//  9. The objective's output exists and is one float; its optimizer's numbers can work.

extension Graph {
  /// Returns everything that is wrong with the graph's form; empty for any graph the library made.
  ///
  /// - Returns: The mistakes in the order of the nodes, each with the node's origin.
  /// - Complexity: One type rule for each node.
  public func verify() -> [GraphError] {
    var errors: [GraphError] = []
    var leaves: Set<String> = []
    for (value, node) in zip(values, nodes) {
      do {
        try checkForm(value, node)
        if case .leaf(let leaf) = node.op { try check(leaf, &leaves) }
      } catch {
        errors.append(error.placed(at: node.origin))
      }
    }
    return errors + outputErrors() + updateErrors() + objectiveErrors()
  }

  /// Returns the graph if its form is lawful.
  ///
  /// - Returns: The graph itself.
  /// - Throws: Everything that is wrong with it.
  public func verified() throws(GraphErrors) -> Graph {
    let errors = verify()
    guard errors.isEmpty else { throw GraphErrors(errors) }
    return self
  }

  // MARK: - Nodes

  private func checkForm(_ value: Value, _ node: Node) throws(GraphError) {
    for operand in node.operands where operand.index < 0 || operand >= value {
      throw GraphError("\(node.op.name): operand \(operand) does not come before \(value)")
    }
    let operands = node.operands.map { self[$0].type }
    let type = try node.op.resultType(of: operands)
    guard type == node.type else {
      throw GraphError("\(node.op.name): \(value) is \(node.type), but the result is \(type)")
    }
    _ = try node.op.definition.checked(type)
  }

  private func check(_ leaf: Leaf, _ names: inout Set<String>) throws(GraphError) {
    if let name = leaf.leafName {
      guard !name.isEmpty else { throw GraphError("\(leaf.name): the name is empty") }
      guard names.insert(name).inserted else {
        throw GraphError("\(leaf.name): the name \"\(name)\" is taken")
      }
    }
    guard leaf.initializer == nil || !leaf.type.shape.isSymbolic else {
      throw GraphError(
        "\(leaf.name): \"\(leaf.leafName ?? "")\" cannot have the batch size in its shape \(leaf.type.shape)"
      )
    }
  }

  // MARK: - What leaves the graph

  private func contains(_ value: Value) -> Bool { nodes.indices.contains(Int(value.index)) }

  private func outputErrors() -> [GraphError] {
    var errors: [GraphError] = []
    var names: Set<String> = []
    for output in outputs {
      guard contains(output.value) else {
        errors.append(GraphError("output: \"\(output.name)\" is \(output.value), which is no node"))
        continue
      }
      guard !names.insert(output.name).inserted else { continue }
      errors.append(
        GraphError(
          "output: the name \"\(output.name)\" is taken", at: self[output.value].origin))
    }
    return errors
  }

  private func updateErrors() -> [GraphError] {
    var errors: [GraphError] = []
    var updated: Set<Value> = []
    for update in updates {
      guard contains(update.leaf), contains(update.value) else {
        errors.append(GraphError("update: \(update.leaf) = \(update.value) refers to no node"))
        continue
      }
      do {
        try check(update, &updated)
      } catch {
        errors.append(error.placed(at: self[update.value].origin))
      }
    }
    return errors
  }

  private func check(_ update: Update, _ updated: inout Set<Value>) throws(GraphError) {
    guard case .leaf(let leaf) = self[update.leaf].op, leaf.initializer != nil else {
      throw GraphError("update: only a parameter or state can be updated, not \(update.leaf)")
    }
    let (old, new) = (self[update.leaf].type, self[update.value].type)
    guard old == new else {
      throw GraphError("update: \"\(leaf.leafName ?? "")\" is \(old), not \(new)")
    }
    guard updated.insert(update.leaf).inserted else {
      throw GraphError("update: \"\(leaf.leafName ?? "")\" is updated twice")
    }
  }

  private func objectiveErrors() -> [GraphError] {
    guard let objective else { return [] }
    guard let value = output(objective.output), contains(value) else {
      return [GraphError("minimize: there is no output \"\(objective.output)\"")]
    }
    var errors = objective.optimizer.errors
    let type = self[value].type
    if type.shape.rank != 0 || !type.dataType.isFloat {
      errors.append(
        GraphError(
          "minimize: output \"\(objective.output)\" is \(type), not one real number",
          hint: "take its mean or sum", at: self[value].origin))
    }
    return errors
  }
}

extension GraphError {
  /// Returns the error at a place, unless it has one.
  fileprivate func placed(at origin: Origin) -> GraphError {
    var error = self
    if error.origin == .unknown { error.origin = origin }
    return error
  }
}
