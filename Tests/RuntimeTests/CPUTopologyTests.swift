import DescentRuntime
import Foundation
import Testing

@Suite struct CPUTopologyTests {
  @Test func thereIsAtLeastOneCoreAndNoMoreThanTheMachineHas() {
    #expect(CPUTopology.usableCoreCount >= 1)
    #expect(CPUTopology.usableCoreCount <= ProcessInfo.processInfo.processorCount)
    #expect(ThreadPool.defaultThreadCount == CPUTopology.usableCoreCount)
  }

  /// Membership, files, and the cores they grant.
  static let cases: [(String, [String: String], Int?)] = [
    ("", [:], nil),
    ("0::/\n", ["/sys/fs/cgroup/cpu.max": "max 100000\n"], nil),
    ("0::/\n", ["/sys/fs/cgroup/cpu.max": "200000 100000\n"], 2),
    ("0::/\n", ["/sys/fs/cgroup/cpu.max": "250000 100000\n"], 3),
    ("0::/\n", ["/sys/fs/cgroup/cpu.max": "1000 100000\n"], 1),
    ("0::/\n", ["/sys/fs/cgroup/cpu.max": "what is this\n"], nil),
    ("0::/\n", ["/sys/fs/cgroup/cpu.max": "5 0\n"], nil),
    // A parent's quota binds too.
    (
      "0::/a/b\n",
      [
        "/sys/fs/cgroup/a/b/cpu.max": "800000 100000\n",
        "/sys/fs/cgroup/a/cpu.max": "300000 100000\n",
      ], 3
    ),
    // Version 1, with the host's path inside of a container.
    (
      "5:cpu,cpuacct:/docker/1234\n4:memory:/docker/1234\n",
      [
        "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "150000\n",
        "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
      ], 2
    ),
    (
      "1:cpu:/\n",
      [
        "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
        "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
      ], nil
    ),
    // Both at once, and a controller whose name only begins alike.
    (
      "2:cpuset:/x\n1:cpu:/\n0::/y\n",
      [
        "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "700000\n",
        "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
        "/sys/fs/cgroup/unified/y/cpu.max": "600000 100000\n",
        "/sys/fs/cgroup/cpu/x/cpu.cfs_quota_us": "100000\n",
        "/sys/fs/cgroup/cpu/x/cpu.cfs_period_us": "100000\n",
      ], 6
    ),
  ]

  @Test(arguments: cases)
  func quotasAreRead(membership: String, files: [String: String], cores: Int?) {
    #expect(CPUTopology.quotaCoreCount(membership: membership) { files[$0] } == cores)
  }
}

@Suite struct MonotonicClockTests {
  @Test func timePassesForward() {
    var last = MonotonicClock.nanoseconds
    for _ in 0..<10_000 {
      let now = MonotonicClock.nanoseconds
      #expect(now >= last)
      last = now
    }
    let before = MonotonicClock.nanoseconds
    usleep(2000)
    #expect(MonotonicClock.nanoseconds - before >= 2_000_000)
  }
}
