import Glibc

/// What tests must know about the process they run in.
package enum Sanitizer {
  /// Whether a sanitizer watches memory or threads.
  ///
  /// It then allocates in its own ways, and maps more memory than any limit a test could set.
  package static let isActive: Bool =
    dlsym(nil, "__tsan_init") != nil || dlsym(nil, "__asan_init") != nil
}
