import DescentGraph

/// Which nodes of a graph kernels compute, and how they read one another.
///
/// Movement that moves nothing in memory is not a node here but a way of reading.
struct Dataflow {
  /// One value reaching one reader.
  struct Read {
    /// A computed node, or a leaf in memory.
    let source: Int32
    /// A computed node.
    let reader: Int32
    /// How it gets there.
    let way: Way
  }

  /// How a value reaches its reader.
  enum Way: Hashable {
    /// Element for element.
    case direct
    /// Through a movement after which the value's axes are the reader's first ones, in order, axes of extent 1
    /// not counted.
    case aligned(by: Value)
    /// Through a movement that repeats the value along neighbouring axes which the reader's other axes stand behind.
    case repeated(by: Value, Repetition)
    /// At other places, because of a movement or the reader itself.
    case elsewhere(by: Value)
    /// As a contraction's factor, a gather's source, indices, or an operand of a scatter or sort.
    case factor, indexed, indices, scattered, sorted
  }

  /// How often a value is repeated, and how many of its elements stand side by side each time.
  struct Repetition: Hashable {
    let extent: Int
    let inner: Int
  }

  let graph: Graph
  /// Whether a kernel computes the node.
  private(set) var isComputed: [Bool]
  /// Whether the node's elements leave the graph.
  private(set) var isResult: [Bool]
  /// Whether the node becomes the content of a parameter or state.
  private(set) var isUpdate: [Bool]
  /// Whether an index is checked in the node, or in one that needs it.
  private(set) var precedesCheck: [Bool]
  /// The reads in the order of their readers; those of one reader from the last source to the first.
  private(set) var reads: [Read] = []
  /// Whether the node computes again, from equal operands, what an earlier one computes.
  private(set) var isCopy: [Bool]
  /// Whether the node has the same value in every run and is computed once.
  private(set) var isPrepared: [Bool]
  /// For each node's shape, and for it without axes of extent 1, a number that equal shapes share.
  private(set) var shapes: [Int32] = []
  private(set) var squeezedShapes: [Int32] = []
  private var firstRead: [Int32]
  private var userLists: [Int32] = []
  private var firstUser: [Int32] = []

  /// Reads a graph.
  ///
  /// - Parameters:
  ///   - graph: A bound graph without objective.
  ///   - prepares: Whether what follows from unchanged parameters is computed once.
  init(_ graph: Graph, prepares: Bool = true) {
    self.graph = graph
    let count = graph.nodes.count
    isComputed = Array(repeating: false, count: count)
    (isResult, isUpdate, precedesCheck, isCopy) = (isComputed, isComputed, isComputed, isComputed)
    isPrepared = isComputed
    firstRead = [0]
    findComputed()
    if prepares { isPrepared = preparedNodes() }
    findCopies()
    numberShapes()
    collectReads()
    collectUsers()
  }

  /// Whether a value is so much smaller than another that its way through memory does not count beside the other's.
  func isTiny(_ value: Value, beside other: Value) -> Bool {
    graph[value].type.byteCount * 16 <= graph[other].type.byteCount
  }

  /// The positions in `reads` of what a node reads.
  func reads(of reader: Int) -> Range<Int> { Int(firstRead[reader])..<Int(firstRead[reader + 1]) }

  /// The positions in `reads` at which a node is read, in the order of the readers.
  func users(of source: Int) -> ArraySlice<Int32> {
    userLists[Int(firstUser[source])..<Int(firstUser[source + 1])]
  }
}

// MARK: - What is computed

extension Dataflow {
  /// Marks the nodes that need a kernel, walking from results to leaves.
  private mutating func findComputed() {
    var isNeeded = isComputed
    /// Whether the elements are wanted in memory, which matters where they would else be formed by the reader.
    var isWanted = isComputed
    for value in graph.outputs.map(\.value) + graph.updates.map(\.value) {
      (isNeeded[Int(value.index)], isWanted[Int(value.index)]) = (true, true)
      isResult[Int(storage(of: value).index)] = true
    }
    for update in graph.updates { isUpdate[Int(storage(of: update.value).index)] = true }
    for value in graph.values.reversed() where isNeeded[Int(value.index)] {
      let node = graph[value]
      if node.op.isIota || node.op.isAffineRead {
        isComputed[Int(value.index)] = isWanted[Int(value.index)]
      } else {
        isComputed[Int(value.index)] = !node.op.isLeaf && !node.op.isView
      }
      if case .index = node.op { precedesCheck[Int(value.index)] = true }
      if node.op.isContraction {
        // Movement before a factor is read through as far as the kernel can.
        for factor in graph.factorSources(of: value) {
          let source = Int(factor.index)
          (isNeeded[source], isWanted[source]) = (true, true)
          if precedesCheck[Int(value.index)] { precedesCheck[source] = true }
        }
        continue
      }
      for (position, operand) in node.operands.enumerated() {
        isNeeded[Int(operand.index)] = true
        if precedesCheck[Int(value.index)] { precedesCheck[Int(operand.index)] = true }
        if node.op.isView || node.op.readsMemory(at: position) {
          isWanted[Int(operand.index)] = true
        }
      }
    }
  }

  private mutating func findCopies() {
    struct Key: Hashable {
      let op: Op
      let operands: [Int32]
    }
    var first: [Key: Int32] = [:]
    var originals: [Int32] = []
    originals.reserveCapacity(graph.nodes.count)
    for (index, node) in graph.nodes.enumerated() {
      guard isComputed[index], node.op.isElementwise else {
        originals.append(Int32(index))
        continue
      }
      let key = Key(op: node.op, operands: node.operands.map { originals[Int($0.index)] })
      let original = first.value(for: key, inserting: Int32(index))
      originals.append(original)
      isCopy[index] = original != index
    }
  }

  /// Returns the value whose memory a value is.
  func storage(of value: Value) -> Value {
    var value = value
    while graph[value].op.isView { value = graph[value].operands[0] }
    return value
  }

  private mutating func numberShapes() {
    var numbers: [Shape: Int32] = [:]
    func number(_ shape: Shape) -> Int32 {
      numbers.value(for: shape, inserting: Int32(numbers.count))
    }
    shapes.reserveCapacity(graph.nodes.count)
    squeezedShapes.reserveCapacity(graph.nodes.count)
    for node in graph.nodes {
      let own = number(node.type.shape)
      let squeezed = node.type.shape.squeezed
      shapes.append(own)
      squeezedShapes.append(
        squeezed.count == node.type.shape.rank ? own : number(Shape(squeezed)))
    }
  }
}

// MARK: - Reads

extension Dataflow {
  /// Where a value's elements come from, and how.
  private struct Arrival {
    /// A computed node or a leaf; -1 where the reader forms the elements itself.
    var source: Int32
    var way: Way
  }

  private mutating func collectReads() {
    var arrivals: [Arrival] = []
    arrivals.reserveCapacity(graph.nodes.count)
    firstRead.reserveCapacity(graph.nodes.count + 1)
    for value in graph.values {
      if isComputed[Int(value.index)] { append(readsOf: value, arrivals) }
      firstRead.append(Int32(reads.count))
      arrivals.append(arrival(of: value, arrivals))
    }
  }

  private func arrival(of value: Value, _ arrivals: [Arrival]) -> Arrival {
    let node = graph[value]
    guard case .movement(let movement) = node.op, !isComputed[Int(value.index)] else {
      let isFormed = node.op.isInlineLeaf && !isComputed[Int(value.index)]
      return Arrival(source: isFormed ? -1 : value.index, way: .direct)
    }
    var arrival = arrivals[Int(node.operands[0].index)]
    if case .elsewhere = arrival.way { return arrival }
    let (operand, shape) = (graph[node.operands[0]].type.shape, node.type.shape)
    let isAligned = movement.keepsLeadingAxes(of: operand, in: shape)
    switch arrival.way {
    case .repeated(_, let repetition) where isAligned && node.op.isView:
      arrival.way = .repeated(by: value, repetition)
    case .direct where isAligned, .aligned where isAligned:
      arrival.way = .aligned(by: value)
    case .direct, .aligned:
      guard arrival.source >= 0,
        squeezedShapes[Int(arrival.source)] == squeezedShapes[Int(node.operands[0].index)],
        let repetition = movement.repetition(of: operand, in: shape)
      else { fallthrough }
      arrival.way = .repeated(by: value, repetition)
    default: arrival.way = .elsewhere(by: value)
    }
    return arrival
  }

  private mutating func append(readsOf value: Value, _ arrivals: [Arrival]) {
    let node = graph[value]
    var found: [Read] = []
    let operands =
      node.op.isContraction ? graph.factorSources(of: value) : node.operands
    for (position, operand) in operands.enumerated() {
      let arrival = arrivals[Int(operand.index)]
      var source = arrival.source
      let way: Way
      switch node.op {
      case .elementwise, .reduction: way = arrival.way
      case .contraction, .convolution: way = .factor
      case .index(.scatterAdd): way = .scattered
      case .index(.argSort): way = .sorted
      case .index(.gather) where position == 0: way = .indexed
      case .index: way = .indices
      case .winograd, .movement, .leaf: way = .elsewhere(by: value)
      }
      // A number that others form themselves is in memory for those that read memory.
      if source < 0, node.op.isContraction || node.op.readsMemory(at: position) {
        source = storage(of: operand).index
      }
      guard source >= 0 else { continue }
      found.append(Read(source: source, reader: value.index, way: way))
    }
    if found.count > 1 { found.sort { $0.source > $1.source } }
    var previous: [Read] = []
    for read in found {
      if previous.first?.source != read.source { previous = [] }
      guard !previous.contains(where: { $0.way == read.way }) else { continue }
      previous.append(read)
      reads.append(read)
    }
  }

  private mutating func collectUsers() {
    firstUser = Array(repeating: 0, count: graph.nodes.count + 1)
    for read in reads { firstUser[Int(read.source) + 1] += 1 }
    for index in graph.nodes.indices { firstUser[index + 1] += firstUser[index] }
    var next = firstUser
    userLists = Array(repeating: 0, count: reads.count)
    for (index, read) in reads.enumerated() {
      userLists[Int(next[Int(read.source)])] = Int32(index)
      next[Int(read.source)] += 1
    }
  }
}

extension Op {
  /// Whether a kernel reads an operand's memory as such, not element by element at places known beforehand.
  fileprivate func readsMemory(at position: Int) -> Bool {
    switch self {
    case .index(.scatterAdd), .index(.argSort): true
    case .index(.gather): position == 0
    default: false
    }
  }
}

extension Movement {
  /// Whether the operand's axes are the result's first ones, in order, axes of extent 1 not counted.
  fileprivate func keepsLeadingAxes(of operand: Shape, in result: Shape) -> Bool {
    switch self {
    case .reshape: return operand.squeezed == result.squeezed
    case .broadcast:
      let missing = result.rank - operand.rank
      let places = operand.extents.indices.filter { operand[$0] != 1 }.map { $0 + missing }
      return places == Array(result.extents.indices.filter { result[$0] != 1 }.prefix(places.count))
    case .transpose(let permutation):
      let kept = permutation.filter { operand[$0] != 1 }
      return kept == kept.sorted()
    case .slice, .pad, .concatenate, .reverse, .window: return false
    }
  }

  /// Returns how the operand is repeated along neighbouring axes of the result, or nil where that is not what happens.
  fileprivate func repetition(of operand: Shape, in result: Shape) -> Dataflow.Repetition? {
    guard case .broadcast = self else { return nil }
    let missing = result.rank - operand.rank
    let long = result.extents.indices.filter { result[$0] != 1 }
    let isNew = long.map { $0 < missing || operand[$0 - missing] == 1 }
    guard let first = isNew.firstIndex(of: true), let last = isNew.lastIndex(of: true),
      isNew[first...last].allSatisfy(\.self)
    else { return nil }
    let dimensions = result.dimensions
    return Dataflow.Repetition(
      extent: long[first...last].reduce(1) { $0 * dimensions[$1] },
      inner: long[(last + 1)...].reduce(1) { $0 * dimensions[$1] })
  }
}
