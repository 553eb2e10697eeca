// A server that answers with scripts, for tests of those who ask: on loopback, a thread for each connection.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace caravan::test {

struct SeenRequest {
  std::string method;
  std::string path;
  std::string head;  ///< all of it, with the request line
  std::string body;
  int connection = 0;  ///< the how-manieth connection it came over, from 0
};

/// Bytes to send, each after its delay and once `before` has returned.
struct Reply {
  struct Part {
    int delay_ms = 0;
    std::string bytes;
    std::function<void()> before = {};
  };
  std::vector<Part> parts;
  bool close = false;  ///< close the connection then
};

/// A whole answer with a length.
Reply json_reply(int status, const std::string& body);
/// A chunked stream of server-sent events with these data, `delay_ms` before each, up to and including
/// "[DONE]".
Reply stream_reply(const std::vector<std::string>& events, int delay_ms = 0);
/// The data of a chunk of /v1/completions that holds `text`.
std::string text_chunk(const std::string& text);
/// The data of a chunk that ends a completion, and of one with its usage.
std::string end_chunk();
std::string usage_chunk(int64_t prompt_tokens, int64_t completion_tokens);
/// What a good server says to a request for a completion: as many chunks as its max_tokens, then the usage,
/// with a prompt token for each id or each blank-separated word.
Reply completion_reply(const SeenRequest& request, int delay_ms = 0);

class FakeServer {
 public:
  /// Called on the connections' threads, one at a time.
  using Answer = std::function<Reply(const SeenRequest&)>;

  enum class Security : uint8_t { kClear, kSelfSigned };

  explicit FakeServer(Answer answer, Security security = Security::kClear);
  ~FakeServer();
  FakeServer(const FakeServer&) = delete;
  FakeServer& operator=(const FakeServer&) = delete;

  [[nodiscard]] std::string url() const;
  /// All requests so far, in the order of their arrival.
  [[nodiscard]] std::vector<SeenRequest> seen() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// An address at which nobody listens.
std::string dead_url();

}  // namespace caravan::test
