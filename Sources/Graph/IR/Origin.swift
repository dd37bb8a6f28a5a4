/// Where in the user's program a node comes from.
public struct Origin: Hashable, Sendable {
  /// The file's name, without its folder.
  public let file: String
  /// The line in that file, counted from 1.
  public let line: Int
  /// The path of the layer that made the node, such as `1.ReLU`; empty outside layers.
  public var layer: String
  /// The composite the node is part of, such as `softmax`; empty for a primitive the user wrote.
  public var composite: String

  /// Creates an origin; a file id such as `Module/main.swift` is cut down to its name.
  public init(file: String, line: Int, layer: String = "", composite: String = "") {
    self.file = file.split(separator: "/").last.map(String.init) ?? file
    self.line = line
    self.layer = layer
    self.composite = composite
  }

  /// The origin of nodes that no source line asked for.
  public static let unknown: Origin = Origin(file: "", line: 0)

  /// The place as `main.swift:5`, or an empty string where it is unknown.
  public var location: String { file.isEmpty ? "" : "\(file):\(line)" }
}

extension Origin: CustomStringConvertible {
  /// Layer, composite and place, as far as they are known.
  public var description: String {
    [layer, composite, location].filter { !$0.isEmpty }.joined(separator: "  ")
  }
}
