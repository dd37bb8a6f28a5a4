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
  name: "descent-benchmarks",
  products: [
    .executable(name: "descent-bench", targets: ["DescentBench"])
  ],
  dependencies: [
    // The name makes the checkout's folder free to be called anything.
    .package(name: "descent", path: "../"),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
  ],
  targets: [
    .executableTarget(
      name: "DescentBench", dependencies: [descent, arguments], swiftSettings: strict)
  ],
  swiftLanguageModes: [.v6]
)
