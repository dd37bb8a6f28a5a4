// A network that reads handwritten digits of 8×8 pixels.
import Descent
import Foundation

let flags = Set(CommandLine.arguments.dropFirst())
guard flags.isSubset(of: ["--text", "--dot", "--explain", "--times"]) else {
  print("usage: digits [--text | --dot | --explain | --times]")
  print("With an option it shows what was compiled instead of training.")
  exit(2)
}

// Beside the sources, so that the example runs from any folder.
let folder = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(2)
let path = (folder + ["Data", "digits.csv.gz"]).joined(separator: "/")

let digits = try Dataset.csv(path, inputs: 0..<64, label: 64).scaled(by: 1.0 / 16)
let (train, test) = try digits.split(0.8, seed: 3)
let model = try Model("digits", input: [64]) {
  Dense(128, init: .heUniform)
  ReLU()
  Dense(64, init: .heUniform)
  ReLU()
  Dense(10)
}
var trainer = try Trainer(
  model, loss: .crossEntropy, optimizer: .adam(1e-3), metrics: [.accuracy], seed: 42)

if flags.isEmpty {
  print(model.summary)
  print("\(train.count) digits to learn, \(test.count) held out")
  try trainer.fit(train, validation: test, epochs: 30, batch: 32)
  let accuracy = try trainer.evaluate(test)["accuracy"] ?? 0
  let right = Int((accuracy * Double(test.count)).rounded())
  print(
    "\(right) of \(test.count) held-out digits are right: \((accuracy * 1000).rounded() / 10) %")
  try trainer.state.save(to: "digits.safetensors")
  print("the weights are in digits.safetensors")
} else {
  let plan = try trainer.plan(batch: 32)
  if flags.contains("--text") { print(plan.graph.text) }
  if flags.contains("--dot") { print(plan.graph.dot) }
  if flags.contains("--explain") { print(plan.explanation) }
  if flags.contains("--times") { print(plan.timingTable + "\n\n" + plan.kernelTimingTable) }
}
