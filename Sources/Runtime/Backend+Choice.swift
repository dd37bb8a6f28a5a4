package import DescentCodegen
import Glibc

extension Backend {
  /// The environment variable that forces a choice.
  static var variable: String { "DESCENT_BACKEND" }

  /// Returns the backend for plans of this process: the one that is asked for, or else the fastest.
  ///
  /// Nothing else decides. A plan for which memory cannot be had later may still fall back to `portable`.
  /// - Throws: `RuntimeError` when the environment asks for what does not exist or cannot run here.
  package static func chosen() throws(RuntimeError) -> Backend {
    let name = getenv(variable).map { String(cString: $0) }
    return try chosen(name: name, features: CPUFeatures.detection)
  }

  /// Returns the backend of a name, or the fastest for none, on a processor with these extensions.
  package static func chosen(
    name: String?, features: Result<CPUFeatures, RuntimeError>
  ) throws(RuntimeError) -> Backend {
    guard let name, !name.isEmpty else { return best(for: (try? features.get()) ?? []) }
    let backend = try named(name)
    // Where the processor cannot even be asked, portable code runs all the same.
    guard backend != .portable else { return .portable }
    return try backend.checked(on: features.get())
  }

  /// Returns the backend of a name.
  package static func named(_ name: String) throws(RuntimeError) -> Backend {
    guard let backend = Backend(rawValue: name) else { throw .unknownBackend(name) }
    return backend
  }

  /// Returns this backend if a processor with these extensions can execute its code.
  package func checked(on features: CPUFeatures) throws(RuntimeError) -> Backend {
    guard runs(on: features) else { throw .unsupportedBackend(self, features: features) }
    return self
  }
}
