/// How the terms of windows that reach outside are cut into blocks: whole lines of a window, whole elements, or parts
/// of one, so that what is left out are whole runs of a block.
struct WindowBlocks {
  /// The terms of a block; the last may have fewer.
  let depth: Int
  /// Whether blocks are whole lines.
  let hasWholeLines: Bool
  /// The terms of an element that run together.
  let run: Int

  /// The most terms of a block, whose panels stay in the second-level cache, and of an element that is not cut; and the
  /// fewest that are worth a block of their own.
  private static let (mostTerms, mostChannels, fewestChannels) = (640, 320, 64)

  init?(_ problem: ContractionProblem) {
    guard let margins = problem.margins, !margins.sumsWindows else { return nil }
    let (channels, most) = (max(1, margins.channels), WindowBlocks.mostTerms)
    let line = channels * margins.innermost.elements
    hasWholeLines = line <= most
    if hasWholeLines {
      let blocks = (margins.lines + most / line - 1) / (most / line)
      (depth, run) = ((margins.lines + blocks - 1) / blocks * line, channels)
    } else if channels <= WindowBlocks.mostChannels {
      (depth, run) = (most / channels * channels, channels)
    } else {
      let fewest = (channels + WindowBlocks.mostChannels - 1) / WindowBlocks.mostChannels
      // Runs of terms that are transposed in squares end with a block.
      let unit = problem.right.summed.isEven ? 1 : 16
      let parts = (fewest...channels / WindowBlocks.fewestChannels).first {
        channels % ($0 * unit) == 0
      }
      run = channels / (parts ?? 1)
      depth = run
    }
  }
}

/// How sums over windows that reach outside are cut into blocks: whole images, or parts of one.
///
/// Chunks are whole images too: several whole blocks, or one image in parts.
struct ImageBlocks {
  /// The terms of a block; the last of an image that is cut may have fewer, and the last of all.
  let depth: Int
  /// The terms of an image.
  let image: Int

  /// The most terms of a block, whose panels stay in the second-level cache.
  private static let mostTerms = 512

  init?(_ problem: ContractionProblem) {
    guard let margins = problem.margins, margins.sumsWindows else { return nil }
    image = max(1, margins.windowsOfImage)
    let (most, images) = (ImageBlocks.mostTerms, max(1, problem.chunk / image))
    if image <= most {
      // Runs of terms that are transposed in squares end with a block.
      let (windows, isEven) = (image, problem.right.summed.isEven)
      let counts = (1...images).filter { count in
        images % count == 0 && count * windows <= most && (isEven || count * windows % 16 == 0)
      }
      depth = (counts.max() ?? images) * image
    } else {
      let parts = (image + most - 1) / most
      depth = ((image + parts - 1) / parts + 15) / 16 * 16
    }
  }

  /// Into how many blocks an image is cut.
  var parts: Int { (image + depth - 1) / depth }
}
