import Glibc

/// Whole files in and out of memory: the only place of this module that touches pointers.
package enum Files {
  /// Returns the contents of a file.
  package static func read(_ path: String) throws(FormatError) -> [UInt8] {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .cannot("open", path, reason()) }
    defer { close(descriptor) }

    var contents = [UInt8](repeating: 0, count: max(fileSize(descriptor) + 1, 4096))
    var filled = 0
    while true {
      // The size is a guess only: pipes have none, and a file may grow while it is read.
      if filled == contents.count {
        contents.append(contentsOf: repeatElement(0, count: contents.count))
      }
      let count = unsafe contents.withUnsafeMutableBytes { buffer in
        unsafe Glibc.read(descriptor, buffer.baseAddress! + filled, buffer.count - filled)
      }
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw .cannot("read", path, reason()) }
      if count == 0 { break }
      filled += count
    }
    contents.removeLast(contents.count - filled)
    return contents
  }

  /// Writes a file so that readers see either the old contents or all of the new.
  package static func write(_ bytes: [UInt8], to path: String) throws(FormatError) {
    // Beside the target, because a rename is atomic within one file system only.
    let temporary = "\(path).\(getpid())-\(UInt32.random(in: 0 ... .max)).tmp"
    let descriptor = unsafe open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw .cannot("create", path, reason()) }

    var failure = writeAll(bytes, to: descriptor)
    if failure == nil && fsync(descriptor) != 0 { failure = reason() }
    if close(descriptor) != 0 && failure == nil { failure = reason() }
    if failure == nil && (unsafe rename(temporary, path)) != 0 { failure = reason() }
    if let failure {
      _ = unsafe unlink(temporary)
      throw .cannot("write", path, failure)
    }
  }

  /// Writes every byte and returns why it failed, or nil.
  private static func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> String? {
    var written = 0
    while written < bytes.count {
      let count = unsafe bytes.withUnsafeBytes { buffer in
        unsafe Glibc.write(descriptor, buffer.baseAddress! + written, buffer.count - written)
      }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { return reason() }
      written += count
    }
    return nil
  }

  /// Returns the size of an open file, or 0 where it has none.
  private static func fileSize(_ descriptor: Int32) -> Int {
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { return 0 }
    return max(0, Int(status.st_size))
  }

  /// Returns the text of the last system error.
  private static func reason() -> String {
    unsafe String(cString: strerror(errno))
  }
}
