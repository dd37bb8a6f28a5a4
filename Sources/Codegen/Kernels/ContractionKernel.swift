package import DescentGraph

/// A batched matrix product whose elements pass through a program before anything is stored.
package struct ContractionKernel: Hashable, Sendable, Codable {
  /// A factor: the operand that holds it, and where in it the elements are.
  package struct Factor: Hashable, Sendable, Codable {
    package var operand: Int
    package var layout: FactorLayout

    package init(operand: Int, layout: FactorLayout) {
      self.operand = operand
      self.layout = layout
    }
  }

  package var extents: Contraction.Extents
  /// How many terms are summed by themselves, before their sum is added to that of those before them.
  package var chunk: Int
  package var left: Factor
  package var right: Factor
  /// What is left out of the sums of a convolution, if its windows reach outside of the left factor.
  package var margins: WindowMargins?
  /// The extents of the result, for the epilogue's accesses.
  package var domain: [Int]
  /// What happens to each element; `core` is the product.
  package var epilogue: VectorProgram
  /// What is stored: each register to an operand of the result's extents, at the element's own place.
  package var stores: [LoopKernel.Store]

  /// Whether the product itself is all there is to store, and to one operand.
  package var isPlain: Bool { epilogue.instructions.count == 1 && stores.count == 1 }

  /// The number of rows of the result in one unit of the portable grid.
  package static let rowsPerUnit = 4

  package init(
    extents: Contraction.Extents, chunk: Int, left: Factor, right: Factor,
    margins: WindowMargins? = nil, domain: [Int], epilogue: VectorProgram,
    stores: [LoopKernel.Store]
  ) {
    self.extents = extents
    self.chunk = chunk
    self.left = left
    self.right = right
    self.margins = margins
    self.domain = domain
    self.epilogue = epilogue
    self.stores = stores
  }
}
