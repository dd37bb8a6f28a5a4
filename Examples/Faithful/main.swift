// Linear regression: minutes until the next eruption of Old Faithful, from the length of the last one.
import Descent

// Beside the sources, so that the example runs from any folder.
let folder = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(2)
let path = (folder + ["Data", "faithful.csv"]).joined(separator: "/")

let geyser = try Dataset.csv(path, inputs: ["eruptions"], targets: ["waiting"])
let line = Graph("faithful") { g in
  let x = g.input("x", [.batch, 1])
  let y = g.input("y", [.batch, 1])
  let slope = g.parameter("slope", [1, 1], .zeros)
  let intercept = g.parameter("intercept", [1], .zeros)
  let prediction = x.matmul(slope) + intercept
  g.output("prediction", prediction)
  g.output("loss", mean(square(prediction - y)))
}

// One plan holds the whole step: forward, loss, backward, update.
let step = try line.minimizing("loss", with: .sgd(0.05)).compile(batch: geyser.count)
let session = try step.makeSession(seed: 42)
for number in 1...2000 {
  let loss = try session(x: geyser.inputs, y: geyser.targets).loss.scalar
  if [1, 10, 100, 500, 1000, 2000].contains(number) { print("step \(number): loss \(loss)") }
}

// What least squares says, without a network.
let count = Double(geyser.count)
let (xs, ys) = (geyser.inputs.doubles, geyser.targets.doubles)
let (meanX, meanY) = (xs.reduce(0, +) / count, ys.reduce(0, +) / count)
let covariance = zip(xs, ys).reduce(0) { $0 + ($1.0 - meanX) * ($1.1 - meanY) }
let exactSlope = covariance / xs.reduce(0) { $0 + ($1 - meanX) * ($1 - meanX) }

if let slope = session.state["slope"], let intercept = session.state["intercept"] {
  print("slope     \(slope.scalar), closed form \(exactSlope)")
  print("intercept \(intercept.scalar), closed form \(meanY - exactSlope * meanX)")
}

// For inference there is another plan: no gradient nodes, one example.
let predict = try line.compile(batch: 1, outputs: ["prediction"], state: session.state)
let wait = try predict.makeSession()(x: NDArray([3.5], dimensions: [1, 1])).prediction.scalar
print("after an eruption of 3.5 minutes, wait \(wait) minutes")
