/// What training reported, epoch by epoch.
public struct History: Hashable, Sendable {
  /// One pass over the training set.
  public struct Epoch: Hashable, Sendable {
    /// The number of the epoch, counted from 1 over the trainer's life.
    public let number: Int
    /// Loss and metrics of the training set, measured while the parameters changed.
    public let training: Scores
    /// Loss and metrics of the validation set after the epoch, if there is one.
    public let validation: Scores?
    /// The time the epoch took without validation, in seconds.
    public let seconds: Double
    /// How many examples were trained on in a second.
    public let examplesPerSecond: Double
  }

  /// The epochs, in order.
  public internal(set) var epochs: [Epoch] = []
}
