public import DescentGraph

/// A part of a model: something that makes a tensor of a tensor.
///
/// A module is a value that describes a computation; it holds no weights. It says what it computes in one of two ways:
/// ```swift
/// struct ConvBlock: Module {                       // a stack: layers one after the other
///   let features: Int
///   var body: Block { Dense(features); ReLU() }
/// }
/// struct Residual: Module {                        // a function: any computation
///   let a = Dense(64), b = Dense(64)
///   func callAsFunction(_ x: Tensor) -> Tensor { relu(x + b(relu(a(x)))) }
/// }
/// ```
/// Parameters are named by position and property, such as `0.weight` and `5.a.weight`. A part that is called twice
/// uses the same parameters twice. Parts that are equal and hold no layers are told apart by the order of calls.
public protocol Module: Sendable {
  /// The layers, one after the other.
  @LayerBuilder var body: Block { get }

  /// Returns the result for a tensor.
  func callAsFunction(_ x: Tensor) -> Tensor
}

extension Module {
  /// The layers of a module that is a function: none.
  public var body: Block { .missing }

  /// Returns what the layers make of a tensor, one after the other.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    x.builder.entering(self) {
      let body = body
      guard !body.isMissing else {
        return x.failure(
          "\(typeName(self)): there is nothing to compute",
          hint: "give it a body of layers or a callAsFunction(_ x: Tensor) -> Tensor")
      }
      return body.run(x)
    }
  }
}

/// Returns the name of a module's type, without the arguments of a generic one.
func typeName(_ module: any Module) -> String {
  let name = String(describing: type(of: module))
  return name.prefix { $0 != "<" }.description
}
