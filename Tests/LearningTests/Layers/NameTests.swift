import DescentGraph
import DescentLearning
import Testing

/// A function over two parts, one applied to the other's result.
struct Residual: Module {
  let a = Dense(4), b = Dense(4)
  func callAsFunction(_ x: Tensor) -> Tensor { relu(x + b(relu(a(x)))) }
}

/// A stack that is made anew each time it is asked for.
struct Tower: Module {
  let features: Int
  var body: Block {
    Dense(features)
    ReLU()
    Dense(features)
  }
}

/// A function over stacks that hold no layers of their own.
struct Pair: Module {
  let first: Tower
  let second: Tower
  func callAsFunction(_ x: Tensor) -> Tensor { second(first(x)) }
}

@Suite struct NameTests {
  @Test func positionsNameTheParametersOfAStack() throws {
    let model = try Model(input: [3]) {
      Dense(5)
      ReLU()
      Dense(2)
    }
    let found = parameters(model.graph).map { "\($0.name) \($0.type)" }
    #expect(
      found == [
        "0.weight f32[3, 5]", "0.bias f32[5]", "2.weight f32[5, 2]", "2.bias f32[2]",
      ])
  }

  @Test func propertiesNameThePartsOfAFunction() throws {
    let model = try Model(input: [4]) {
      ReLU()
      Residual()
    }
    #expect(
      parameterNames(model.graph) == ["1.a.weight", "1.a.bias", "1.b.weight", "1.b.bias"])
  }

  @Test func stacksWithinStacksCountOnTheirOwn() throws {
    let model = try Model(input: [4]) {
      for features in [4, 2] { Tower(features: features) }
      Block { Dense(3, bias: false) }
    }
    #expect(
      parameterNames(model.graph) == [
        "0.0.weight", "0.0.bias", "0.2.weight", "0.2.bias", "1.0.weight", "1.0.bias", "1.2.weight",
        "1.2.bias", "2.0.weight",
      ])
  }

  @Test(arguments: [[4, 3], [4, 4]]) func stacksAsPropertiesGoByTheirName(_ features: [Int]) throws
  {
    let model = try Model(input: [4]) {
      Pair(first: Tower(features: features[0]), second: Tower(features: features[1]))
    }
    #expect(
      parameterNames(model.graph) == [
        "0.first.0.weight", "0.first.0.bias", "0.first.2.weight", "0.first.2.bias",
        "0.second.0.weight", "0.second.0.bias", "0.second.2.weight", "0.second.2.bias",
      ])
  }

  @Test func listsTuplesOptionalsWrappersAndNestedFunctionsHaveNames() throws {
    struct Deep: Module {
      let blocks = [Dense(4, bias: false), Dense(4, bias: false)]
      let pair = (Dense(4, bias: false), left: Dense(4, bias: false))
      let maybe: Dense? = Dense(4, bias: false)
      let inner = Residual()
      let stack = Block { Dense(4, bias: false) }
      @Held var held = Dense(4, bias: false)
      func callAsFunction(_ x: Tensor) -> Tensor {
        let y = maybe!(pair.left(pair.0(blocks[1](blocks[0](x)))))
        return held(stack(inner(y)))
      }
    }
    let model = try Model(input: [4]) { Deep() }
    #expect(
      parameterNames(model.graph) == [
        "0.blocks.0.weight", "0.blocks.1.weight", "0.pair.0.weight", "0.pair.left.weight",
        "0.maybe.weight", "0.inner.a.weight", "0.inner.a.bias", "0.inner.b.weight",
        "0.inner.b.bias", "0.stack.0.weight", "0.held.weight",
      ])
  }

  @Test func aPartThatIsCalledTwiceHasOneSetOfParameters() throws {
    struct Twice: Module {
      let dense = Dense(4)
      let tower = Tower(features: 4)
      func callAsFunction(_ x: Tensor) -> Tensor { tower(tower(dense(dense(x)))) }
    }
    let model = try Model(input: [4]) { Twice() }
    #expect(
      parameterNames(model.graph) == [
        "0.dense.weight", "0.dense.bias", "0.tower.0.weight", "0.tower.0.bias", "0.tower.2.weight",
        "0.tower.2.bias",
      ])
    let products = model.graph.nodes.filter { $0.op.name == "contract" }
    #expect(products.count == 6)
  }

  @Test func aLayerAtTwoPlacesOfAStackHasTwoSetsOfParameters() throws {
    let dense = Dense(4, bias: false)
    let model = try Model(input: [4]) {
      dense
      dense
    }
    #expect(parameterNames(model.graph) == ["0.weight", "1.weight"])
  }

  @Test func layersThatAreNoPropertyGoByTheirType() throws {
    let outer = Dense(4, bias: false)
    let model = try Model(input: [4]) {
      Apply { x in Dense(4, bias: false)(outer(outer(x))) }
    }
    #expect(parameterNames(model.graph) == ["0.Dense.weight", "0.Dense2.weight"])
  }

  @Test func layersOfOnesOwnNameTheirParameters() throws {
    struct Gain: Layer {
      let identity = LayerIdentity()
      func build(_ x: Tensor, in scope: LayerScope) -> Tensor {
        x * scope.parameter("gain", [1], .ones)
      }
    }
    let model = try Model(input: [4]) {
      Gain()
      LayerNorm()
    }
    #expect(parameterNames(model.graph) == ["0.gain", "1.scale", "1.shift"])
  }

  @Test func aModelIsPartOfAnyGraphAndSharesItsParameters() throws {
    let model = try Model(input: [4]) { Dense(2) }
    let other = try Model(input: [4]) { Dense(2) }
    let graph = Graph("twins") { g in
      let (x, y) = (g.input("x", [.batch, 4]), g.input("y", [.batch, 4]))
      g.output("distance", mse(model(x), model(y)))
      g.output("other", other(x))
    }
    #expect(
      parameterNames(try graph.validated()) == [
        "0.weight", "0.bias", "Model2.0.weight", "Model2.0.bias",
      ])
  }

  @Test func aModelIsPartOfAnyModel() throws {
    let model = try Model(input: [4]) { Dense(2) }
    struct Head: Module {
      let encoder: Model
      func callAsFunction(_ x: Tensor) -> Tensor { encoder(x) }
    }
    let whole = try Model(input: [4]) {
      Dense(4)
      model
      Apply { x in concatenate([x, x], axis: 1) }
      Head(encoder: model)
    }
    #expect(
      parameterNames(whole.graph) == [
        "0.weight", "0.bias", "1.0.weight", "1.0.bias", "3.encoder.0.weight", "3.encoder.0.bias",
      ])
  }
}

/// A property wrapper, as a user may write one.
@propertyWrapper struct Held: Sendable {
  var wrappedValue: Dense
}
