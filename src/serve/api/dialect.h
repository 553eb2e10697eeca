// What a dialect is: a table of paths, each of which reads a request into generations and says how to word
// the answer. Dialects do no I/O and know no engine. Thread safety: routes are called from one thread at a
// time; an Answer belongs to its request.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "models/generation_config.h"
#include "serve/api/failure.h"
#include "serve/api/generation.h"
#include "serve/http/message.h"
#include "text/chat_template.h"
#include "text/tokenizer.h"

namespace caravan::serve {

/// The model that is served, as dialects see it. Pointers outlive every request.
struct ModelView {
  std::string name;                             ///< that requests give
  std::string path;                             ///< of the checkpoint's folder
  std::string dtype;                            ///< "bf16"
  std::string version;                          ///< Caravan's
  int64_t created = 0;                          ///< seconds since 1970: when the server started
  const Tokenizer* tokenizer = nullptr;         ///< a server has one always
  const ChatTemplate* chat_template = nullptr;  ///< none: chat is refused
  GenerationConfig defaults;  ///< of the checkpoint: eos_tokens count, and sampling where a dialect says so
  std::vector<int32_t> eos_tokens;  ///< the model's own stop tokens
  int64_t vocab_size = 0;           ///< of the logits
  int64_t hidden_size = 0;          ///< of embeddings
  int64_t max_context = 0;          ///< tokens of prompt and output together
  int64_t max_choices = 0;          ///< of `n` and `best_of`
  int64_t max_sequences = 0;        ///< that run together
  int64_t max_waiting = 0;          ///< requests that may wait
  int64_t block_size = 0;           ///< tokens of one KV block
};

/// How the server is, at the moment of a request.
struct ServerStatus {
  bool live = true;   ///< the engine steps, or has nothing to do
  bool ready = true;  ///< takes requests: neither loading, nor full, nor draining
  bool draining = false;
  int64_t running = 0;
  int64_t waiting = 0;
  int64_t free_blocks = 0;
  int64_t total_blocks = 0;
};

struct Context {
  const ModelView& model;  ///< outlives every answer
  ServerStatus status;
};

/// Words the answer to one call. Of a stream, the order is begin, prompt (per generation, where asked for),
/// event …, end or failed; otherwise only whole. Strings are bytes of the body; an empty one sends nothing.
class Answer {
 public:
  virtual ~Answer() = default;
  virtual std::string begin() { return {}; }
  virtual std::string prompt(size_t /*generation*/, const std::vector<TokenResult>& /*tokens*/) { return {}; }
  virtual std::string event(const ChoiceEvent& event) = 0;
  /// `results` have counts and timings; the text and tokens of choices are in the events only.
  virtual std::string end(const std::vector<GenerationResult>& results) = 0;
  /// The stream breaks off.
  virtual std::string failed(const Failure& failure) = 0;
  virtual http::Response whole(const std::vector<GenerationResult>& results) = 0;
};

/// Something to generate.
struct Call {
  std::vector<Generation> generations;  ///< at least one
  std::string id;  ///< the client's own name for it, which CancelRequest may give; "": only Request::id
  bool stream = false;
  std::string stream_type = "text/event-stream";
  std::unique_ptr<Answer> answer;
};

/// End the request of this id (its Call::id or Request::id); then answer so.
struct CancelRequest {
  std::string id;
  http::Response answer;
  http::Response not_running;  ///< the answer where no such request runs
};

/// Stop the server: drain first, unless `force`; answer so before.
struct StopServer {
  bool force = false;
  http::Response answer;
};

using Outcome = std::variant<http::Response, Call, CancelRequest, StopServer>;

/// The values of the {names} of a route's path.
using PathValues = std::map<std::string, std::string>;

struct Route {
  std::string method;  ///< "POST"
  std::string
      path;  ///< "/v1/models/{model}"; a {name} stands for one part, a last {name...} for all the rest
  /// Throws RequestError, or Error for what is wrong with the request.
  std::function<Outcome(const http::Request& request, const PathValues& values, const Context& context)>
      handle;
};

struct Dialect {
  std::string_view name;
  std::vector<Route> routes;
  http::Response (*failure)(const Failure& failure);
};

}  // namespace caravan::serve
