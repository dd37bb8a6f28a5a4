// Recurrence: a body repeated along an axis. The steps become ordinary nodes, so that they differentiate, simplify and
// fuse like any others, and the plan knows the whole of them.

/// What a body of `scan` makes of one step: the states the next one begins with, and what is kept of this one.
public struct ScanStep {
  /// The states the next step begins with.
  public var states: [Tensor]
  /// What is kept of this step.
  public var outputs: [Tensor]

  /// Creates what a step makes.
  public init(states: [Tensor], outputs: [Tensor] = []) {
    self.states = states
    self.outputs = outputs
  }
}

/// Runs a body at each index of an axis in turn, and hands states from step to step.
///
/// ```swift
/// let sums = scan([x], from: [zero], axis: 1) { slices, states in
///   let sum = states[0] + slices[0]
///   return ScanStep(states: [sum], outputs: [sum])
/// }
/// ```
///
/// - Precondition: There is at least one input.
/// - Parameters:
///   - inputs: Tensors with equally many elements along the axis; the body is given them without it.
///   - states: What the first step begins with; types stay the same from step to step.
///   - axis: The axis of the inputs along which steps go, and along which outputs are stacked.
///   - isReversed: Whether the last index comes first; outputs stand at the indices they were made at all the same.
///   - file: The caller's file.
///   - line: The caller's line.
///   - body: Makes new states and outputs of the slices at an index and the states so far.
/// - Returns: The states behind the last step, and each output of all steps along the axis.
public func scan(
  _ inputs: [Tensor], from states: [Tensor], axis: Int = 0, reversed isReversed: Bool = false,
  file: String = #fileID, line: Int = #line,
  _ body: (_ slices: [Tensor], _ states: [Tensor]) -> ScanStep
) -> ScanStep {
  precondition(!inputs.isEmpty, "scan needs at least one input")
  let builder = inputs[0].builder
  let nothing = Tensor(builder, nil)
  // The steps' own nodes keep their own lines; what takes apart and joins has the scan's.
  let slices = builder.at(Site(file, line), "scan") { steps(of: inputs, axis: axis) }
  guard let slices else {
    // How many outputs there would be only the body knows; of placeholders it makes placeholders.
    let step = body(inputs.map { _ in nothing }, states.map { _ in nothing })
    return ScanStep(states: states.map { _ in nothing }, outputs: step.outputs.map { _ in nothing })
  }

  var step = ScanStep(states: states)
  var outputs = [[Tensor]](repeating: [], count: slices.count)
  let order = isReversed ? Array(slices.indices.reversed()) : Array(slices.indices)
  for index in order {
    step = body(slices[index], step.states)
    outputs[index] = step.outputs
    if let mistake = mismatch(step, states, like: outputs[order[0]]) {
      _ = builder.at(Site(file, line), "scan") { inputs[0].failure(mistake) }
    } else if !(step.states + step.outputs).contains(where: \.isPlaceholder) {
      continue
    }
    // The steps behind a mistake would only tell it again.
    return ScanStep(
      states: states.map { _ in nothing }, outputs: outputs[order[0]].map { _ in nothing })
  }
  step.outputs = builder.at(Site(file, line), "scan") {
    step.outputs.indices.map { position in
      stack(outputs.map { $0[position] }, axis: axis)
    }
  }
  return step
}

/// Returns the inputs at each index of an axis, or nil where there is a mistake, which is recorded.
private func steps(of inputs: [Tensor], axis: Int) -> [[Tensor]]? {
  guard !inputs.contains(where: \.isPlaceholder) else { return nil }
  let first = inputs[0]
  guard let place = first.normalized(axis, "scan") else { return nil }
  for other in inputs.dropFirst() {
    guard let own = other.normalized(axis, "scan") else { return nil }
    guard other.shape[own] == first.shape[place] else {
      _ = other.failure(
        "scan: \(other.shape) has not as many steps along axis \(axis) as \(first.shape)")
      return nil
    }
  }
  guard let count = first.shape[place].fixed, count > 0 else {
    _ = first.failure(
      "scan: the steps along axis \(axis) of \(first.shape) are not a number above 0")
    return nil
  }
  let columns = inputs.map { $0.unstack(axis: axis) }
  return (0..<count).map { index in columns.map { $0[index] } }
}

/// Returns what is wrong with a step: states of other types than before, or outputs unlike the first step's.
private func mismatch(_ step: ScanStep, _ states: [Tensor], like outputs: [Tensor]) -> String? {
  guard step.states.count == states.count else {
    return "scan: the body makes \(step.states.count) states of \(states.count)"
  }
  for (position, (before, after)) in zip(states, step.states).enumerated()
  where !before.isPlaceholder && !after.isPlaceholder && before.type != after.type {
    return "scan: state \(position) is \(before.type) and becomes \(after.type)"
  }
  guard step.outputs.count == outputs.count else {
    return "scan: the body makes \(step.outputs.count) outputs after \(outputs.count)"
  }
  return nil
}
