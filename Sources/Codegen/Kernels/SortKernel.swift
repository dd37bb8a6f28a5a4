package import DescentGraph

/// The indices that put each line along an axis in order, a line a unit.
package struct SortKernel: Hashable, Sendable, Codable {
  /// The type of the elements.
  package var dataType: DataType
  /// Whether the greatest come first.
  package var isDescending: Bool
  /// The lines before each other, the elements of a line, and the lines side by side.
  package var outer: Int
  package var extent: Int
  package var inner: Int
  /// The operands holding the elements and the indices.
  package var source: Int
  package var target: Int

  /// About as many scalar operations as passes over the digits of an element take.
  package static let workPerElement = 32
}
