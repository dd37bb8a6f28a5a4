import Glibc

/// Diverts the Swift runtime's function that allocates objects.
enum ObjectHook {
  private typealias AllocateObject =
    @convention(c) (UnsafeRawPointer?, Int, Int) -> UnsafeMutableRawPointer

  /// The runtime's variable that holds the function; it is there for instruments to change.
  nonisolated(unsafe) private static let slot: UnsafeMutablePointer<AllocateObject>? =
    dlsym(nil, "_swift_allocObject").map { $0.assumingMemoryBound(to: AllocateObject.self) }
  /// What the variable held before; nil where the runtime has none.
  private static let original: AllocateObject? = slot?.pointee

  /// Set by the runtime as soon as it finds a function replaced; it then replaces all of them.
  ///
  /// Its detour for retaining drops the bit that marks a short string, and so retains the text as
  /// if it were an object. The hook clears the flag before anything can be retained.
  nonisolated(unsafe) private static let detoursAll: UnsafeMutablePointer<Bool>? =
    dlsym(nil, "_swift_enableSwizzlingOfAllocationAndRefCountingFunctions_forInstrumentsOnly")
    .map { $0.assumingMemoryBound(to: Bool.self) }

  static func install() {
    // Looked up now, since looking up allocates.
    _ = detoursAll
    guard original != nil, let slot else { return }
    slot.pointee = { metadata, size, alignmentMask in
      ObjectHook.detoursAll?.pointee = false
      counters.countObject()
      guard let original = ObjectHook.original else { abort() }
      return original(metadata, size, alignmentMask)
    }
  }

  static func remove() {
    guard let original, let slot else { return }
    slot.pointee = original
    detoursAll?.pointee = false
  }
}
