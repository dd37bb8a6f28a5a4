// Einstein's summation: letters name axes; a letter that is not in the result is summed over.

/// Returns the sums of products that an equation such as `"bij,bjk->bik"` describes.
///
/// Without `->` the result's axes are the letters that occur once, in alphabetical order. Operands are multiplied
/// from left to right, each two of them by one matrix product.
///
/// - Precondition: There is at least one tensor.
public func einsum(
  _ equation: String, _ tensors: [Tensor], file: String = #fileID, line: Int = #line
) -> Tensor {
  precondition(!tensors.isEmpty, "einsum needs at least one tensor")
  let builder = tensors[0].builder
  return builder.at(Site(file, line), "einsum") {
    guard !tensors.contains(where: \.isPlaceholder) else { return Tensor(builder, nil) }
    guard let equation = Equation(equation, tensors) else {
      let shapes = tensors.map(\.shape.description).joined(separator: ", ")
      return tensors[0].failure("einsum: \"\(equation)\" does not fit \(shapes)")
    }
    var terms = zip(equation.operands, tensors).map { Term(letters: $0, tensor: $1) }[...]
    var result = terms.removeFirst()
    while true {
      let later = Set(terms.flatMap(\.letters) + equation.result)
      result = result.summed(keeping: later.union(terms.first?.letters ?? []))
      guard let next = terms.popFirst() else { break }
      let wanted = Set(terms.flatMap(\.letters) + equation.result)
      result = result.times(next.summed(keeping: wanted.union(result.letters)), keeping: wanted)
    }
    return result.arranged(equation.result)
  }
}

/// The letters of each operand and of the result.
private struct Equation {
  let operands: [[Character]]
  let result: [Character]

  init?(_ text: String, _ tensors: [Tensor]) {
    let text = text.filter { $0 != " " }
    let arrow = text.firstRange(of: "->")
    let left = text[..<(arrow?.lowerBound ?? text.endIndex)]
    operands = left.split(separator: ",", omittingEmptySubsequences: false).map(Array.init)
    var counts: [Character: Int] = [:]
    for letter in operands.joined() { counts[letter, default: 0] += 1 }
    result =
      arrow.map { Array(text[$0.upperBound...]) }
      ?? counts.filter { $0.value == 1 }.map(\.key).sorted()
    let isSpelled = counts.keys.allSatisfy { $0.isLetter && $0.isASCII }
    guard isSpelled, operands.count == tensors.count, Set(result).count == result.count,
      result.allSatisfy({ counts[$0] != nil })
    else { return nil }
    var extents: [Character: Extent] = [:]
    for (letters, tensor) in zip(operands, tensors) {
      guard letters.count == tensor.rank, Set(letters).count == letters.count else { return nil }
      for (letter, extent) in zip(letters, tensor.shape.extents) {
        guard extents[letter, default: extent] == extent else { return nil }
        extents[letter] = extent
      }
    }
  }
}

/// A tensor whose axes have letters.
private struct Term {
  var letters: [Character]
  var tensor: Tensor

  private func extent(_ letter: Character) -> Extent? {
    letters.firstIndex(of: letter).map { tensor.shape[$0] }
  }

  /// Returns the sum over all letters but some.
  func summed(keeping kept: Set<Character>) -> Term {
    let gone = letters.indices.filter { !kept.contains(letters[$0]) }
    guard !gone.isEmpty else { return self }
    return Term(
      letters: letters.filter(kept.contains), tensor: tensor.reduce(.sum, gone, false))
  }

  /// Returns the axes in the order of some letters, which are all there are.
  func arranged(_ order: [Character]) -> Tensor {
    let permutation = order.compactMap { letters.firstIndex(of: $0) }
    guard permutation != Array(letters.indices) else { return tensor }
    return tensor.transpose(permutation)
  }

  /// Returns the product with another term, summed over common letters that are not kept.
  func times(_ other: Term, keeping kept: Set<Character>) -> Term {
    let common = letters.filter(other.letters.contains)
    let batch = common.filter(kept.contains)
    let inner = common.filter { !kept.contains($0) }
    let rows = letters.filter { !common.contains($0) }
    let columns = other.letters.filter { !common.contains($0) }
    func count(_ letters: [Character]) -> Extent? {
      Shape.product(letters.compactMap { extent($0) ?? other.extent($0) })
    }
    guard let b = count(batch), let m = count(rows), let k = count(inner), let n = count(columns)
    else { return Term(letters: [], tensor: tensor.failure("einsum: too many elements")) }
    let left = arranged(batch + rows + inner).reshaped(Shape([b, m, k]))
    let right = other.arranged(batch + inner + columns).reshaped(Shape([b, k, n]))
    let all = batch + rows + columns
    let extents = all.compactMap { extent($0) ?? other.extent($0) }
    return Term(letters: all, tensor: left.matmul(right).reshaped(Shape(extents)))
  }
}
