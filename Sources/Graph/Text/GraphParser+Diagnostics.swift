// What can be wrong with graph text. The parser adds file and line.

extension GraphError {
  // MARK: Tokens

  static func unexpectedCharacter(_ character: Character) -> GraphError {
    GraphError("unexpected character \(String(character).quoted)")
  }

  static let unterminatedString = GraphError("the string does not end on its line")

  static let unknownEscape = GraphError(
    "unknown escape in a string", hint: #"write \", \\, \n, \t, \r or \u{1f600}"#)

  static func expected(_ what: String, found token: GraphToken?) -> GraphError {
    GraphError("expected \(what), found \(token?.description ?? "the end of the line")")
  }

  // MARK: Numbers

  static func notWhole(_ text: String) -> GraphError {
    GraphError("\(text) is not a whole number")
  }

  static func notNumber(_ text: String) -> GraphError {
    GraphError("\(text) is not a number")
  }

  static func notTruthValue(_ text: String) -> GraphError {
    GraphError("\(text) is not true or false")
  }

  static func tooLarge(_ text: String) -> GraphError {
    GraphError("\(text) does not fit 64 bits")
  }

  static func outOfRange(_ text: String, _ dataType: DataType) -> GraphError {
    GraphError("\(text) is beyond the range of \(dataType)")
  }

  // MARK: Elements

  static func symbolicElements(_ op: String, _ type: TensorType) -> GraphError {
    GraphError("\(op): elements cannot fill \(type), which depends on the batch size")
  }

  static func impossibleSize(_ op: String, _ type: TensorType) -> GraphError {
    GraphError("\(op): \(type) is not a possible size")
  }

  static func elementCount(_ op: String, _ count: Int, _ type: TensorType) -> GraphError {
    GraphError("\(op): \(count) elements do not fill \(type)")
  }

  static func tooManyRepeated(_ op: String, _ count: Int) -> GraphError {
    GraphError(
      "\(op): \(count) repeated elements exceed what one text may abbreviate",
      hint: "the limit is \(ElementPrinter.repeatedElementLimit) in all; use a broadcast")
  }

  // MARK: Lines

  static let missingHeader = GraphError(
    "the text does not begin with a line such as graph \"name\"")

  static let repeatedHeader = GraphError("the graph is named twice")

  static let lateHeader = GraphError("the graph's name must come before everything else")

  static let repeatedObjective = GraphError("a graph can minimize one output only")

  static func redefined(_ number: Int) -> GraphError {
    GraphError("%\(number) is defined twice")
  }

  static func undefined(_ number: Int, line: Int) -> GraphError {
    GraphError("%\(number) is not defined before line \(line)")
  }

  static func unknownOperation(_ name: String) -> GraphError {
    GraphError("there is no operation \(name.quoted)")
  }

  static func unknownOptimizer(_ name: String) -> GraphError {
    GraphError("there is no optimizer \(name.quoted)", hint: "the optimizers are sgd and adam")
  }

  static func repeatedAttribute(_ name: String) -> GraphError {
    GraphError("attribute \(name) is given twice")
  }

  static func unknownAttribute(_ name: String, _ op: String, _ known: [String]) -> GraphError {
    let list = known.joined(separator: ", ")
    return GraphError(
      "\(op): attribute \(name) is not known, or its value has no meaning",
      hint: known.isEmpty ? "it takes none" : "the attributes here are \(list)")
  }

  static func declared(_ type: TensorType, _ op: String, found: TensorType) -> GraphError {
    GraphError("\(op): the type is declared \(type), but the result is \(found)")
  }
}

extension GraphToken: CustomStringConvertible {
  /// The token as errors quote it.
  var description: String {
    switch self {
    case .value(let digits): "%\(digits)"
    case .word(let text), .number(let text): "\"\(text)\""
    case .string(let string): string.quoted
    case .symbol(let symbol): "\"\(symbol)\""
    }
  }
}
