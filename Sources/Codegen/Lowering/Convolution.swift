import DescentGraph

extension KernelBuilder {
  /// Builds the kernel of a convolution or of its weights' gradient with its epilogue: a product of windows with
  /// weights, or of their elements with a cotangent.
  ///
  /// The windows are never in memory: a tile reads those of a line where they lie, or gathers them as it packs them.
  mutating func build(_ op: Convolution, _ core: Value, _ shapes: [Shape]) -> Kernel {
    buildProduct(
      core, op.extents(shapes[0], shapes[1]), chunk: op.chunk(shapes[0], shapes[1]),
      margins: WindowMargins(op, shapes[0], shapes[1]))
  }
}
