/// Stacks the modules that a closure lists, with loops and conditions.
@resultBuilder
public enum LayerBuilder {
  /// Creates a stack of one module.
  public static func buildExpression(_ module: some Module) -> [any Module] { [module] }

  /// Creates a stack of no module.
  public static func buildBlock() -> [any Module] { [] }

  /// Returns the stack that a longer one begins with.
  public static func buildPartialBlock(first: [any Module]) -> [any Module] { first }

  /// Returns a stack with more modules on top.
  public static func buildPartialBlock(
    accumulated: [any Module], next: [any Module]
  ) -> [any Module] {
    accumulated + next
  }

  /// Returns what a loop listed, one round after the other.
  public static func buildArray(_ rounds: [[any Module]]) -> [any Module] {
    rounds.flatMap { $0 }
  }

  /// Returns what a condition without an alternative listed, if it held.
  public static func buildOptional(_ modules: [any Module]?) -> [any Module] { modules ?? [] }

  /// Returns what the first branch of a condition listed.
  public static func buildEither(first modules: [any Module]) -> [any Module] { modules }

  /// Returns what the second branch of a condition listed.
  public static func buildEither(second modules: [any Module]) -> [any Module] { modules }

  /// Returns the finished stack as a block.
  public static func buildFinalResult(_ modules: [any Module]) -> Block { Block(modules) }
}
