import DescentGraph

// Expressions that mix tensors and numbers, as users write them. They are part of the test target, so that one the
// type checker gives up on breaks the build; and `TypeCheckTests` lets it check this file against the clock.

func geluByHand(_ x: Tensor) -> Tensor {
  0.5 * x * (1.0 + tanh(0.7978845608 * (x + 0.044715 * x * x * x)))
}

func sigmoidByHand(_ x: Tensor) -> Tensor { 1 / (1 + exp(-x)) }

func wholeNumbers(_ x: Tensor, _ y: Tensor, _ z: Tensor) -> Tensor {
  1 - 2 * x + 3 * y * (4 - z) / 5 - (6 + x) * (7 - y * 8) + 9 * z / (10 + x * x) - 11
}

func realNumbers(_ x: Tensor, _ y: Tensor, _ z: Tensor) -> Tensor {
  0.1 * x + 0.2 * y - 0.3 * z * (x - 1.0) / (2.0 + y * y) + 4.0 * (0.5 - z) * x - y / 3.0
}

func variables(_ x: Tensor, rate: Float, decay: Double, count: Int) -> Tensor {
  x * (1.0 - rate) + decay * (x - 0.5 * rate) * 2.0 - rate / (1 + x) + x / count
}

func inferredTypes(_ x: Tensor, _ y: Tensor) -> Tensor {
  let a = 1 - 2 * x + 0.5 * y * (4.0 - x) / 5 - (6 + x) * 7
  let b = 2.0 * 3 * x - a * (1 / 3.0)
  let c = -x * 2 + y.matmul(x) / 2.0 - mean(square(x - y)) * 0.5
  return a + b * 2 - c / (1 + a * a)
}
