import Descent

// The code of README.md, which is compiled here. A test compares: the blocks between marks are the README's, in order.

enum Snippets {
  static func all() throws {
    // README
    // How long until Old Faithful erupts again, from the length of its last eruption?
    let geyser = try Dataset.csv(
      "Examples/Data/faithful.csv", inputs: ["eruptions"], targets: ["waiting"])
    let line = Graph("faithful") { g in
      let x = g.input("x", [.batch, 1])
      let y = g.input("y", [.batch, 1])
      let slope = g.parameter("slope", [1, 1], .zeros)
      let intercept = g.parameter("intercept", [1], .zeros)
      let prediction = x.matmul(slope) + intercept
      g.output("prediction", prediction)
      g.output("loss", mean(square(prediction - y)))
    }

    // Forward, loss, backward and update are one plan; a session owns its memory.
    let step = try line.minimizing("loss", with: .sgd(0.05)).compile(batch: geyser.count)
    let session = try step.makeSession(seed: 42)
    for _ in 1...2000 { _ = try session(x: geyser.inputs, y: geyser.targets) }

    // Another plan for inference: one example, and no gradient nodes in it.
    let predict = try line.compile(batch: 1, outputs: ["prediction"], state: session.state)
    let wait = try predict.makeSession()(x: NDArray([3.5], dimensions: [1, 1])).prediction.scalar
    print("after 3.5 minutes of eruption, wait \(wait) minutes")
    // README
    print(line.text)  // %4 = contract(%0, %2) : f32[batch, 1]   // main.swift:11
    print(step.graph.dot)  // a picture, drawn by Graphviz
    print(step.explanation)  // kernels, memory, rewrites, with the lines of your program
    // README
    let digits = try Dataset.csv("Examples/Data/digits.csv.gz", inputs: 0..<64, label: 64)
    let (train, test) = try digits.scaled(by: 1.0 / 16).split(0.8, seed: 1)
    let model = try Model("digits", input: [64]) {
      Dense(128)
      ReLU()
      Dense(10)
    }
    var trainer = try Trainer(
      model, loss: .crossEntropy, optimizer: .adam(1e-3), metrics: [.accuracy], seed: 42)
    try trainer.fit(train, validation: test, epochs: 10, batch: 32)
    try trainer.state.save(to: "digits.safetensors")
    // README
  }
}
