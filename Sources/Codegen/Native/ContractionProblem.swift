import DescentGraph

/// A contraction as its generator sees it: a batch of products of a left and a right matrix.
///
/// A product with a single column is turned round, `(a·b)ᵀ = bᵀ·aᵀ`: as a single row it fills vectors. Factors
/// commute in a fused multiply-add, so the bits stay.
struct ContractionProblem {
  let batch: Int
  let m: Int
  let n: Int
  let k: Int
  let transposeLeft: Bool
  let transposeRight: Bool
  /// Into how many runs k is cut.
  let chunks: Int
  /// The operands that hold the factors.
  let left: Int
  let right: Int
  /// Whether rows of the result have become columns.
  let isTurned: Bool

  init(_ kernel: ContractionKernel) {
    let (extents, contraction) = (kernel.extents, kernel.contraction)
    (batch, k, chunks) = (extents.batch, extents.k, contraction.chunks)
    isTurned = extents.n == 1 && extents.m > 1
    guard isTurned else {
      (m, n) = (extents.m, extents.n)
      (transposeLeft, transposeRight) = (contraction.transposeLeft, contraction.transposeRight)
      (left, right) = (kernel.left, kernel.right)
      return
    }
    (m, n) = (1, extents.m)
    (transposeLeft, transposeRight) = (false, !contraction.transposeLeft)
    (left, right) = (kernel.right, kernel.left)
  }

  /// Whether the result has no elements.
  var isEmpty: Bool { batch == 0 || m == 0 || n == 0 }

  /// The most steps of k in one run.
  var run: Int { (k + chunks - 1) / chunks }

  /// The distances in bytes between neighbours of the left factor along m and k.
  var leftStrides: (m: Int, k: Int) { transposeLeft ? (4, 4 * m) : (4 * k, 4) }

  /// The distances in bytes between neighbours of the right factor along k and n.
  var rightStrides: (k: Int, n: Int) { transposeRight ? (4, 4 * k) : (4 * n, 4) }

  /// Whether the right factor is too large for second-level caches, so that it pays to ask for it early.
  var isRightLarge: Bool { 4 * n * k > 1 << 20 }

  /// What all products are worth, in scalar operations; a vector's fused multiply-add counts as two.
  var work: Int {
    let (all, overflow) = batch.multipliedReportingOverflow(by: max(1, m * n * max(1, k) / 8))
    return overflow ? .max : all
  }
}
