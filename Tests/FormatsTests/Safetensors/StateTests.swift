import DescentFormats
import DescentGraph
import Testing

@Suite struct StateTests {
  @Test func aStateComesBackAsItWas() throws {
    let state = State(
      [
        State.Entry("0.weight", NDArray([1, -0.0, .nan, .infinity], dimensions: [2, 2])),
        State.Entry(Optimizer.stepName, NDArray(.i64([7]), dimensions: [])),
      ], seed: .max)
    try withTemporaryFile("state.safetensors") { path in
      try state.save(to: path)
      let read = try State(path: path)
      #expect(read.seed == .max)
      #expect(read.entries.count == 2)
      for entry in state.entries { #expect(read[entry.name] == entry.array) }
    }
  }

  @Test func aFileOfAnotherProgramHasNoSeed() throws {
    try withTemporaryFile("state.safetensors") { path in
      try Safetensors([.init("w", NDArray([1] as [Float]))]).write(to: path)
      #expect(try State(path: path).seed == 0)
    }
  }

  @Test(arguments: ["", "-1", "18446744073709551616", "seven"])
  func aSeedIsANumber(_ text: String) throws {
    try withTemporaryFile("state.safetensors") { path in
      try Safetensors(metadata: ["random.seed": text]).write(to: path)
      expectError("\(path): random.seed is \"\(text)\", not a whole number of 64 bits") {
        () throws(FormatError) in try State(path: path)
      }
    }
  }
}
