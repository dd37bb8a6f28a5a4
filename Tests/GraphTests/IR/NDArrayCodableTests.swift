import DescentGraph
import Foundation
import Testing

@Suite struct NDArrayCodableTests {
  @Test func arraysComeBackAsTheyWere() throws {
    let arrays = [
      NDArray([1, -0.0, .leastNonzeroMagnitude, 4, 5, 6], dimensions: [2, 3]),
      NDArray([Int32.min, .max]),
      NDArray(scalar: 0.1),
      NDArray(.bool([true, false]), dimensions: [1, 2, 1]),
      NDArray(zeros: .f64, dimensions: [3, 0]),
    ]
    let data = try JSONEncoder().encode(arrays)
    #expect(try JSONDecoder().decode([NDArray].self, from: data) == arrays)
  }

  @Test(arguments: [
    ("[2]", "[1, 2, 3]", "3 elements do not fill dimensions [2]"),
    ("[]", "[]", "0 elements do not fill dimensions []"),
    ("[-1, -3]", "[1, 2, 3]", "3 elements do not fill dimensions [-1, -3]"),
    (
      "[4611686018427387904, 4]", "[]",
      "0 elements do not fill dimensions [4611686018427387904, 4]"
    ),
  ])
  func elementsThatDoNotFillTheDimensionsAreThrown(
    dimensions: String, elements: String, message: String
  ) {
    let json = #"{"dimensions": \#(dimensions), "storage": {"f32": {"_0": \#(elements)}}}"#
    let error = #expect(throws: DecodingError.self) {
      try JSONDecoder().decode(NDArray.self, from: Data(json.utf8))
    }
    guard case .dataCorrupted(let context) = error else {
      Issue.record("\(String(describing: error)) is not about the content")
      return
    }
    #expect(context.debugDescription == message)
    #expect(context.codingPath.map(\.stringValue) == ["storage"])
  }
}
