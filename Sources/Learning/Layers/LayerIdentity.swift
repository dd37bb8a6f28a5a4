package import DescentGraph
import Synchronization

/// What tells a layer from an equal one, and where it was written.
///
/// Layers are values: two `Dense(64)` are alike. The identity lets a model find out which of its properties a call
/// such as `a(x)` is about. Copies of a layer share it, and so share their parameters.
public struct LayerIdentity: Sendable {
  /// A number no other layer of this process has; it never shows in a graph.
  let number: UInt64
  /// The line the layer was written on.
  package let site: Site

  /// Creates an identity of its own.
  public init(file: String = #fileID, line: Int = #line) {
    number = count.wrappingAdd(1, ordering: .relaxed).newValue
    site = Site(file, line)
  }
}

/// A module that an identity tells from equal ones.
protocol Identified {
  /// What tells the module from an equal one.
  var identity: LayerIdentity { get }
}

private let count = Atomic<UInt64>(0)
