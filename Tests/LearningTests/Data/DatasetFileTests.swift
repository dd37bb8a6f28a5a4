import DescentFormats
import DescentGraph
import DescentLearning
import Foundation
import Testing

@Suite struct DatasetFileTests {
  static let table = "a,b,class\n1,2,0\n3,4,1\n5,6,0\n"

  @Test func namedColumnsBecomeInputsAndTargets() throws {
    try withFile("t.csv", Self.table) { path in
      let set = try Dataset.csv(path, inputs: ["b", "a"], targets: ["class"])
      #expect(set.inputs == NDArray([2, 1, 4, 3, 6, 5] as [Float], dimensions: [3, 2]))
      #expect(set.targets == NDArray([0, 1, 0] as [Float], dimensions: [3, 1]))
      let labelled = try Dataset.csv(path, inputs: ["a"], label: "class")
      #expect(labelled.targets == NDArray([0, 1, 0] as [Int32]))
      #expect(labelled.inputs.dimensions == [3, 1])
    }
  }

  @Test func columnsByPosition() throws {
    try withFile("t.csv", "1,2,7\n3,4,8.0\n") { path in
      let set = try Dataset.csv(path, inputs: 0..<2, label: 2)
      #expect(set.inputs == NDArray([1, 2, 3, 4] as [Float], dimensions: [2, 2]))
      #expect(set.targets == NDArray([7, 8] as [Int32]))
      let other = try Dataset.csv(path, inputs: [2, 0], label: 1, hasHeader: true)
      #expect(other.inputs == NDArray([8, 3] as [Float], dimensions: [1, 2]))
    }
  }

  @Test(arguments: [
    ("nan", "is not an integer"), ("inf", "is not an integer"), ("1.5", "is not an integer"),
    ("3e9", "does not fit in i32"), ("one", "is not a number"),
  ]) func labelsMustBeIntegers(_ cell: String, _ verdict: String) throws {
    try withFile("t.csv", "1,2,0\n3,4,\(cell)\n") { path in
      expectError("\(path):2: cell \"\(cell)\" in column \"2\" \(verdict)") {
        try Dataset.csv(path, inputs: 0..<2, label: 2)
      }
    }
  }

  @Test func tablesThatDoNotServe() throws {
    try withFile("t.csv", "a,b\n1,\n") { path in
      expectError("\(path):2: column \"b\" has no value") {
        try Dataset.csv(path, inputs: ["a"], label: "b")
      }
      expectError("\(path): no column \"c\"; there are \"a\", \"b\"") {
        try Dataset.csv(path, inputs: ["c"], targets: ["a"])
      }
      expectError("\(path): no column at index 7; there are 2, counted from 0") {
        try Dataset.csv(path, inputs: [0], label: 7)
      }
      expectError("\(path): no column is named as input") {
        try Dataset.csv(path, inputs: [], targets: ["a"])
      }
      expectError("\(path): no column is named as target") {
        try Dataset.csv(path, inputs: ["a"], targets: [])
      }
    }
    try withFile("t.csv", "a,b\n") { path in
      expectError("\(path): there are no examples") {
        try Dataset.csv(path, inputs: ["a"], targets: ["b"])
      }
    }
  }

  /// Calls the body with the paths of two IDX files.
  func withIDX(
    _ images: NDArray, _ labels: NDArray, _ body: (String, String) throws -> Void
  ) throws {
    try withFile("images", "") { path in
      try IDX.write(images, to: path)
      try IDX.write(labels, to: path + ".labels")
      try body(path, path + ".labels")
    }
  }

  @Test func imagesAreBroughtBetweenZeroAndOne() throws {
    let images = NDArray(.u8([0, 255, 51, 102]), dimensions: [2, 1, 2])
    try withIDX(images, NDArray(.u8([3, 9]), dimensions: [2])) { images, labels in
      let set = try Dataset.idx(images: images, labels: labels)
      #expect(set.inputs == NDArray([0, 1, 0.2, 0.4], dimensions: [2, 1, 2]))
      #expect(set.targets == NDArray([3, 9] as [Int32]))
      let raw = try Dataset.idx(images: images, labels: labels, scale: 1)
      #expect(raw.inputs.floats == [0, 255, 51, 102])
    }
  }

  @Test func imagesAndLabelsMustFit() throws {
    let images = NDArray(.u8([0, 1, 2, 3]), dimensions: [2, 2])
    try withIDX(images, NDArray(.u8([3]), dimensions: [1])) { images, labels in
      expectError("\(labels): there are 1 labels but 2 images in \(images)") {
        try Dataset.idx(images: images, labels: labels)
      }
    }
    try withIDX(images, NDArray(.f32([3, 1]), dimensions: [2])) { images, labels in
      expectError("\(labels): labels are f32[2], not one integer an image") {
        try Dataset.idx(images: images, labels: labels)
      }
    }
    try withIDX(NDArray(.u8([]), dimensions: [0, 2]), NDArray(.u8([]), dimensions: [0])) {
      images, labels in
      expectError("\(images): there are no examples") {
        try Dataset.idx(images: images, labels: labels)
      }
    }
  }
}
