extension Graph {
  /// Creates a graph from its text.
  ///
  /// Nodes are given the text's own lines as origins. Any text is safe to parse, wherever it comes from.
  ///
  /// - Parameters:
  ///   - text: What `text` printed, or what was written by hand in that form.
  ///   - file: The name that errors and origins call the text by.
  /// - Throws: Every mistake in the text, with its line.
  public init(parsing text: String, file: String) throws(GraphErrors) {
    var parser = GraphParser(file: file)
    self = try parser.parse(text)
  }
}

/// Reads graph text line by line.
///
/// A line with a mistake is reported and its value known to be broken: lines that use it are passed over, so
/// that one mistake is reported once. Equal nodes stay apart, for a graph may hold copies on purpose.
struct GraphParser {
  private let file: String
  private var line = 0
  private var isNamed = false
  private var builder = GraphBuilder(name: "", interning: false)
  /// The values by their number in the text; nil inside for a line that had a mistake.
  private var values: [Int: Value?] = [:]
  private var objective: (objective: Objective, origin: Origin)?
  private var elements = ElementParser()

  init(file: String) {
    self.file = file
  }

  /// Returns the graph a whole text describes.
  mutating func parse(_ text: String) throws(GraphErrors) -> Graph {
    let newline = UInt8(ascii: "\n")
    for bytes in Array(text.utf8).split(separator: newline, omittingEmptySubsequences: false) {
      line += 1
      builder.origin = Origin(file: file, line: line)
      do {
        var lexer = GraphLexer(line: bytes)
        let tokens = try lexer.tokens()
        if !tokens.isEmpty { try statement(GraphTokenCursor(tokens)) }
      } catch {
        builder.record(error)
      }
    }
    if !isNamed { builder.record(.missingHeader) }
    return try finish()
  }

  private mutating func finish() throws(GraphErrors) -> Graph {
    let graph = builder.build(objective: objective?.objective)
    var errors = graph.errors
    if errors.isEmpty { errors = graph.verify() }
    // The graph cannot say where its objective was written; the parser can.
    for index in errors.indices where errors[index].origin == .unknown {
      errors[index].origin = objective?.origin ?? Origin(file: file, line: line)
    }
    guard errors.isEmpty else { throw GraphErrors(errors) }
    return graph
  }

  // MARK: - Lines

  private mutating func statement(_ tokens: GraphTokenCursor) throws(GraphError) {
    var cursor = tokens
    switch cursor.next {
    case .word("graph")?: try header(&cursor)
    case .word("output")?: try output(&cursor)
    case .word("update")?: try update(&cursor)
    case .word("minimize")?: try minimize(&cursor)
    case .value?: try node(&cursor)
    default: throw .expected("a node, output, update or minimize", found: cursor.next)
    }
  }

  private mutating func header(_ cursor: inout GraphTokenCursor) throws(GraphError) {
    cursor.skip()
    let name = try cursor.string("the graph's name in quotes")
    try cursor.expectEnd()
    guard !isNamed else { throw .repeatedHeader }
    isNamed = true
    // Nothing but mistakes can stand before the header, and they stay.
    let (errors, origin) = (builder.errors, builder.origin)
    guard values.isEmpty, builder.outputs.isEmpty, builder.updates.isEmpty, objective == nil
    else { throw .lateHeader }
    builder = GraphBuilder(name: name, interning: false)
    for error in errors { builder.record(error) }
    builder.origin = origin
  }

  private mutating func output(_ cursor: inout GraphTokenCursor) throws(GraphError) {
    cursor.skip()
    let name = try cursor.string("the output's name in quotes")
    try cursor.expect("=")
    let number = try cursor.value()
    try cursor.expectEnd()
    builder.output(name, try value(number))
  }

  private mutating func update(_ cursor: inout GraphTokenCursor) throws(GraphError) {
    cursor.skip()
    let leaf = try cursor.value()
    try cursor.expect("=")
    let number = try cursor.value()
    try cursor.expectEnd()
    builder.update(try value(leaf), to: try value(number))
  }

  private mutating func minimize(_ cursor: inout GraphTokenCursor) throws(GraphError) {
    cursor.skip()
    let output = try cursor.string("the name of an output in quotes")
    try cursor.expect(word: "with")
    let rule = try cursor.word("an optimizer")
    let attributes = try rawAttributes(&cursor).resolved(rule, RawAttributes.untyped, &elements)
    try cursor.expectEnd()
    guard let optimizer = try Optimizer(ruleName: rule, attributes) else {
      throw .unknownOptimizer(rule)
    }
    try attributes.expectKnown(optimizer.attributes, by: rule)
    guard objective == nil else { throw .repeatedObjective }
    objective = (Objective(minimizing: output, with: optimizer), builder.origin)
  }

  private mutating func node(_ cursor: inout GraphTokenCursor) throws(GraphError) {
    let number = try cursor.value()
    guard values[number] == nil else { throw .redefined(number) }
    values[number] = .some(nil)
    try cursor.expect("=")
    let name = try cursor.word("the name of an operation")
    let operands = try operands(&cursor)
    let raw = try rawAttributes(&cursor)
    try cursor.expect(":")
    let type = try cursor.type()
    try cursor.expectEnd()
    let attributes = try raw.resolved(name, type, &elements)
    guard let op = try Op.named(name, attributes: attributes, type: type) else {
      throw .unknownOperation(name)
    }
    try attributes.expectKnown(op.definition.attributes, by: name)
    guard let operands else { return }
    let value = try builder.insert(op, operands, origin: builder.origin)
    guard builder.type(of: value) == type else {
      throw .declared(type, name, found: builder.type(of: value))
    }
    values[number] = value
  }

  // MARK: - Parts of lines

  /// Returns the operands in parentheses, or nil where one is missing or broken, which is reported already.
  private mutating func operands(
    _ cursor: inout GraphTokenCursor
  ) throws(GraphError) -> [Value]? {
    guard cursor.take("(") else { return [] }
    var operands: [Value] = []
    var isComplete = true
    repeat {
      let number = try cursor.value()
      do {
        if let value = try value(number) { operands.append(value) } else { isComplete = false }
      } catch {
        builder.record(error)
        isComplete = false
      }
    } while cursor.take(",")
    try cursor.expect(")")
    return isComplete ? operands : nil
  }

  /// Returns the value of a number, or nil where its line had a mistake.
  private func value(_ number: Int) throws(GraphError) -> Value? {
    guard let value = values[number] else { throw .undefined(number, line: line) }
    return value
  }

  private func rawAttributes(
    _ cursor: inout GraphTokenCursor
  ) throws(GraphError) -> RawAttributes {
    var attributes = RawAttributes()
    while case .word(let name)? = cursor.next {
      cursor.skip()
      try cursor.expect("=")
      try attributes.append(name, &cursor)
    }
    return attributes
  }
}
