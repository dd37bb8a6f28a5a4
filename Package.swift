// swift-tools-version: 6.2
import PackageDescription

/// What every target is built with.
let strict: [SwiftSetting] = [
  // A warning nobody must act on is a warning nobody reads.
  .treatAllWarnings(as: .error),
  // Existentials cost an allocation and a witness call: they should be visible.
  .enableUpcomingFeature("ExistentialAny"),
  // The compiler polices which layer leaks into whose API.
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

/// Everything above the runtime is free of unsafe constructs; the compiler holds us to it.
let safe: [SwiftSetting] = strict + [.strictMemorySafety()]

let package = Package(
  name: "descent",
  products: [
    .library(name: "Descent", targets: ["Descent"])
  ],
  targets: [
    // The layers. Folders keep the plain names; targets are prefixed, because the toolchain ships a
    // module called Runtime and a type Graph in a module Graph could not be qualified.
    .target(name: "DescentGraph", path: "Sources/Graph", swiftSettings: safe),
    .target(
      name: "DescentPasses", dependencies: ["DescentGraph"], path: "Sources/Passes",
      swiftSettings: safe),
    .target(
      name: "DescentCodegen", dependencies: ["DescentGraph"], path: "Sources/Codegen",
      swiftSettings: safe),
    .target(
      name: "DescentRuntime", dependencies: ["DescentGraph", "DescentCodegen"],
      path: "Sources/Runtime", swiftSettings: strict),
    .target(
      name: "DescentCompiler",
      dependencies: ["DescentGraph", "DescentPasses", "DescentCodegen", "DescentRuntime"],
      path: "Sources/Compiler", swiftSettings: safe),
    .target(
      name: "DescentFormats", dependencies: ["DescentGraph"], path: "Sources/Formats",
      swiftSettings: safe),
    .target(
      name: "DescentLearning",
      dependencies: [
        "DescentGraph", "DescentPasses", "DescentRuntime", "DescentCompiler", "DescentFormats",
      ],
      path: "Sources/Learning", swiftSettings: safe),
    .target(
      name: "DescentDiagnostics",
      dependencies: [
        "DescentGraph", "DescentPasses", "DescentCodegen", "DescentRuntime", "DescentCompiler",
        "DescentFormats",
      ],
      path: "Sources/Diagnostics", swiftSettings: safe),
    .target(
      name: "Descent",
      dependencies: [
        "DescentGraph", "DescentPasses", "DescentCodegen", "DescentRuntime", "DescentCompiler",
        "DescentFormats", "DescentLearning", "DescentDiagnostics",
      ],
      path: "Sources/Descent", swiftSettings: safe),

    // The examples, with their data beside them.
    .executableTarget(
      name: "faithful", dependencies: ["Descent"], path: "Examples/Faithful", swiftSettings: safe),
    .executableTarget(
      name: "digits", dependencies: ["Descent"], path: "Examples/Digits", swiftSettings: safe),
    .executableTarget(
      name: "derivatives", dependencies: ["Descent"], path: "Examples/Derivatives",
      swiftSettings: safe),

    // Tests mirror the layers.
    .testTarget(
      name: "DescentPassesTests",
      dependencies: ["DescentGraph", "DescentPasses", "DescentTestSupport"],
      path: "Tests/PassesTests", swiftSettings: strict),
    .testTarget(
      name: "DescentFormatsTests", dependencies: ["DescentFormats", "DescentGraph"],
      path: "Tests/FormatsTests", swiftSettings: strict),
    // What tests share; it counts allocations, which needs raw memory.
    .target(
      name: "DescentTestSupport", dependencies: ["DescentGraph"], path: "Tests/TestSupport",
      swiftSettings: strict),
    .testTarget(
      name: "DescentGraphTests", dependencies: ["DescentGraph", "DescentTestSupport"],
      path: "Tests/GraphTests", swiftSettings: strict),
    .testTarget(
      name: "DescentLearningTests",
      dependencies: [
        "Descent", "DescentLearning", "DescentGraph", "DescentFormats", "DescentCompiler",
        "DescentRuntime",
      ],
      path: "Tests/LearningTests", swiftSettings: strict),
    .testTarget(
      name: "DescentDiagnosticsTests",
      dependencies: [
        "DescentCompiler", "DescentDiagnostics", "DescentFormats", "DescentGraph",
        "DescentPasses", "DescentTestSupport",
      ],
      path: "Tests/DiagnosticsTests", swiftSettings: strict),
    .testTarget(
      name: "DescentEndToEndTests",
      dependencies: [
        "Descent", "DescentCodegen", "DescentCompiler", "DescentGraph", "DescentPasses",
        "DescentRuntime", "DescentTestSupport",
      ],
      path: "Tests/EndToEndTests", swiftSettings: strict),
    .testTarget(
      name: "DescentCodegenTests",
      dependencies: ["DescentCodegen", "DescentCompiler", "DescentGraph", "DescentTestSupport"],
      path: "Tests/CodegenTests", exclude: ["X86/Rows.txt"], swiftSettings: strict),
    .testTarget(
      name: "DescentRuntimeTests",
      dependencies: ["DescentCodegen", "DescentGraph", "DescentRuntime", "DescentTestSupport"],
      path: "Tests/RuntimeTests", swiftSettings: strict),
    .testTarget(
      name: "DescentReadmeTests", dependencies: ["Descent"], path: "Tests/ReadmeTests",
      swiftSettings: strict),
    .testTarget(
      name: "DescentTidyTests", path: "Tests/TidyTests", swiftSettings: strict),
  ],
  swiftLanguageModes: [.v6]
)
