import DescentGraph
import DescentTestSupport
import Testing

@Suite struct ParserErrorTests {
  /// Each body, put below a header line, gives exactly these errors.
  static let cases: [(body: String, errors: String)] = [
    // Tokens.
    ("%0 = input name=\"x\" : f32[2] @", "unexpected character \"@\""),
    ("%0 = input name=\"x\" : f32[2] / 3", "unexpected character \"/\""),
    ("🐢", "unexpected character \"🐢\""),
    ("output \"y", "the string does not end on its line"),
    ("output \"y\\", "the string does not end on its line"),
    (
      "output \"\\q\" = %0",
      "unknown escape in a string\n  hint: write \\\", \\\\, \\n, \\t, \\r or \\u{1f600}"
    ),
    (
      "output \"\\u{d800}\" = %0",
      "unknown escape in a string\n  hint: write \\\", \\\\, \\n, \\t, \\r or \\u{1f600}"
    ),
    // Lines.
    ("hello", "expected a node, output, update or minimize, found \"hello\""),
    ("graph \"b\"", "the graph is named twice"),
    ("% = input", "expected a number after %, found the end of the line"),
    ("%99999999999999999999 = iota", "%99999999999999999999 does not fit 64 bits"),
    ("%0", "expected \"=\", found the end of the line"),
    ("%0 = %1", "expected the name of an operation, found %1"),
    ("%0 = iota axis=0", "expected \":\", found the end of the line"),
    ("%0 = iota axis=0 : f16[2]", "expected a type such as f32[2, 3], found \"f16\""),
    ("%0 = iota axis=0 : f32", "expected \"[\", found the end of the line"),
    ("%0 = iota axis=0 : f32[2", "expected \"]\", found the end of the line"),
    ("%0 = iota axis=0 : f32[x]", "expected a number or batch, found \"x\""),
    ("%0 = iota axis=0 : f32[2] 3", "expected the end of the line, found \"3\""),
    ("%0 = iota axis : f32[2]", "expected \"=\", found \":\""),
    ("%0 = iota axis= : f32[2]", "expected a value for axis, found \":\""),
    ("%0 = teleport : f32[2]", "there is no operation \"teleport\""),
    ("%0 = iota axis=0 axis=0 : f32[2]", "attribute axis is given twice"),
    (
      "%0 = iota axis=0 speed=3 : f32[2]",
      "iota: attribute speed is not known, or its value has no meaning\n  hint: the attributes here are axis"
    ),
    ("%0 = iota : f32[2]", "attribute axis is missing or is not a whole number"),
    ("%0 = iota axis=1 : f32[2]", "iota: axis 1 is not an axis of [2]"),
    ("%0 = iota axis=1.5 : f32[2]", "attribute axis is missing or is not a whole number"),
    ("%0 = exp(%7) : f32[2]", "%7 is not defined before line 2"),
    ("output \"y\" = %7", "%7 is not defined before line 2"),
    ("update %3 = %4", "%3 is not defined before line 2"),
    ("minimize \"loss\" with adam rate=0.1", "minimize: there is no output \"loss\""),
    (
      "minimize \"loss\" with magic rate=0.1",
      "there is no optimizer \"magic\"\n  hint: the optimizers are sgd and adam"
    ),
    ("minimize \"loss\" with sgd", "attribute rate is missing or is not a number"),
    (
      "minimize \"loss\" with sgd rate=0.1 beta1=0.5",
      "sgd: attribute beta1 is not known, or its value has no meaning\n  hint: the attributes here are rate, momentum, weightDecay"
    ),
    // Numbers.
    ("%0 = iota axis=99999999999999999999 : f32[2]", "99999999999999999999 does not fit 64 bits"),
    (
      "%0 = iota axis=0 : f32[9223372036854775807]",
      "iota: f32[9223372036854775807] is not a possible size"
    ),
    (
      "%0 = iota axis=0 : f32[4294967296, 4294967296]",
      "iota: f32[4294967296, 4294967296] is not a possible size"
    ),
    ("%0 = iota axis=0 : f32[-1]", "iota: f32[-1] is not a possible size"),
    (
      "%0 = iota axis=0 : f32[1,1,1,1,1,1,1,1,1]",
      "iota: [1, 1, 1, 1, 1, 1, 1, 1, 1] has 9 axes, more than 8"
    ),
    ("%0 = iota axis=0 : f32[2.5]", "2.5 is not a whole number"),
    ("%0 = input name=\"x\" : f32[2*3]", "expected a number or batch, found \"3\""),
    (
      "%0 = parameter name=\"p\" initial=constant value=1e999 : f32[2]",
      "1e999 is beyond the range of f64"
    ),
    ("%0 = parameter name=\"p\" initial=constant value=1.2.3 : f32[2]", "1.2.3 is not a number"),
    ("%0 = parameter name=\"p\" initial=constant value=0xzz : f32[2]", "0xzz is not a number"),
    ("%0 = parameter name=\"p\" initial=magic : f32[2]", "initial=magic is not an initialiser"),
    (
      "%0 = parameter name=\"p\" initial=zeros : f32[batch]",
      "parameter: \"p\" cannot have the batch size in its shape [batch]"
    ),
    // Elements.
    ("%0 = constant value=[1, 2] : f32[3]", "constant: 2 elements do not fill f32[3]"),
    ("%0 = constant value=[1, 2,] : f32[2]", "expected an element, found \"]\""),
    ("%0 = constant value=[1 2] : f32[2]", "expected \",\" or \"]\", found \"2\""),
    ("%0 = constant value=[1, %2] : f32[2]", "expected an element, found %2"),
    ("%0 = constant value=[1, 2 : f32[2]", "expected \"]\", found \":\""),
    (
      "%0 = constant value=[1] : f32[batch]",
      "constant: elements cannot fill f32[batch], which depends on the batch size"
    ),
    ("%0 = constant value=[1] : f32[-1]", "constant: f32[-1] is not a possible size"),
    ("%0 = constant value=[1e39] : f32[1]", "1e39 is beyond the range of f32"),
    ("%0 = constant value=[256] : u8[1]", "256 is beyond the range of u8"),
    ("%0 = constant value=[-1] : u8[1]", "-1 is beyond the range of u8"),
    ("%0 = constant value=[1.5] : i32[1]", "1.5 is not a whole number"),
    ("%0 = constant value=[nan] : i64[1]", "nan is not a whole number"),
    ("%0 = constant value=[1] : bool[1]", "1 is not true or false"),
    (
      "%0 = constant value=0.5 : f32[]",
      "constant: attribute value is missing or does not fill f32[]"
    ),
    ("%0 = constant value=[7 of 0.5] : f32[8]", "constant: 7 elements do not fill f32[8]"),
    (
      "%0 = constant value=[9999999999 of 0.5] : f32[9999999999]",
      "constant: 9999999999 repeated elements exceed what one text may abbreviate\n  hint: the limit is 1048576 in all; use a broadcast"
    ),
  ]

  @Test(arguments: cases.indices) func oneMistake(index: Int) {
    let (body, expected) = Self.cases[index]
    #expect(errors("graph \"g\"\n" + body) == "x.graph:2: error: " + expected, "\(body)")
  }

  /// Windows within their operand have one way to be written.
  @Test func whatIsOutsideOfAConvolutionIsSaidWhole() {
    let expect = { (attributes: String, message: String) in
      let text = """
        graph "g"
        %0 = input name="x" : f32[1, 2, 1]
        %1 = input name="w" : f32[1, 1, 1]
        %2 = convolve(%0, %1) strides=[1] dilations=[1] \(attributes) : f32[1, 2, 1]
        """
      #expect(errors(text) == "x.graph:4: error: " + message)
    }
    expect("low=[1]", "attribute high is missing or is not a list such as [1, 2]")
    expect("low=[batch] high=[1]", "attribute low depends on the batch size")
    expect(
      "low=[0] high=[0]",
      "convolve: attribute low is not known, or its value has no meaning\n"
        + "  hint: the attributes here are strides, dilations")
    expect(
      "low=[1] high=[0, 0]",
      "convolve: low [1] and high [0, 0] are not 1 numbers of at least 0 each")
    expect(
      "low=[1] high=[1]",
      "convolve: the type is declared f32[1, 2, 1], but the result is f32[1, 4, 1]")
  }

  @Test func gradientsOfWeightsNameTheirKernel() {
    let text = """
      graph "g"
      %0 = input name="x" : f32[1, 2, 1]
      %1 = input name="g" : f32[1, 2, 1]
      %2 = weightGradient(%0, %1) strides=[1] dilations=[1] : f32[1, 1, 1]
      """
    #expect(
      errors(text)
        == "x.graph:4: error: attribute kernel is missing or is not a list such as [1, 2]")
  }

  @Test func theHeaderComesFirst() {
    let place = "x.graph:1: error: "
    #expect(errors("") == place + "the text does not begin with a line such as graph \"name\"")
    #expect(
      errors("output \"y\" = %0")
        == place + "%0 is not defined before line 1\n" + place
        + "the text does not begin with a line such as graph \"name\"")
    #expect(
      errors("%0 = input name=\"x\" : f32[]\ngraph \"g\"")
        == "x.graph:2: error: the graph's name must come before everything else")
    #expect(errors("graph g").hasPrefix(place + "expected the graph's name in quotes, found \"g\""))
  }

  @Test func allMistakesAreReportedAndEachOnce() {
    let text = """
      graph "many"

      %0 = input name="x" : f32[2]   // fine
      %1 = input name="x" : f32[2]
      %2 = add(%0, %1) : f32[2]
      %3 = exp(%0) : f32[3]
      %3 = exp(%0) : f32[2]
      %4 = add(%8, %9) : f32[2]
      %5 = mul(%0, %0) : f32[2]
      output "y" = %5
      output "y" = %0
      output "z" = %4
      update %0 = %5
      minimize "y" with sgd rate=0.1
      minimize "y" with sgd rate=0.1
      """
    #expect(
      errors(text) == """
        x.graph:4: error: input: the name "x" is taken
          hint: give each leaf its own name
        x.graph:6: error: exp: the type is declared f32[3], but the result is f32[2]
        x.graph:7: error: %3 is defined twice
        x.graph:8: error: %8 is not defined before line 8
        x.graph:8: error: %9 is not defined before line 8
        x.graph:11: error: output: the name "y" is taken
        x.graph:13: error: update: only a parameter or state can be updated
        x.graph:15: error: a graph can minimize one output only
        """)
  }

  @Test func anObjectiveThatCannotWorkIsReportedAtItsLine() {
    let text = """
      graph "g"
      %0 = parameter name="w" initial=ones : f32[2]
      output "y" = %0
      minimize "y" with sgd rate=-1.0
      """
    #expect(
      errors(text) == """
        x.graph:4: error: optimizer: the learning rate is -1.0, not a number above 0
        x.graph:2: error: minimize: output "y" is f32[2], not one real number
          hint: take its mean or sum
        """)
  }

  @Test func numbersMayHaveGapsAndLinesMayEndInReturns() throws {
    let text =
      "// first\r\n\r\ngraph \"g\" // name\r\n%7 = input name=\"x\" : f32[ 2 , batch ]\r\n"
      + "%3 = neg ( %7 ) : f32[2,batch]\r\noutput \"y\" = %3"
    let graph = try Graph(parsing: text, file: "x.graph")
    #expect(graph.output("y") == Value(1))
    #expect(graph.nodes[1].origin == Origin(file: "x.graph", line: 5))
  }

  private func errors(_ text: String) -> String {
    do {
      return try Graph(parsing: text, file: "x.graph").text
    } catch {
      return error.description
    }
  }
}
