/// Finds the parts of modules among their properties, and so the names of their parameters.
enum ModuleParts {
  /// Returns what tells a module from its siblings: its identity, or else what it says of itself.
  static func key(of module: any Module) -> String {
    switch module {
    case let layer as any Layer: "#\(layer.identity.number)"
    case let stack as any Identified: "#\(stack.identity.number)"
    default: String(reflecting: module)
    }
  }

  /// Returns the paths of a module and of its parts, seen from itself, by key.
  static func paths(in module: any Module) -> [String: [String]] {
    var paths = [key(of: module): [""]]
    // The places of a stack's modules are their positions; the stack itself enters them.
    if !(module is any Identified) {
      collect(Mirror(reflecting: module), behind: "", depth: 0, into: &paths)
    }
    return paths
  }

  /// The depth beyond which properties are not followed, since objects may hold each other.
  private static let depthLimit = 16

  private static func collect(
    _ mirror: Mirror, behind path: String, depth: Int, into paths: inout [String: [String]]
  ) {
    guard depth < depthLimit else { return }
    for (position, child) in mirror.children.enumerated() {
      let name = name(of: child.label, at: position, in: mirror)
      collect(child.value, at: joined(path, name), depth: depth + 1, into: &paths)
    }
  }

  private static func collect(
    _ value: Any, at path: String, depth: Int, into paths: inout [String: [String]]
  ) {
    if let module = value as? any Module {
      paths[key(of: module), default: []].append(path)
      if !(module is any Identified) {
        collect(Mirror(reflecting: module), behind: path, depth: depth, into: &paths)
      }
      return
    }
    let mirror = Mirror(reflecting: value)
    switch mirror.displayStyle {
    case .collection where holdsModules(value), .tuple:
      collect(mirror, behind: path, depth: depth, into: &paths)
    default:
      // What a property wrapper wraps goes by the property's name.
      if let wrapped = mirror.descendant("wrappedValue") as? any Module {
        collect(wrapped, at: path, depth: depth + 1, into: &paths)
      }
    }
  }

  /// Whether a list may hold modules: lists of numbers may be long and are not looked through.
  private static func holdsModules(_ value: Any) -> Bool {
    guard let first = Mirror(reflecting: value).children.first?.value else { return false }
    return first is any Module || Mirror(reflecting: first).displayStyle == .collection
  }

  /// Returns the name of a property: wrapped ones are stored behind an underscore, tuples count.
  private static func name(of label: String?, at position: Int, in mirror: Mirror) -> String {
    guard let label, mirror.displayStyle != .collection else { return "\(position)" }
    return label.hasPrefix("_") || label.hasPrefix(".") ? String(label.dropFirst()) : label
  }
}
