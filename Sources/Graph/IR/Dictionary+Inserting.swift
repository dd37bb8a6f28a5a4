extension Dictionary {
  /// Returns the value of a key, which is the given one from now on if it had none.
  ///
  /// To look first and insert then would hash the key twice, and keys that are operations take long to hash. Only what
  /// is inlinable is specialised in other modules.
  @inlinable package mutating func value(for key: Key, inserting new: Value) -> Value {
    func content(_ place: inout Value) -> Value { place }
    return content(&self[key, default: new])
  }
}
