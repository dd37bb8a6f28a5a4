// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that users of the library need nothing but the toolchain.

let strict: [SwiftSetting] = [
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .strictMemorySafety(),
]

let arguments = Target.Dependency.product(
  name: "ArgumentParser", package: "swift-argument-parser")
let descent = Target.Dependency.product(name: "Descent", package: "descent")

let package = Package(
  name: "descent-tools",
  products: [
    .executable(name: "descent", targets: ["DescentCommand"]),
    .executable(name: "descent-conformance", targets: ["ConformanceCommand"]),
  ],
  dependencies: [
    // The name makes the checkout's folder free to be called anything.
    .package(name: "descent", path: "../"),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
  ],
  targets: [
    .target(name: "ToolSupport", dependencies: [descent], swiftSettings: strict),
    .target(name: "ConformanceWorkers", dependencies: [descent], swiftSettings: strict),
    // Not called descent: some file systems ignore case, and Descent is the library's module.
    .executableTarget(
      name: "DescentCommand", dependencies: ["ToolSupport", descent, arguments],
      swiftSettings: strict),
    .executableTarget(
      name: "ConformanceCommand",
      dependencies: ["ConformanceWorkers", "ToolSupport", descent, arguments],
      swiftSettings: strict),
    .testTarget(
      name: "ToolTests", dependencies: ["ConformanceWorkers", "ToolSupport", descent],
      swiftSettings: strict),
  ],
  swiftLanguageModes: [.v6]
)
