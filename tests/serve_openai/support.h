// The OpenAI dialect over the demo model's tokenizer, with an engine that says what the test wants.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "serve/api/body.h"
#include "serve/api/dialect.h"

namespace caravan::serve::test {

/// Puts requests to the dialect as the server does.
class Server {
 public:
  Server();

  /// What the dialect makes of a request; RequestErrors become the failure's response, as in the server.
  Outcome request(const std::string& method, const std::string& path, const std::string& body = "",
                  const std::string& x_request_id = "");
  /// The answer to a request that generates nothing.
  http::Response answer(const std::string& method, const std::string& path, const std::string& body = "");
  /// The call that a request becomes; the test fails where it is refused.
  Call call(const std::string& path, const std::string& body);
  /// The body of the error that a request gets, which must come with `status`.
  Json error(const std::string& path, const std::string& body, int status = 400);

  ModelView model;
  ServerStatus status;

 private:
  std::unique_ptr<Tokenizer> tokenizer_;
  std::unique_ptr<ChatTemplate> chat_template_;
  Dialect dialect_;
};

/// Tokens of `text` as the engine reports them: each with log-probability -0.5, and with the tokens of ids
/// 300, 301 … as the likeliest, at -0.25, -0.5 …, as many as `top`.
std::vector<TokenResult> tokens_of(const ModelView& model, const std::string& text, size_t top = 0);

/// A generation's result with `texts` as its choices, each ending as `finish` says.
GenerationResult result_of(const Call& call, const ModelView& model, const std::vector<std::string>& texts,
                           const Finish& finish = {Ending::kStopToken, 1, ""}, size_t generation = 0);

/// The whole answer to a call whose every generation has the choices `texts`.
Json whole(const Call& call, const ModelView& model, const std::vector<std::string>& texts,
           const Finish& finish = {Ending::kStopToken, 1, ""});

/// The stream of a call whose one generation has the choice `text`, one event per token.
std::string streamed(const Call& call, const ModelView& model, const std::string& text,
                     const Finish& finish = {Ending::kStopToken, 1, ""});

/// The JSON of each event of a stream, which must end with [DONE].
std::vector<Json> events_of(const std::string& stream);

/// A body of /v1/chat/completions with one message, and `more` fields: R"("n": 2)".
std::string chat_body(const std::string& more = "");
/// The same of /v1/completions with the prompt "Once".
std::string completion_body(const std::string& more = "");

}  // namespace caravan::serve::test
