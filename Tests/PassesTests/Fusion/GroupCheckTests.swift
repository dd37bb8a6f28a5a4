import DescentGraph
import DescentPasses
import Testing

/// The checker of groups accepts lawful divisions and names what is wrong with others.
@Suite struct GroupCheckTests {
  /// Divides a graph by hand and returns what the checker says.
  private func check(_ text: String, _ groups: [FusionGroup]) throws -> [String] {
    let graph = try Graph(parsing: text, file: "test")
    try #require(graph.verify().isEmpty)
    return FusedGraph(graph: graph, groups: groups).check()
  }

  private func group(
    _ kind: FusionGroup.Kind, _ nodes: [Int], stores outputs: [Int], core: Int? = nil,
    isPrepared: Bool = false
  ) -> FusionGroup {
    FusionGroup(
      kind: kind, nodes: nodes.map { Value($0) }, outputs: outputs.map { Value($0) },
      core: core.map { Value($0) }, isPrepared: isPrepared)
  }

  private let chain = """
    graph "chain"
    %0 = input name="x" : f32[4]
    %1 = exp(%0) : f32[4]
    %2 = neg(%1) : f32[4]
    %3 = sqrt(%2) : f32[4]
    output "y" = %3
    """

  @Test func chains() throws {
    #expect(try check(chain, [group(.map, [1, 2, 3], stores: [3])]) == [])
    #expect(
      try check(chain, [group(.map, [1, 2], stores: [2]), group(.map, [3], stores: [3])]) == [])
  }

  @Test func membershipIsChecked() throws {
    #expect(
      try check(chain, [group(.map, [1, 2], stores: [2])]) == [
        "G1: %3 sqrt is needed, but no group computes it",
        "G5: output \"y\" reads %3 sqrt, which is not in memory",
        "G6: %2 neg is stored, but nothing reads it",
      ])
    #expect(
      try check(chain, [group(.map, [1, 2], stores: [2]), group(.map, [2, 3], stores: [3])]) == [
        "G1: %2 neg is in groups 0 and 1"
      ])
    #expect(
      try check(chain, [group(.map, [0, 1, 2, 3], stores: [3])]) == ["G1: %0 input needs no kernel"]
    )
    #expect(
      try check(chain, [group(.map, [1, 2, 9], stores: [2])]) == [
        "G2: group 0 has a member that is no node"
      ])
    let unused = chain.replacing("output \"y\" = %3", with: "output \"y\" = %2")
    #expect(
      try check(unused, [group(.map, [1, 2, 3], stores: [2, 3])]) == [
        "G1: %3 sqrt is computed, but no result needs it",
        "G6: %3 sqrt is stored, but nothing reads it",
      ])
  }

  @Test func orderIsChecked() throws {
    #expect(
      try check(chain, [group(.map, [2, 1, 3], stores: [3])]) == [
        "G2: the members of group 0 are not in order"
      ])
    #expect(
      try check(chain, [group(.map, [3], stores: [3]), group(.map, [1, 2], stores: [2])]) == [
        "G5: %3 sqrt of group 0 reads %2 neg of group 1"
      ])
    #expect(
      try check(chain, [group(.map, [1, 2, 3], stores: [0])]) == [
        "G2: group 0 stores what it does not compute"
      ])
    #expect(
      try check(chain, [group(.map, [1, 2, 3], stores: [])]) == ["G2: group 0 stores nothing"])
  }

  @Test func outputsAreChecked() throws {
    #expect(
      try check(chain, [group(.map, [1, 2, 3], stores: [1, 3])]) == [
        "G6: %1 exp is stored, but nothing reads it"
      ])
    #expect(
      try check(chain, [group(.map, [1, 2, 3], stores: [2])]) == [
        "G6: output \"y\" reads %3 sqrt, which group 0 does not store",
        "G6: %2 neg is stored, but nothing reads it",
      ])
  }

  private let movement = """
    graph "movement"
    %0 = input name="x" : f32[3, 3]
    %1 = exp(%0) : f32[3, 3]
    %2 = transpose(%1) permutation=[1, 0] : f32[3, 3]
    %3 = add(%1, %2) : f32[3, 3]
    %4 = reshape(%2) shape=[9] : f32[9]
    output "y" = %3
    output "z" = %4
    """

  @Test func membersAreReadAtTheirOwnPlace() throws {
    let transposed = group(.map, [2], stores: [2])
    #expect(
      try check(
        movement, [group(.map, [1], stores: [1]), transposed, group(.map, [3], stores: [3])]) == [])
    #expect(
      try check(movement, [group(.map, [1, 3], stores: [1, 3]), transposed]) == [
        "G5: %3 add of group 0 reads %2 transpose of group 1"
      ])
    #expect(
      try check(movement, [group(.map, [1, 2, 3], stores: [2, 3])]) == [
        "G1: %2 transpose is not alone in group 0"
      ])
    let short = movement.replacing("output \"z\" = %4", with: "")
    #expect(
      try check(short, [group(.map, [1, 3], stores: [3])]) == [
        "G4: %3 add reads %1 exp of its own group 0 at another place"
      ])
    #expect(
      try check(movement, [group(.map, [1], stores: [1]), group(.map, [3], stores: [3])]) == [
        "G5: output \"z\" reads %2 transpose, which is not in memory"
      ])
  }

  /// exp(x - max x) / Σ, with the maximum and the sum at the reduced level.
  private let softmax = """
    graph "softmax"
    %0 = input name="x" : f32[2, 3, 4]
    %1 = max(%0) axes=[2] : f32[2, 3]
    %2 = reshape(%1) shape=[2, 3, 1] : f32[2, 3, 1]
    %3 = broadcast(%2) shape=[2, 3, 4] : f32[2, 3, 4]
    %4 = sub(%0, %3) : f32[2, 3, 4]
    %5 = exp(%4) : f32[2, 3, 4]
    %6 = sum(%5) axes=[2] : f32[2, 3]
    %7 = reshape(%6) shape=[2, 3, 1] : f32[2, 3, 1]
    %8 = sqrt(%7) : f32[2, 3, 1]
    %9 = broadcast(%8) shape=[2, 3, 4] : f32[2, 3, 4]
    %10 = div(%5, %9) : f32[2, 3, 4]
    output "y" = %10
    output "log" = %8
    """

  @Test func rows() throws {
    let members = [1, 4, 5, 6, 8, 10]
    #expect(try check(softmax, [group(.row, members, stores: [8, 10])]) == [])
    #expect(
      try check(softmax, [group(.map, members, stores: [8, 10])]) == [
        "G3: map group 0 holds %1 max",
        "G4: %4 sub reads %1 max of its own group 0 at another place",
        "G4: %10 div reads %8 sqrt of its own group 0 at another place",
      ])
    #expect(
      try check(softmax, [group(.column, members, stores: [8, 10])]) == [
        "G3: %1 max does not belong in column group 0"
      ])
    #expect(
      try check(
        softmax,
        [group(.row, [1, 4, 5, 6], stores: [5, 6]), group(.row, [8, 10], stores: [8, 10])])
        == [
          "G3: row group 1 reduces nothing",
          "G3: %8 sqrt of f32[2, 3, 1] does not fit the domain [2, 3, 4] of group 1",
          "G4: %10 div reads %8 sqrt of its own group 1 at another place",
        ])
  }

  @Test func rowsKeepTheirAxes() throws {
    // The square's maxima run along the wrong axis when they are repeated.
    let text = """
      graph "square"
      %0 = input name="x" : f32[3, 3]
      %1 = max(%0) axes=[1] : f32[3]
      %2 = broadcast(%1) shape=[3, 3] : f32[3, 3]
      %3 = sub(%0, %2) : f32[3, 3]
      output "y" = %3
      """
    #expect(
      try check(text, [group(.row, [1, 3], stores: [3])]) == [
        "G4: %3 sub reads %1 max of its own group 0 at another place"
      ])
    #expect(
      try check(text, [group(.row, [1], stores: [1]), group(.map, [3], stores: [3])]) == [])
    let mixed = """
      graph "mixed"
      %0 = input name="x" : f32[3, 3]
      %1 = sum(%0) axes=[1] : f32[3]
      %2 = sum(%0) axes=[0] : f32[3]
      %3 = sum(%0) axes=[0, 1] : f32[]
      output "a" = %1
      output "b" = %2
      output "c" = %3
      """
    #expect(
      try check(mixed, [group(.row, [1, 2], stores: [1, 2]), group(.row, [3], stores: [3])]) == [
        "G3: %1 sum and %2 sum of group 0 reduce different axes"
      ])
    #expect(
      try check(mixed, [group(.row, [1, 3], stores: [1, 3]), group(.row, [2], stores: [2])]) == [
        "G3: %1 sum and %3 sum of group 0 reduce different axes",
        "G3: %2 sum does not belong in row group 1",
      ])
  }

  /// The sums of columns, repeated along an axis of so many rows: the reduced one, or the other.
  private func column(_ shape: String) -> String {
    """
    graph "column"
    %0 = input name="x" : f32[8, 8]
    %1 = exp(%0) : f32[8, 8]
    %2 = sum(%1) axes=[0] : f32[8]
    %3 = reshape(%2) shape=\(shape) : f32\(shape)
    %4 = neg(%3) : f32\(shape)
    %5 = broadcast(%4) shape=[8, 8] : f32[8, 8]
    %6 = mul(%1, %5) : f32[8, 8]
    output "y" = %6
    output "s" = %4
    """
  }

  @Test func columns() throws {
    let column = column("[1, 8]")
    let last = group(.map, [6], stores: [6])
    #expect(try check(column, [group(.column, [1, 2, 4], stores: [1, 4]), last]) == [])
    // The columns may be swept again.
    let whole = group(.column, [1, 2, 4, 6], stores: [4, 6])
    #expect(try check(column, [whole]) == [])
    #expect(
      try check(self.column("[8, 1]"), [whole]) == [
        "G4: %6 mul reads %4 neg of its own group 0 at another place"
      ])
    #expect(
      try check(column, [group(.column, [1, 2, 4], stores: [4]), last]) == [
        "G6: %6 mul reads %1 exp, which group 0 does not store"
      ])
  }

  private let product = """
    graph "product"
    %0 = input name="x" : f32[4, 4]
    %1 = exp(%0) : f32[4, 4]
    %2 = contract(%1, %0) : f32[4, 4]
    %3 = neg(%2) : f32[4, 4]
    %4 = contract(%3, %0) : f32[4, 4]
    output "y" = %4
    """

  @Test func contractions() throws {
    let (one, two) = (
      group(.contraction, [2, 3], stores: [3], core: 2),
      group(.contraction, [4], stores: [4], core: 4)
    )
    let first = group(.map, [1], stores: [1])
    #expect(try check(product, [first, one, two]) == [])
    #expect(
      try check(product, [group(.contraction, [1, 2, 3], stores: [3], core: 2), two]) == [
        "G4: %2 contract reads %1 exp in memory while group 0 computes it"
      ])
    #expect(
      try check(product, [first, group(.contraction, [2, 3, 4], stores: [4], core: 4)]) == [
        "G3: %2 contract is not the core of group 1",
        "G4: %4 contract reads %3 neg in memory while group 1 computes it",
      ])
    #expect(
      try check(product, [first, group(.contraction, [2, 3], stores: [3]), two]) == [
        "G3: %2 contract is not the core of group 1", "G3: contraction group 1 has no core",
      ])
    #expect(
      try check(product, [first, group(.map, [2, 3], stores: [3], core: 2), two]) == [
        "G3: %2 contract is not the core of group 1",
        "G3: %2 contract cannot be the core of group 1",
      ])
  }

  @Test func scatters() throws {
    let text = """
      graph "scatter"
      %0 = input name="x" : f32[4]
      %1 = input name="i" : i32[2]
      %2 = input name="u" : f32[2]
      %3 = neg(%2) : f32[2]
      %4 = scatterAdd(%0, %1, %3) axis=0 : f32[4]
      %5 = neg(%4) : f32[4]
      output "y" = %5
      """
    let (first, last) = (group(.map, [3], stores: [3]), group(.map, [5], stores: [5]))
    #expect(
      try check(text, [first, group(.scatter, [4], stores: [4], core: 4), last]) == [])
    #expect(
      try check(text, [first, group(.scatter, [4, 5], stores: [5], core: 4)]) == [
        "G3: scatter group 1 has other members"
      ])
  }

  private let weights = """
    graph "weights"
    %0 = input name="x" : f32[4]
    %1 = parameter name="w" initial=zeros : f32[4]
    %2 = exp(%1) : f32[4]
    %3 = neg(%2) : f32[4]
    %4 = add(%3, %0) : f32[4]
    output "y" = %4
    """

  @Test func whatIsPreparedIsTheSameInEveryRun() throws {
    let (first, second) = (
      group(.map, [2], stores: [2], isPrepared: true),
      group(.map, [3], stores: [3], isPrepared: true)
    )
    let last = group(.map, [4], stores: [4])
    #expect(try check(weights, [first, second, last]) == [])
    #expect(try check(weights, [first, group(.map, [3, 4], stores: [4])]) == [])
    #expect(
      try check(weights, [group(.map, [2], stores: [2]), second, last]) == [
        "G7: a prepared group stands behind one that is not"
      ])
    #expect(
      try check(weights, [first, group(.map, [3, 4], stores: [4], isPrepared: true)]) == [
        "G7: %4 add is prepared, but reads %0 input, which changes from run to run",
        "G7: %4 add is prepared, but leaves the graph",
      ])
    let updated = weights.replacing("output \"y\" = %4", with: "output \"y\" = %4\nupdate %1 = %4")
    #expect(
      try check(updated, [first, second, last]) == [
        "G7: %2 exp is prepared, but reads %1 parameter, which changes from run to run"
      ])
    let gathered = weights.replacing(
      "%0 = input name=\"x\" : f32[4]", with: "%0 = iota axis=0 : i32[4]"
    )
    .replacing("%3 = neg(%2) : f32[4]", with: "%3 = gather(%2, %0) axis=0 : f32[4]")
    .replacing("%4 = add(%3, %0) : f32[4]", with: "%4 = neg(%3) : f32[4]")
    #expect(
      try check(gathered, [first, second, last]).last
        == "G7: %3 gather is prepared, but reads at places that are data")
  }
}
