import Descent

/// One call of an operation, whose arguments are taken one by one; what is left over is not understood.
final class OpCall {
  let op: String
  let builder: GraphBuilder
  /// Tensors that the call changes, by their paths.
  var mutated: [String: Tensor] = [:]
  private let positional: [Argument]
  private let named: [String: Argument]
  private var taken: Set<String> = []

  init(op: String, builder: GraphBuilder, positional: [Argument], named: [String: Argument]) {
    self.op = op
    self.builder = builder
    self.positional = positional
    self.named = named
  }

  /// Throws where an argument has not been taken.
  func expectNothingLeft() throws {
    for index in positional.indices where !taken.contains("\(index)") {
      if case .none = positional[index] { continue }
      throw WorkerError.unsupported("\(op): argument \(index)")
    }
    for (name, value) in named.sorted(by: { $0.key < $1.key }) where !taken.contains(name) {
      if case .none = value { continue }
      throw WorkerError.unsupported("\(op): argument \(name)")
    }
  }

  /// The number of positional arguments.
  var count: Int { positional.count }

  /// Returns an argument by its place, or else by its name; nil where it is missing or none.
  func take(_ place: Int?, _ name: String) -> Argument? {
    var found = named[name]
    if let place, positional.indices.contains(place) {
      found = positional[place]
      taken.insert("\(place)")
    } else {
      taken.insert(name)
    }
    if case .none? = found { return nil }
    return found
  }

  /// The path of an argument as requests name it.
  func path(_ place: Int, _ name: String) -> String {
    positional.indices.contains(place) ? "args[\(place)]" : "kwargs.\(name)"
  }
}

// MARK: - Kinds of arguments

extension OpCall {
  func tensor(_ place: Int?, _ name: String) throws -> Tensor {
    guard let tensor = try optionalTensor(place, name) else { throw missing(name, "a tensor") }
    return tensor
  }

  func optionalTensor(_ place: Int?, _ name: String) throws -> Tensor? {
    switch take(place, name) {
    case .tensor(let tensor)?: return tensor
    case nil: return nil
    default: throw missing(name, "a tensor")
    }
  }

  /// Returns a tensor, or a number as a tensor of another's type.
  func operand(_ place: Int?, _ name: String, like other: Tensor) throws -> Tensor {
    switch take(place, name) {
    case .tensor(let tensor)?: return tensor
    case .integer(let value)?: return builder.constant(Double(value), other.dataType)
    case .number(let value)?: return builder.constant(value, other.dataType)
    default: throw missing(name, "a tensor or a number")
    }
  }

  func tensors(_ place: Int?, _ name: String) throws -> [Tensor] {
    guard case .list(let elements)? = take(place, name) else { throw missing(name, "tensors") }
    return try elements.map {
      guard case .tensor(let tensor) = $0 else { throw missing(name, "tensors") }
      return tensor
    }
  }

  /// Returns all positional arguments from a place on, which are tensors.
  func tensors(from place: Int) throws -> [Tensor] {
    try (place..<max(place, count)).map { try tensor($0, "tensor \($0)") }
  }

  func optionalInteger(_ place: Int?, _ name: String) throws -> Int? {
    switch take(place, name) {
    case .integer(let value)?: return value
    case .list(let elements)?:
      guard elements.count == 1, case .integer(let value) = elements[0] else { break }
      return value
    case nil: return nil
    default: break
    }
    throw missing(name, "a whole number")
  }

  func integer(_ place: Int?, _ name: String, default value: Int? = nil) throws -> Int {
    guard let found = try optionalInteger(place, name) ?? value else {
      throw missing(name, "a whole number")
    }
    return found
  }

  func optionalNumber(_ place: Int?, _ name: String) throws -> Double? {
    switch take(place, name) {
    case .integer(let value)?: return Double(value)
    case .number(let value)?: return value
    case nil: return nil
    default: throw missing(name, "a number")
    }
  }

  func number(_ place: Int?, _ name: String, default value: Double) throws -> Double {
    try optionalNumber(place, name) ?? value
  }

  func flag(_ place: Int?, _ name: String, default value: Bool = false) throws -> Bool {
    switch take(place, name) {
    case .flag(let value)?: return value
    case nil: return value
    default: throw missing(name, "true or false")
    }
  }

  func word(_ place: Int?, _ name: String, default value: String) throws -> String {
    switch take(place, name) {
    case .word(let value)?: return value
    case nil: return value
    default: throw missing(name, "a word")
    }
  }

  /// Returns whole numbers; a single one counts as a list of one.
  func optionalIntegers(_ place: Int?, _ name: String) throws -> [Int]? {
    switch take(place, name) {
    case .integer(let value)?: return [value]
    case .list(let elements)?:
      return try elements.map {
        guard case .integer(let value) = $0 else { throw missing(name, "whole numbers") }
        return value
      }
    case nil: return nil
    default: throw missing(name, "whole numbers")
    }
  }

  func integers(_ place: Int?, _ name: String, default value: [Int]? = nil) throws -> [Int] {
    guard let found = try optionalIntegers(place, name) ?? value else {
      throw missing(name, "whole numbers")
    }
    return found
  }

  /// Returns one number for each of so many axes; a single one is for all.
  func integers(
    _ place: Int?, _ name: String, count: Int, default value: [Int]? = nil
  ) throws -> [Int] {
    let found = try integers(place, name, default: value)
    if found.count == count { return found }
    guard found.count == 1 else { throw missing(name, "\(count) whole numbers") }
    return [Int](repeating: found[0], count: count)
  }

  /// Takes an element type that says no more than the tensors do, and refuses others.
  func expectType(_ name: String, _ type: DataType) throws {
    switch take(nil, name) {
    case .dataType(let found)? where found == type: return
    case nil: return
    default: throw WorkerError.unsupported("\(op): \(name)")
    }
  }

  private func missing(_ name: String, _ what: String) -> WorkerError {
    .refused("\(op): \(name) is not \(what)")
  }
}
