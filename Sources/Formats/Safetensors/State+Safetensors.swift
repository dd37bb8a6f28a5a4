public import DescentGraph

// A state is a file of tensors by name; the seed, which is no tensor, is written in the metadata.

extension State {
  /// The key of the seed in the file's metadata.
  private static let seedKey = "random.seed"

  /// Writes everything a session remembers to a safetensors file, whole or not at all.
  ///
  /// - Throws: `FormatError` where the file cannot be written.
  public func save(to path: String) throws(FormatError) {
    let tensors = entries.map { Safetensors.Entry($0.name, $0.array) }
    try Safetensors(tensors, metadata: [State.seedKey: "\(seed)"]).write(to: path)
  }

  /// Reads a safetensors file; one without a seed, such as another program's, gets the seed 0.
  ///
  /// - Throws: `FormatError` where the file cannot be read, or the seed is no number.
  public init(path: String) throws(FormatError) {
    let file = try Safetensors(path: path)
    let text = file.metadata[State.seedKey] ?? "0"
    guard let seed = UInt64(text) else { throw .stateSeed(text, in: path) }
    self.init(file.entries.map { Entry($0.name, $0.array) }, seed: seed)
  }
}

extension FormatError {
  fileprivate static func stateSeed(_ text: String, in source: String) -> FormatError {
    FormatError("random.seed is \(quoted(text)), not a whole number of 64 bits", in: source)
  }
}
