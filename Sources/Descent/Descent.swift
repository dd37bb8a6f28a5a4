// The umbrella: `import Descent` brings in every layer. It holds nothing of its own.
@_exported public import DescentCodegen
@_exported public import DescentCompiler
@_exported public import DescentDiagnostics
@_exported public import DescentFormats
@_exported public import DescentGraph
@_exported public import DescentLearning
@_exported public import DescentPasses
@_exported public import DescentRuntime
