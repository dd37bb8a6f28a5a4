public import DescentFormats
import DescentGraph

// MARK: CSV

extension Dataset {
  /// Reads named columns of a CSV file, plain or compressed with gzip, as `f32`.
  ///
  /// - Parameters:
  ///   - path: The file; its first row holds the columns' names.
  ///   - inputs: The columns that go into a model.
  ///   - targets: The columns that ought to come out.
  /// - Throws: `FormatError` where the file cannot be read, or a cell is no number.
  /// - Returns: Inputs `[count, inputs]` and targets `[count, targets]`.
  public static func csv(
    _ path: String, inputs: [String], targets: [String]
  ) throws(FormatError) -> Dataset {
    let table = try CSVTable(path: path)
    return try csv(
      table, inputs: try table.indices(of: inputs),
      targets: try matrix(of: table, try table.indices(of: targets), "target"))
  }

  /// Reads named columns of a CSV file, one of which holds the class of each example.
  ///
  /// - Parameters:
  ///   - path: The file; its first row holds the columns' names.
  ///   - inputs: The columns that go into a model.
  ///   - label: The column that holds the index of the class.
  /// - Throws: `FormatError` where the file cannot be read, or a cell is no number.
  /// - Returns: Inputs `f32[count, inputs]` and targets `i32[count]`.
  public static func csv(
    _ path: String, inputs: [String], label: String
  ) throws(FormatError) -> Dataset {
    let table = try CSVTable(path: path)
    let labels = try table.integers(at: try table.index(of: label))
    return try csv(table, inputs: try table.indices(of: inputs), targets: NDArray(labels))
  }

  /// Reads columns of a CSV file by position, one of which holds the class of each example.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - inputs: The positions, counted from 0, of the columns that go into a model.
  ///   - label: The position of the column that holds the index of the class.
  ///   - hasHeader: Whether the first row holds the columns' names.
  /// - Throws: `FormatError` where the file cannot be read, or a cell is no number.
  /// - Returns: Inputs `f32[count, inputs]` and targets `i32[count]`.
  public static func csv(
    _ path: String, inputs: some Sequence<Int>, label: Int, hasHeader: Bool = false
  ) throws(FormatError) -> Dataset {
    let table = try CSVTable(path: path, hasHeader: hasHeader)
    let labels = try table.integers(at: label)
    return try csv(table, inputs: Array(inputs), targets: NDArray(labels))
  }

  private static func csv(
    _ table: CSVTable, inputs: [Int], targets: NDArray
  ) throws(FormatError) -> Dataset {
    let inputs = try matrix(of: table, inputs, "input")
    return try made(of: inputs, targets, from: table.name)
  }

  private static func matrix(
    of table: CSVTable, _ columns: [Int], _ role: String
  ) throws(FormatError) -> NDArray {
    guard !columns.isEmpty else {
      throw FormatError("no column is named as \(role)", in: table.name)
    }
    let elements = try table.matrix(at: columns)
    return NDArray(elements, dimensions: [table.rowCount, columns.count])
  }

  /// Returns a set of arrays from a file, whose name goes into what is wrong with them.
  private static func made(
    of inputs: NDArray, _ targets: NDArray, from source: String
  ) throws(FormatError) -> Dataset {
    do {
      return try Dataset(inputs: inputs, targets: targets)
    } catch {
      throw FormatError(error.description, in: source)
    }
  }
}

extension CSVTable {
  fileprivate func indices(of columns: [String]) throws(FormatError) -> [Int] {
    var indices: [Int] = []
    for column in columns { indices.append(try index(of: column)) }
    return indices
  }
}

// MARK: IDX

extension Dataset {
  /// Reads images and their classes from two IDX files, plain or compressed with gzip.
  ///
  /// - Parameters:
  ///   - images: The file of images, `[count, height, width]`.
  ///   - labels: The file of classes, `[count]`.
  ///   - scale: What each element is multiplied by; without it, bytes are brought between 0 and 1.
  /// - Throws: `FormatError` where a file cannot be read or the two do not fit.
  /// - Returns: Inputs `f32[count, height, width]` and targets `i32[count]`.
  public static func idx(
    images: String, labels: String, scale: Double? = nil
  ) throws(FormatError) -> Dataset {
    let inputs = try IDX.read(images)
    let classes = try IDX.read(labels)
    guard classes.dataType.isInteger, classes.dimensions.count == 1 else {
      throw FormatError("labels are \(classes.type), not one integer an image", in: labels)
    }
    guard inputs.dimensions.first == classes.count else {
      throw FormatError(
        "there are \(classes.count) labels but \(inputs.dimensions.first ?? 0) images in \(images)",
        in: labels)
    }
    let targets = NDArray(classes.doubles.map { Int32($0) })
    let set = try made(of: inputs, targets, from: images)
    return set.scaled(by: scale ?? (inputs.dataType == .u8 ? 1.0 / 255 : 1))
  }
}
