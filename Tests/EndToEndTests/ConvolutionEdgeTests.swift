import DescentCodegen
import DescentCompiler
import DescentGraph
import DescentRuntime
import DescentTestSupport
import Testing

/// Convolutions of hardly anything, with steps that are never taken, or with many weights, agree with the interpreter.
@Suite struct ConvolutionEdgeTests {
  static let backends = Backend.allCases.filter { $0.runs(on: CPUFeatures.detected) }
  /// The greatest distance between windows, or between a window's elements.
  static let greatest = Movement.greatestStep

  static let texts = [
    // No channels, so that every sum is empty; and no images.
    """
    graph "no channels"
    %0 = input name="x" : f32[2, 5, 6, 0]
    %1 = input name="w" : f32[3, 2, 0, 4]
    %2 = convolve(%0, %1) strides=[1, 2] dilations=[1, 1] : f32[2, 3, 3, 4]
    output "y" = %2
    """,
    """
    graph "no channels, and tiles that share panels"
    %0 = input name="x" : f32[3, 12, 12, 0]
    %1 = input name="w" : f32[3, 3, 0, 20]
    %2 = convolve(%0, %1) strides=[1, 1] dilations=[1, 1] low=[1, 1] high=[1, 1] : f32[3, 12, 12, 20]
    output "y" = %2
    """,
    """
    graph "no images to learn from"
    %0 = input name="x" : f32[0, 5, 6, 9]
    %1 = input name="w" : f32[0, 5, 6, 20]
    %2 = weightGradient(%0, %1) kernel=[3, 3] strides=[1, 1] dilations=[1, 1] low=[1, 1] high=[1, 1] : f32[3, 3, 9, 20]
    output "y" = %2
    """,
    """
    graph "no images"
    %0 = input name="x" : f32[0, 5, 6, 3]
    %1 = input name="w" : f32[3, 2, 3, 4]
    %2 = convolve(%0, %1) strides=[1, 2] dilations=[1, 1] : f32[0, 3, 3, 4]
    output "y" = %2
    """,
    // One window, and windows of one element: the distance to the next may be any number.
    """
    graph "one window"
    %0 = input name="x" : f32[2, 5, 6, 3]
    %1 = input name="w" : f32[5, 1, 3, 4]
    %2 = convolve(%0, %1) strides=[\(greatest), 2] dilations=[1, \(greatest)] : f32[2, 1, 3, 4]
    output "y" = %2
    """,
    // Nothing but what is outside, and windows that all lie there.
    """
    graph "no elements"
    %0 = input name="x" : f32[2, 0, 6, 3]
    %1 = input name="w" : f32[3, 2, 3, 4]
    %2 = convolve(%0, %1) strides=[1, 2] dilations=[1, 1] low=[2, 0] high=[2, 1] : f32[2, 2, 3, 4]
    output "y" = %2
    """,
    """
    graph "few windows inside"
    %0 = input name="x" : f32[2, 2, 3]
    %1 = input name="w" : f32[2, 3, 9]
    %2 = convolve(%0, %1) strides=[1] dilations=[3] low=[9] high=[30] : f32[2, 38, 9]
    output "y" = %2
    """,
    // Between one window, behind the operand, and the next might be any distance.
    """
    graph "far outside"
    %0 = input name="x" : f32[2, 2, 3]
    %1 = input name="w" : f32[2, 3, 4]
    %2 = convolve(%0, %1) strides=[\(greatest)] dilations=[\(greatest)] low=[\(greatest)] high=[\(greatest)] : f32[2, 2, 4]
    output "y" = %2
    """,
    // Weights that do not stay in the cache: lines of four windows ask for the next block; and 13 of them are packed.
    """
    graph "many weights"
    %0 = input name="x" : f32[1, 4, 4, 330]
    %1 = input name="w" : f32[3, 3, 330, 100]
    %2 = convolve(%0, %1) strides=[1, 1] dilations=[1, 1] low=[1, 1] high=[1, 1] : f32[1, 4, 4, 100]
    output "y" = %2
    """,
    """
    graph "many lines"
    %0 = input name="x" : f32[1, 13, 3, 330]
    %1 = input name="w" : f32[3, 3, 330, 90]
    %2 = convolve(%0, %1) strides=[1, 2] dilations=[1, 1] low=[1, 1] high=[1, 1] : f32[1, 13, 2, 90]
    output "y" = %2
    """,
    // The same of gradients of weights: no channels, no images, no elements, and windows that all lie outside.
    """
    graph "no channels, gradient"
    %0 = input name="x" : f32[2, 5, 6, 0]
    %1 = input name="w" : f32[2, 4, 3, 4]
    %2 = weightGradient(%0, %1) kernel=[3, 2] strides=[1, 2] dilations=[1, 1] low=[1, 0] high=[0, 0] : f32[3, 2, 0, 4]
    output "y" = %2
    """,
    """
    graph "no images, gradient"
    %0 = input name="x" : f32[0, 5, 6, 3]
    %1 = input name="w" : f32[0, 4, 3, 4]
    %2 = weightGradient(%0, %1) kernel=[3, 2] strides=[1, 2] dilations=[1, 1] low=[1, 0] high=[0, 0] : f32[3, 2, 3, 4]
    output "y" = %2
    """,
    """
    graph "no elements, gradient"
    %0 = input name="x" : f32[2, 0, 6, 3]
    %1 = input name="w" : f32[2, 2, 3, 4]
    %2 = weightGradient(%0, %1) kernel=[3, 2] strides=[1, 2] dilations=[1, 1] low=[2, 0] high=[2, 1] : f32[3, 2, 3, 4]
    output "y" = %2
    """,
    """
    graph "few windows inside, gradient"
    %0 = input name="x" : f32[2, 2, 3]
    %1 = input name="w" : f32[2, 38, 9]
    %2 = weightGradient(%0, %1) kernel=[2] strides=[1] dilations=[3] low=[9] high=[30] : f32[2, 3, 9]
    output "y" = %2
    """,
    """
    graph "far outside, gradient"
    %0 = input name="x" : f32[2, 2, 3]
    %1 = input name="w" : f32[2, 2, 4]
    %2 = weightGradient(%0, %1) kernel=[2] strides=[\(greatest)] dilations=[\(greatest)] low=[\(greatest)] high=[\(greatest)] : f32[2, 3, 4]
    output "y" = %2
    """,
    """
    graph "far outside along another axis, gradient"
    %0 = input name="x" : f32[1, 5, 4, 4]
    %1 = input name="w" : f32[1, 2, 4, 4]
    %2 = weightGradient(%0, %1) kernel=[1, 1] strides=[268435456, 1] dilations=[1, 1] low=[268435456, 0] high=[0, 0] : f32[1, 1, 4, 4]
    output "y" = %2
    """,
    """
    graph "one window, gradient"
    %0 = input name="x" : f32[2, 5, 6, 3]
    %1 = input name="w" : f32[2, 1, 3, 4]
    %2 = weightGradient(%0, %1) kernel=[5, 1] strides=[\(greatest), 2] dilations=[1, \(greatest)] : f32[5, 1, 3, 4]
    output "y" = %2
    """,
    // So many windows that an image is cut into blocks, of which the last is shorter; and blocks of many images.
    """
    graph "images in parts, gradient"
    %0 = input name="x" : f32[3, 23, 29, 5]
    %1 = input name="w" : f32[3, 23, 29, 4]
    %2 = weightGradient(%0, %1) kernel=[3, 3] strides=[1, 1] dilations=[1, 1] low=[1, 1] high=[1, 1] : f32[3, 3, 5, 4]
    output "y" = %2
    """,
    """
    graph "many images, gradient"
    %0 = input name="x" : f32[45, 5, 5, 33]
    %1 = input name="w" : f32[45, 5, 5, 2]
    %2 = weightGradient(%0, %1) kernel=[3, 3] strides=[1, 1] dilations=[1, 1] low=[1, 1] high=[1, 1] : f32[3, 3, 33, 2]
    output "y" = %2
    """,
    """
    graph "one slice"
    %0 = input name="x" : f32[5, 4, 3]
    %1 = input name="w" : f32[3, 2]
    %2 = slice(%0) starts=[4, 0, 0] limits=[5, 4, 3] strides=[\(greatest), 1, 1] : f32[1, 4, 3]
    %3 = contract(%2, %1) : f32[1, 4, 2]
    output "y" = %3
    """,
  ]

  @Test(arguments: texts, backends) func agrees(text: String, backend: Backend) throws {
    let graph = try Graph(parsing: text, file: "test")
    let plan = try graph.compile(options: CompileOptions(threads: 2, backend: backend))
    var random = SplitMix64(seed: 5)
    var inputs: [String: NDArray] = [:]
    for name in ["x", "w"] {
      let leaf = try #require(graph.leaf(name))
      inputs[name] = NDArray(graph[leaf].type, .ordinary, using: &random)
    }
    let expected = try Interpreter().run(plan.graph, inputs: inputs)
    let found = try plan.makeSession().run(inputs)
    #expect(found["y"]?.equalsBits(of: expected.outputs[0].array) == true)
  }
}
