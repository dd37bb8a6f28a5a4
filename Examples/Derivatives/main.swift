// Derivatives: the graph of a function becomes the graph of its derivative.
import Descent
import Foundation

// d(x²)/dx at 3 …
let parabola = Graph("parabola") { g in
  g.output("y", square(g.input("x", [])))
}
let slope = try parabola.gradient(of: "y", withRespectTo: ["x"])
  .compile(outputs: ["dy/dx"]).makeSession()
if let value = try slope(x: NDArray(scalar: 3))["dy/dx"] {
  print("d(x²)/dx at 3 is \(value.scalar)")
}

// … and at 3, 4 and 10 together: an output of many elements stands for their sum.
let parabolas = Graph("parabolas") { g in
  g.output("y", square(g.input("x", [3])))
}
let slopes = try parabolas.gradient(of: "y", withRespectTo: ["x"])
  .compile(outputs: ["dy/dx"]).makeSession()
if let values = try slopes(x: NDArray([3, 4, 10] as [Float]))["dy/dx"] {
  print("d(x²)/dx at [3, 4, 10] is \(values.floats)")
}

// A chain of functions beside what the chain rule says by hand; and once more, for the second derivative.
let chain = Graph("chain") { g in
  let x = g.input("x", [5])
  g.output("y", cos(exp(-square(sin(x)))))
}
let derivatives = try chain.gradient(of: "y", withRespectTo: ["x"])
  .gradient(of: "dy/dx", withRespectTo: ["x"])
let session = try derivatives.compile(outputs: ["dy/dx", "ddy/dx/dx"]).makeSession()
let places: [Float] = [-2, -0.5, 0, 1, 2.5]
let results = try session(x: NDArray(places))
print("d/dx cos(exp(−sin² x)), and the second derivative:")
for (index, place) in places.enumerated() {
  let x = Double(place)
  let e = exp(-pow(sin(x), 2))
  let (first, inner) = (sin(e) * e * sin(2 * x), sin(2 * x))
  let second = e * (2 * cos(2 * x) * sin(e) - inner * inner * (sin(e) + e * cos(e)))
  let found = ["dy/dx", "ddy/dx/dx"].map { results[$0]?.floats[index] ?? .nan }
  print("x = \(place): \(found[0]), closed form \(first); \(found[1]), closed form \(second)")
}
