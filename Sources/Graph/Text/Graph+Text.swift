// Graph text: one node a line, in the form
//
//     graph "name"
//     %2 = contract(%0, %1) transposeRight=true : f32[batch, 1]   // 1.Dense  main.swift:5
//     output "loss" = %9
//     update %1 = %20
//     minimize "loss" with adam rate=0.001 beta1=0.9 …
//
// A graph without mistakes prints to text that parses to an equal graph. What an operation's attributes are is
// said in its family alone; here stands only how their few forms look.

extension Graph {
  /// The graph as text, one node a line; `Graph(parsing:file:)` reads it back.
  public var text: String { text(origins: true) }

  /// Returns the graph as text, one node a line.
  ///
  /// - Parameter origins: Whether a comment says where the user wrote each node.
  /// - Returns: Lines without a newline after the last.
  public func text(origins: Bool) -> String {
    var elements = ElementPrinter()
    var lines = ["graph \(name.quoted)"]
    for (value, node) in zip(values, nodes) {
      var line = "\(value) = \(node.text(&elements))"
      let place = node.origin.description
      if origins, !place.isEmpty { line += "   // \(place.onOneLine)" }
      lines.append(line)
    }
    lines += outputs.map { "output \($0.name.quoted) = \($0.value)" }
    lines += updates.map { "update \($0.leaf) = \($0.value)" }
    if let objective { lines.append(objective.text(&elements)) }
    lines += errors.map { "// \($0.description.onOneLine)" }
    return lines.joined(separator: "\n")
  }
}

extension Node {
  fileprivate func text(_ elements: inout ElementPrinter) -> String {
    var text = op.name
    if !operands.isEmpty {
      text += "(" + operands.map(\.description).joined(separator: ", ") + ")"
    }
    return text + op.definition.attributes.text(&elements) + " : \(type)"
  }
}

extension Objective {
  fileprivate func text(_ elements: inout ElementPrinter) -> String {
    "minimize \(output.quoted) with \(optimizer.ruleName)" + optimizer.attributes.text(&elements)
  }
}

extension Attributes {
  /// Returns ` name=value` for each attribute.
  fileprivate func text(_ elements: inout ElementPrinter) -> String {
    entries.map { " \($0.name)=\($0.value.text(&elements))" }.joined()
  }
}

extension AttributeValue {
  fileprivate func text(_ elements: inout ElementPrinter) -> String {
    switch self {
    case .extent(let extent): extent.description
    case .extents(let extents): Shape(extents).description
    case .number(let number): number.exactText
    case .word(let word): word
    case .string(let string): string.quoted
    case .array(let array): elements.list(array)
    }
  }
}

extension String {
  /// The string in double quotes, with escapes for what would end it or its line.
  package var quoted: String {
    var text = "\""
    for scalar in unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\t": text += "\\t"
      case "\r": text += "\\r"
      case _ where scalar.value < 0x20 || scalar.value == 0x7f:
        text += "\\u{\(String(scalar.value, radix: 16))}"
      default: text.unicodeScalars.append(scalar)
      }
    }
    return text + "\""
  }

  /// The string fit for a comment, which a newline would end.
  fileprivate var onOneLine: String {
    var line = ""
    for scalar in unicodeScalars {
      line.unicodeScalars.append(scalar == "\n" || scalar == "\r" ? " " : scalar)
    }
    return line
  }
}
