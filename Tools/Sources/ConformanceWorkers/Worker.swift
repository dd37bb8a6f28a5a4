public import Foundation

/// A judge's partner: it says hello, then answers each line of JSON with one.
public protocol Worker {
  /// The name it says hello with.
  static var name: String { get }
  /// Creates a worker that has seen nothing yet.
  init()
  /// Returns what is added to `"status": "ok"` in the reply to a request.
  mutating func answer(_ request: Data) throws -> [String: any Encodable]
}

/// Why a request has no result.
enum WorkerError: Error {
  /// The library has no way to say this.
  case unsupported(String)
  /// The request makes no sense.
  case refused(String)
  /// The plan and the interpreter gave different bits.
  case disagreement(String)
}

extension Worker {
  /// Answers requests from standard input until there are no more.
  public static func serve() {
    var worker = Self()
    reply(["hello": 1, "name": name])
    while let line = readLine(strippingNewline: true) {
      let request = Data(line.utf8)
      var answer: [String: any Encodable] = ["status": "ok"]
      do {
        answer.merge(try worker.answer(request)) { $1 }
      } catch WorkerError.unsupported(let reason) {
        answer = ["status": "unsupported", "reason": reason]
      } catch WorkerError.disagreement(let reason) {
        answer = ["status": "disagreement", "reason": reason]
      } catch WorkerError.refused(let reason) {
        answer = ["status": "error", "reason": reason]
      } catch {
        answer = ["status": "error", "reason": "\(error)"]
      }
      answer["id"] = (try? JSONDecoder().decode(Identified.self, from: request))?.id ?? ""
      reply(answer)
    }
  }

  private static func reply(_ members: [String: any Encodable]) {
    guard let data = try? JSONEncoder().encode(members.mapValues { AnyEncodable($0) }) else {
      return
    }
    FileHandle.standardOutput.write(data + Data("\n".utf8))
  }
}

private struct Identified: Decodable {
  let id: String
}

private struct AnyEncodable: Encodable {
  let value: any Encodable
  init(_ value: any Encodable) { self.value = value }
  func encode(to encoder: any Encoder) throws { try value.encode(to: encoder) }
}
