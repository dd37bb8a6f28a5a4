import Glibc
import Synchronization

/// Diverts the allocation functions of the C library, in all libraries loaded by now.
///
/// A library calls a function of another through a slot in its table of imports. The hook finds the
/// slots by name, and writes the address of a counting function there.
enum MallocHook {
  private typealias Allocate = @convention(c) (Int) -> UnsafeMutableRawPointer?
  private typealias AllocateTwo = @convention(c) (Int, Int) -> UnsafeMutableRawPointer?
  private typealias Reallocate =
    @convention(c) (UnsafeMutableRawPointer?, Int) -> UnsafeMutableRawPointer?
  private typealias AllocateInto =
    @convention(c) (UnsafeMutableRawPointer?, Int, Int) -> Int32

  private static let malloc = symbol("malloc", as: Allocate.self)
  private static let calloc = symbol("calloc", as: AllocateTwo.self)
  private static let memalign = symbol("memalign", as: AllocateTwo.self)
  private static let alignedAlloc = symbol("aligned_alloc", as: AllocateTwo.self)
  private static let realloc = symbol("realloc", as: Reallocate.self)
  private static let posixMemalign = symbol("posix_memalign", as: AllocateInto.self)

  private static func symbol<Function>(_ name: String, as type: Function.Type) -> Function {
    guard let address = dlsym(nil, name) else { preconditionFailure("no \(name) in this process") }
    return unsafeBitCast(address, to: type)
  }

  /// The counting functions.
  ///
  /// Naming the originals here also looks them up before they are needed.
  private static func makeHooks() -> [String: UInt] {
    _ = (malloc, calloc, memalign, alignedAlloc, realloc, posixMemalign)
    let countMalloc: Allocate = { size in
      counters.countMalloc()
      return MallocHook.malloc(size)
    }
    let countCalloc: AllocateTwo = { count, size in
      counters.countMalloc()
      return MallocHook.calloc(count, size)
    }
    let countMemalign: AllocateTwo = { alignment, size in
      counters.countMalloc()
      return MallocHook.memalign(alignment, size)
    }
    let countAlignedAlloc: AllocateTwo = { alignment, size in
      counters.countMalloc()
      return MallocHook.alignedAlloc(alignment, size)
    }
    let countRealloc: Reallocate = { memory, size in
      counters.countMalloc()
      return MallocHook.realloc(memory, size)
    }
    let countPosixMemalign: AllocateInto = { result, alignment, size in
      counters.countMalloc()
      return MallocHook.posixMemalign(result, alignment, size)
    }
    return [
      "malloc": unsafeBitCast(countMalloc, to: UInt.self),
      "calloc": unsafeBitCast(countCalloc, to: UInt.self),
      "memalign": unsafeBitCast(countMemalign, to: UInt.self),
      "aligned_alloc": unsafeBitCast(countAlignedAlloc, to: UInt.self),
      "realloc": unsafeBitCast(countRealloc, to: UInt.self),
      "posix_memalign": unsafeBitCast(countPosixMemalign, to: UInt.self),
    ]
  }

  private struct Patch {
    let slot: UnsafeMutablePointer<UInt>
    let original: UInt
  }

  nonisolated(unsafe) private static var patches: [Patch] = []

  static func install() {
    let hooks = makeHooks()
    // Collected first: from the first write on, nothing here may allocate.
    let imports = ImportSlot.all(named: Set(hooks.keys))
    patches = imports.map { Patch(slot: $0.address, original: $0.address.pointee) }
    for entry in imports {
      guard let hook = hooks[entry.name] else { continue }
      entry.makeWritable()
      entry.address.pointee = hook
    }
  }

  static func remove() {
    for patch in patches { patch.slot.pointee = patch.original }
    patches = []
  }
}
