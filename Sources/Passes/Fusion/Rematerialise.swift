import DescentGraph

extension Pass {
  /// Computes cheap values again where they are read, rather than storing them in between.
  ///
  ///     %3 = mul(%2, %0) : f32[1024, 1024]          %3 = mul(%2, %0) : f32[1024, 1024]
  ///     %4 = exp(%3) : f32[1024, 1024]         →    %4 = exp(%3) : f32[1024, 1024]
  ///     …                                           …
  ///     %9 = sub(%8, %3) : f32[1024, 1024]          %9 = mul(%2, %0) : f32[1024, 1024]
  ///                                                 %10 = sub(%8, %9) : f32[1024, 1024]
  ///
  /// Which values would be stored is found by fusing on trial. A value that only kernels' registers want, and that
  /// follows by few instructions from what is in memory anyway, is computed from that if it moves fewer bytes. Nodes
  /// that are equal again must not become one afterwards.
  ///
  /// Random numbers are never stored for others, whatever that takes: they are drawn again. And a value that is stored
  /// for some readers is computed again by others that read what it follows from anyway.
  ///
  /// - Parameters:
  ///   - minimumBytes: The size from which on that is considered: small values stay in the first-level cache.
  ///   - prepares: Whether what follows from unchanged parameters is computed once, and never again for readers.
  /// - Returns: The pass.
  static func rematerialise(minimumBytes: Int, prepares: Bool) -> Pass {
    Pass("rematerialise", "computes cheap values again rather than storing them") {
      graph, journal throws(GraphErrors) in
      guard graph.objective == nil, !graph.isSymbolic else { return graph }
      var fuser = Fuser(Dataflow(graph, prepares: prepares))
      fuser.run()
      var search = RematerialisationSearch(
        fuser.result(isEnabled: true), fuser.dataflow, minimumBytes: minimumBytes)
      search.run()
      return try search.rewritten(&journal)
    }
  }
}

/// Decides which stored values are computed again.
private struct RematerialisationSearch {
  let fused: FusedGraph
  let dataflow: Dataflow
  let minimumBytes: Int
  /// For each computed node, the number of its group.
  private var groupOf: [Int32]
  /// The nodes in memory: leaves, and what groups store as things stand.
  private var isStored: [Bool]
  /// The stored values that copies are made from.
  private var pinned: Set<Value> = []
  /// For each value that other groups compute again, the nodes they copy, in order.
  private var copies: [Value: [Value]] = [:]
  /// For each group, the stored values that it computes again rather than reading them, with the nodes it copies.
  private var rereads: [Int32: [Value: [Value]]] = [:]

  /// The most scalar instructions that are done again for one value.
  private static let mostInstructions = 8
  /// What one instruction is worth, in bytes moved for each element: vectors of several instructions take as long as
  /// a vector from the third-level cache.
  private static let bytesPerInstruction = 0.5

  init(_ fused: FusedGraph, _ dataflow: Dataflow, minimumBytes: Int) {
    (self.fused, self.dataflow, self.minimumBytes) = (fused, dataflow, minimumBytes)
    groupOf = Array(repeating: -1, count: fused.graph.nodes.count)
    isStored = fused.graph.nodes.map { $0.op.isLeaf && !$0.op.isInlineLeaf }
    for (number, group) in fused.groups.enumerated() {
      for node in group.nodes { groupOf[Int(node.index)] = Int32(number) }
      for output in group.outputs { isStored[Int(output.index)] = true }
    }
    // A state may have its next content by the time it would be read again.
    for update in fused.graph.updates { isStored[Int(update.leaf.index)] = false }
  }

  var graph: Graph { fused.graph }

  mutating func run() {
    for (number, group) in fused.groups.enumerated() {
      for value in group.outputs where isDrawn(value) { acceptDrawn(value) }
      let candidates = group.outputs.filter { copies[$0] == nil && mayBeCopied($0) }
      consider(candidates, of: number)
    }
    spareReads()
  }

  // MARK: - Candidates

  /// Whether only registers of other kernels want a stored value, as far as its readers go.
  private func mayBeCopied(_ value: Value) -> Bool {
    graph[value].type.byteCount >= minimumBytes && isReadByRegistersOnly(value)
  }

  private func isReadByRegistersOnly(_ value: Value) -> Bool {
    let index = Int(value.index)
    guard graph[value].op.isElementwise, !dataflow.isResult[index], !dataflow.isPrepared[index]
    else { return false }
    return dataflow.users(of: index).allSatisfy { position in
      let read = dataflow.reads[Int(position)]
      guard groupOf[Int(read.reader)] != groupOf[index] else { return true }
      return read.way == .direct
    }
  }

  /// Whether a stored value is random, and follows from random words and what is tiny alone.
  private func isDrawn(_ value: Value) -> Bool {
    guard isReadByRegistersOnly(value), let recipe = recipe(for: value, isDrawn: true) else {
      return false
    }
    return recipe.nodes.contains { graph[$0].op.isRandom }
      && recipe.sources.allSatisfy { dataflow.isTiny($0, beside: value) }
  }

  /// Leaves a random value to its readers.
  private mutating func acceptDrawn(_ value: Value) {
    guard !pinned.contains(value), let recipe = recipe(for: value, isDrawn: true) else { return }
    copies[value] = recipe.nodes.sorted()
    isStored[Int(value.index)] = false
    for source in recipe.sources {
      isStored[Int(source.index)] = true
      pinned.insert(source)
    }
  }

  /// What a value can be computed from again.
  private struct Recipe {
    /// The nodes to copy, in order; the value is the last.
    var nodes: Set<Value> = []
    /// What they read that is in memory, or would have to be.
    var sources: Set<Value> = []
    var instructions = 0
  }

  /// Returns how a value follows from stored values, from others that are tiny, and at most one that is not stored
  /// yet, or nil where that takes too much; what is drawn may take anything.
  private func recipe(for value: Value, isDrawn: Bool = false) -> Recipe? {
    var recipe = Recipe()
    var pending = [value]
    while let next = pending.popLast() {
      guard recipe.nodes.insert(next).inserted else { continue }
      guard case .elementwise(let op) = graph[next].op else { return nil }
      let types = graph[next].operands.map { graph[$0].type.dataType }
      recipe.instructions += op.program(for: types).instructions.count
      guard isDrawn || recipe.instructions <= RematerialisationSearch.mostInstructions else {
        return nil
      }
      for operand in graph[next].operands {
        switch origin(of: operand) {
        case .formed: continue
        case .unreachable: return nil
        case .stored(let source): recipe.sources.insert(source)
        case .computed(let source):
          if source == operand, !dataflow.isTiny(source, beside: value),
            isDrawn ? graph[source].op.isElementwise : isCheap(source)
          {
            pending.append(source)
          } else {
            // What is tiny may as well be kept, and what follows from something that cannot be must be.
            recipe.sources.insert(source)
          }
        }
      }
    }
    return recipe
  }

  /// Where an operand's elements come from.
  private enum Origin {
    /// The kernel forms them itself.
    case formed
    /// They are in memory.
    case stored(Value)
    /// A kernel has them in registers.
    case computed(Value)
    /// A state that changes.
    case unreachable
  }

  /// Follows movements, which read in place.
  private func origin(of operand: Value) -> Origin {
    var value = operand
    while true {
      let node = graph[value]
      if node.op.isInlineLeaf || node.op.isIota { return .formed }
      if isStored[Int(value.index)] { return .stored(value) }
      guard case .movement = node.op, node.op.isView || node.op.isAffineRead else { break }
      value = node.operands[0]
    }
    return groupOf[Int(value.index)] >= 0 ? .computed(value) : .unreachable
  }

  /// Whether a node does little and needs nothing that is large and cannot be had again.
  private func isCheap(_ value: Value) -> Bool {
    guard case .elementwise(let op) = graph[value].op else { return false }
    let operands = graph[value].operands
    guard
      op.program(for: operands.map { graph[$0].type.dataType }).instructions.count
        <= RematerialisationSearch.mostInstructions
    else { return false }
    return operands.allSatisfy { operand in
      guard case .computed(let source) = origin(of: operand) else { return true }
      return source == operand && graph[source].op.isElementwise
        || dataflow.isTiny(source, beside: value)
    }
  }

  // MARK: - Profit

  /// Decides about stored values of one group: those that follow from the same unstored value are judged together.
  private mutating func consider(_ candidates: [Value], of number: Int) {
    var bySource: [(source: Value, values: [(Value, Recipe)])] = []
    for value in candidates {
      guard let recipe = recipe(for: value), let source = missing(recipe, value) else { continue }
      if let position = bySource.firstIndex(where: { $0.source == source }) {
        bySource[position].values.append((value, recipe))
      } else {
        bySource.append((source, [(value, recipe)]))
      }
    }
    for (source, values) in bySource { accept(values, storing: source, number) }
    // What is no longer stored is one more step for what follows from it.
    for value in candidates where isStored[Int(value.index)] {
      guard let recipe = recipe(for: value) else { continue }
      accept([(value, recipe)], storing: nil, number)
    }
  }

  /// The large value that a recipe needs in memory and that is not there, if there is just one.
  private func missing(_ recipe: Recipe, _ value: Value) -> Value? {
    let missing = recipe.sources.filter {
      !isStored[Int($0.index)] && !dataflow.isTiny($0, beside: value)
    }
    return missing.count == 1 ? missing.first : nil
  }

  /// Leaves values to their readers if that moves fewer bytes.
  private mutating func accept(
    _ values: [(value: Value, recipe: Recipe)], storing source: Value?, _ number: Int
  ) {
    // What an earlier decision relies on stays; what it took away is there no more.
    let values = values.filter { entry in
      !pinned.contains(entry.value)
        && entry.recipe.sources.allSatisfy {
          isStored[Int($0.index)] || $0 == source || dataflow.isTiny($0, beside: entry.value)
        }
    }
    guard !values.isEmpty else { return }
    let bytes = { [graph] (value: Value) in Double(graph[value].type.byteCount) }
    var saved = values.reduce(0) { $0 + bytes($1.value) } - (source.map(bytes) ?? 0)
    for reader in readers(of: values.map(\.value), number) {
      let read = values.filter { groups(reading: $0.value, number).contains(reader) }
      var added: Set<Value> = []
      for entry in read {
        saved += bytes(entry.value)
        saved -=
          Double(entry.recipe.instructions * graph[entry.value].type.shape.count)
          * RematerialisationSearch.bytesPerInstruction
        added.formUnion(entry.recipe.sources)
      }
      for value in added where !reads(Int(reader), value) { saved -= bytes(value) }
    }
    guard saved > 0 else { return }
    for entry in values {
      copies[entry.value] = entry.recipe.nodes.sorted()
      isStored[Int(entry.value.index)] = false
      for source in entry.recipe.sources {
        isStored[Int(source.index)] = true
        pinned.insert(source)
      }
    }
  }

  /// The other groups that read a value.
  private func groups(reading value: Value, _ number: Int) -> Set<Int32> {
    Set(
      dataflow.users(of: Int(value.index)).map {
        groupOf[Int(dataflow.reads[Int($0)].reader)]
      }
    ).subtracting([Int32(number)])
  }

  private func readers(of values: [Value], _ number: Int) -> [Int32] {
    values.reduce(into: Set<Int32>()) { $0.formUnion(groups(reading: $1, number)) }.sorted()
  }

  /// Whether a group reads a value as it is, or one does that would then be merged with it.
  private func reads(_ group: Int, _ value: Value) -> Bool {
    let reader = fused.groups[group]
    return dataflow.users(of: Int(value.index)).contains {
      let other = Int(groupOf[Int(dataflow.reads[Int($0)].reader)])
      if other == group { return true }
      return reader.kind != .contraction && fused.groups[other].kind == reader.kind
        && fused.groups[other].domain(in: graph) == reader.domain(in: graph)
    }
  }

  // MARK: - Stored values

  /// Lets groups compute a value that stays stored, where all that is large among what it follows from is read anyway.
  private mutating func spareReads() {
    /// What each group reads element for element, copies included.
    var loads: [Int32: Set<Value>] = [:]
    for read in dataflow.reads where read.way == .direct {
      for group in groups(computing: read.reader) {
        loads[group, default: []].insert(Value(Int(read.source)))
      }
    }
    for (number, group) in fused.groups.enumerated() {
      for value in group.outputs
      where graph[value].op.isElementwise && !group.isPrepared && copies[value] == nil {
        guard graph[value].type.byteCount >= minimumBytes, let recipe = recipe(for: value)
        else { continue }
        let large = recipe.sources.filter { !dataflow.isTiny($0, beside: value) }
        let cost = Double(recipe.instructions) * RematerialisationSearch.bytesPerInstruction
        guard !large.isEmpty, large.allSatisfy({ isStored[Int($0.index)] }),
          cost < Double(graph[value].type.dataType.byteCount)
        else { continue }
        for (reader, values) in loads where reader != number && values.contains(value) {
          guard fused.groups[Int(reader)].kind != .contraction,
            large.allSatisfy({ values.contains($0) && rereads[reader]?[$0] == nil })
          else { continue }
          rereads[reader, default: [:]][value] = recipe.nodes.sorted()
          for source in recipe.sources { isStored[Int(source.index)] = true }
        }
      }
    }
  }

  /// The groups that compute a node, as a member or as a copy.
  private func groups(computing node: Int32) -> Set<Int32> {
    var groups: Set<Int32> = [groupOf[Int(node)]]
    for (value, nodes) in copies where nodes.contains(Value(Int(node))) {
      groups.formUnion(self.groups(reading: value, Int(groupOf[Int(value.index)])))
    }
    return groups
  }

  // MARK: - Rewriting

  /// Returns the graph in which groups that read such values compute them.
  func rewritten(_ journal: inout Journal) throws(GraphErrors) -> Graph {
    guard !copies.isEmpty || !rereads.isEmpty else { return graph }
    for value in copies.keys.sorted() {
      journal.note(
        "recompute", "\(value) \(graph[value].op.name) is computed again rather than stored",
        at: graph[value].origin)
    }
    for value in Set(rereads.values.flatMap(\.keys)).sorted() {
      journal.note(
        "recompute", "\(value) \(graph[value].op.name) is computed again rather than read",
        at: graph[value].origin)
    }
    /// What each group has for a value of another.
    var made: [Int32: [Value: Value]] = [:]
    /// The new values of old ones.
    var renamed: [Value] = []
    renamed.reserveCapacity(graph.nodes.count)
    return try graph.rewritten(interning: false) {
      value, operands, builder throws(GraphError) in
      var operands = operands
      let group = groupOf[Int(value.index)]
      for (position, operand) in graph[value].operands.enumerated() {
        guard let nodes = nodesCopied(for: operand, by: group) else { continue }
        // What copies need and is itself computed again comes first.
        var pending = nodes
        for node in nodes {
          for source in graph[node].operands where !nodes.contains(source) {
            pending.insert(contentsOf: rereads[group]?[source] ?? [], at: 0)
          }
        }
        for node in pending where made[group]?[node] == nil {
          var sources: [Value] = []
          for source in graph[node].operands {
            sources.append(made[group]?[source] ?? renamed[Int(source.index)])
          }
          builder.origin = graph[node].origin
          made[group, default: [:]][node] = try builder.copy(graph[node], sources)
        }
        builder.origin = graph[value].origin
        operands[position] = made[group]![operand]!
      }
      let new = try builder.copy(graph[value], operands)
      renamed.append(new)
      return new
    }
  }

  /// The nodes that a group copies for an operand, if it does not read it.
  private func nodesCopied(for operand: Value, by group: Int32) -> [Value]? {
    guard group >= 0, groupOf[Int(operand.index)] != group else { return nil }
    return copies[operand] ?? rereads[group]?[operand]
  }
}
