import DescentCodegen
import DescentGraph

// What a session says about what it is given.
extension RuntimeError {
  static func unknown(_ kind: String, _ name: String, known: [String]) -> RuntimeError {
    let names = known.map { "\"\($0)\"" }.joined(separator: ", ")
    return RuntimeError(
      "session: there is no \(kind) \"\(name)\"",
      hint: known.isEmpty ? "the plan has none" : "the plan has \(names)")
  }

  static func missingInput(_ name: String) -> RuntimeError {
    RuntimeError("session: input \"\(name)\" is missing")
  }

  static func missingState(_ name: String) -> RuntimeError {
    RuntimeError("session: the state has no \"\(name)\"")
  }

  static func wrongType(
    _ what: String, _ found: TensorType, expected: TensorType
  ) -> RuntimeError {
    let hint: String? =
      found.dataType != expected.dataType ? "convert the elements to \(expected.dataType)" : nil
    return RuntimeError("session: \(what) is \(found), expected \(expected)", hint: hint)
  }

  static func wrongElement(
    _ what: String, _ type: TensorType, _ dataType: DataType
  ) -> RuntimeError {
    RuntimeError("session: \(what) is \(type), not \(dataType)")
  }

  static func differentStates(_ name: String, _ other: String) -> RuntimeError {
    RuntimeError(
      "session: \"\(name)\" and \"\(other)\" do not have the same parameters and states",
      hint: "share only between plans compiled from one graph")
  }

  /// What `Session.run` throws when it was cancelled.
  public static var cancelled: RuntimeError { RuntimeError("session: the run was cancelled") }

  /// An index out of range, with its position and value where they are known.
  static func indexOutOfRange(
    _ fault: Fault, position: (position: Int, index: Int)?
  ) -> RuntimeError {
    var text = fault.location.isEmpty ? "" : "\(fault.location): "
    text += "\(fault.operation): "
    if let position, let input = fault.input {
      text += "index \(position.index) at position \(position.position) of input \"\(input)\""
    } else {
      text += "an index"
    }
    text += " is outside 0..<\(fault.bound)"
    if !fault.layer.isEmpty { text += "\n  in layer \(fault.layer)" }
    return RuntimeError(text, hint: "nothing was changed by this run")
  }
}
