public import DescentGraph

// Graphviz's language: https://graphviz.org/doc/info/lang.html. Shapes and colours tell leaves apart, edges
// carry types, and the nodes of one layer stand in one box.

extension Graph {
  /// The graph as a picture in Graphviz's DOT language; `dot -Tsvg` draws it.
  ///
  /// Equal graphs with equal origins give equal text.
  public var dot: String {
    var lines = [
      "digraph \(name.dotQuoted) {",
      "  rankdir=TB;",
      "  node [fontname=\"Helvetica\", fontsize=11, shape=box, style=\"rounded,filled\", fillcolor=white];",
      "  edge [fontname=\"Helvetica\", fontsize=9, color=gray40];",
    ]
    lines += nodeLines()
    for (value, node) in zip(values, nodes) {
      lines += node.operands.map { operand in
        "  n\(operand.index) -> n\(value.index) [label=\(self[operand].type.description.dotQuoted)];"
      }
    }
    for (index, output) in outputs.enumerated() {
      lines.append(
        "  output\(index) [label=\(output.name.dotQuoted), shape=doubleoctagon, style=filled, fillcolor=lightyellow];"
      )
      let label = self[output.value].type.description.dotQuoted
      lines.append("  n\(output.value.index) -> output\(index) [label=\(label)];")
    }
    lines += updates.map { update in
      "  n\(update.value.index) -> n\(update.leaf.index) [label=\"update\", style=dashed, constraint=false];"
    }
    return (lines + ["}"]).joined(separator: "\n")
  }

  /// Returns the nodes, those of each layer in a cluster, layers in the order of their first node.
  private func nodeLines() -> [String] {
    var layers: [String] = []
    var members: [String: [String]] = [:]
    for (value, node) in zip(values, nodes) {
      let layer = node.origin.layer
      if members[layer] == nil { layers.append(layer) }
      members[layer, default: []].append("n\(value.index) [\(node.dotAttributes(value))];")
    }
    var lines: [String] = []
    for (index, layer) in layers.enumerated() {
      guard !layer.isEmpty else {
        lines += members[layer, default: []].map { "  " + $0 }
        continue
      }
      lines.append("  subgraph cluster\(index) {")
      lines.append(
        "    label=\(layer.dotQuoted); color=gray70; fontname=\"Helvetica\"; fontsize=10;")
      lines += members[layer, default: []].map { "    " + $0 }
      lines.append("  }")
    }
    return lines
  }
}

extension Node {
  fileprivate func dotAttributes(_ value: Value) -> String {
    guard case .leaf(let leaf) = op else {
      return "label=\("\(value) \(op.name)".dotQuoted)" + dotTooltip
    }
    let style =
      switch leaf {
      case .input: "shape=invhouse, style=filled, fillcolor=lightblue"
      case .parameter: "shape=box, style=filled, fillcolor=palegreen"
      case .state: "shape=box, style=filled, fillcolor=khaki"
      case .constant, .iota, .size: "shape=ellipse, style=filled, fillcolor=gray90"
      }
    let label = "\(leaf.leafName ?? "\(value) \(leaf.name)")\n\(type)"
    return "label=\(label.dotQuoted), \(style)" + dotTooltip
  }

  private var dotTooltip: String {
    let place = origin.description
    return place.isEmpty ? "" : ", tooltip=\(place.dotQuoted)"
  }
}

extension String {
  /// The string in double quotes; line breaks stay visible, and nothing is taken for an escape.
  fileprivate var dotQuoted: String {
    var text = "\""
    for scalar in unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n", "\r": text += "\\n"
      case "\0": text += "?"
      default: text.unicodeScalars.append(scalar)
      }
    }
    return text + "\""
  }
}
