import Glibc

/// What the machine and its administrator allow this process to use.
package enum CPUTopology {
  /// The number of cores this process may keep busy, at least 1.
  ///
  /// It is the smaller of the affinity mask and the quota of the control group, since threads
  /// beyond the quota are stopped in the middle of a step, and all others then wait for them.
  package static let usableCoreCount: Int = {
    let affinity = affinityCount() ?? Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    let membership = contents(ofFile: "/proc/self/cgroup") ?? ""
    let quota = quotaCoreCount(membership: membership, read: contents(ofFile:))
    return max(1, min(affinity, quota ?? affinity))
  }()

  /// Returns the cores that a process's control groups grant, rounded up, or nil for no limit.
  ///
  /// Groups nest, and each one's quota holds, so every ancestor is asked. In a container the path
  /// may be the host's; its ancestors then still lead to the container's own group at the top.
  /// - Parameters:
  ///   - membership: the text of `/proc/self/cgroup`.
  ///   - read: returns the text of a file, or nil where there is none.
  /// - Returns: the smallest quota, in cores.
  package static func quotaCoreCount(membership: String, read: (String) -> String?) -> Int? {
    var least: Int?
    for line in membership.split(separator: "\n") {
      let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard fields.count == 3 else { continue }
      let isUnified = fields[0] == "0" && fields[1].isEmpty
      guard isUnified || fields[1].split(separator: ",").contains("cpu") else { continue }
      for folder in folders(of: fields[2]) {
        let quota = isUnified ? unifiedQuota(folder, read) : legacyQuota(folder, read)
        if let quota { least = min(least ?? quota, quota) }
      }
    }
    return least
  }

  /// A path and its ancestors: `/a/b`, `/a`, and the empty one at the top.
  private static func folders(of path: Substring) -> [String] {
    let parts = path.split(separator: "/")
    return (0...parts.count).reversed().map { count in
      parts.prefix(count).map { "/" + $0 }.joined()
    }
  }

  /// Version 2: one file with "quota period", or "max period".
  private static func unifiedQuota(_ folder: String, _ read: (String) -> String?) -> Int? {
    for mount in ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"] {
      guard let text = read("\(mount)\(folder)/cpu.max") else { continue }
      let words = text.split(whereSeparator: \.isWhitespace)
      guard words.count == 2 else { continue }
      return coreCount(quota: words[0], period: words[1])
    }
    return nil
  }

  /// Version 1: two files; a quota of -1 means none.
  private static func legacyQuota(_ folder: String, _ read: (String) -> String?) -> Int? {
    for mount in ["/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu,cpuacct"] {
      guard let quota = read("\(mount)\(folder)/cpu.cfs_quota_us"),
        let period = read("\(mount)\(folder)/cpu.cfs_period_us")
      else { continue }
      return coreCount(quota: firstWord(of: quota), period: firstWord(of: period))
    }
    return nil
  }

  private static func coreCount(quota: Substring, period: Substring) -> Int? {
    guard let quota = Int(quota), let period = Int(period), quota > 0, period > 0 else {
      return nil
    }
    return (quota - 1) / period + 1
  }

  private static func firstWord(of text: String) -> Substring {
    text.split(whereSeparator: \.isWhitespace).first ?? ""
  }
}

extension CPUTopology {
  private typealias GetAffinity = @convention(c) (pid_t, Int, UnsafeMutableRawPointer) -> Int32

  /// The number of bits in the affinity mask.
  ///
  /// The C module hides the call from Swift.
  private static func affinityCount() -> Int? {
    guard let symbol = dlsym(nil, "sched_getaffinity") else { return nil }
    let getAffinity = unsafeBitCast(symbol, to: GetAffinity.self)
    // The kernel refuses a mask shorter than its number of cores: try 1,024 bits, then 32,768.
    for wordCount in [16, 512] {
      var mask = [UInt64](repeating: 0, count: wordCount)
      let status = mask.withUnsafeMutableBytes { bytes in
        bytes.baseAddress.map { getAffinity(0, bytes.count, $0) } ?? -1
      }
      if status == 0 { return mask.reduce(0) { $0 + $1.nonzeroBitCount } }
    }
    return nil
  }

  /// The text of a small system file, or nil when it cannot be read.
  static func contents(ofFile path: String) -> String? {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: 16384)
    let count = read(file, &bytes, bytes.count)
    guard count >= 0 else { return nil }
    return String(decoding: bytes.prefix(count), as: UTF8.self)
  }
}
