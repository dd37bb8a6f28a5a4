import DescentCodegen
public import DescentCompiler

extension Plan {
  /// Returns the least time that each kernel takes on a machine, in nanoseconds, in the order in which a run executes
  /// them.
  ///
  /// `Session.kernelTimes` measures what they take.
  public func leastKernelTimes(on roofline: Roofline) -> [Double] {
    program.kernels[program.preparationCount...].map { roofline.nanoseconds(of: $0) }
  }
}
