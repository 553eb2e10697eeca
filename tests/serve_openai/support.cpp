#include "serve_openai/support.h"

#include <gtest/gtest.h>

#include "serve/api/match_path.h"
#include "serve/openai/dialect.h"
#include "support/paths.h"
#include "text/detokenizer.h"

namespace caravan::serve::test {

namespace {

const std::filesystem::path& demo() {
  static const std::filesystem::path kFolder = caravan::test::source_dir() / "models" / "demo";
  return kFolder;
}

}  // namespace

Server::Server()
    : tokenizer_(std::make_unique<Tokenizer>(load_tokenizer(demo()).value())),
      chat_template_(
          std::make_unique<ChatTemplate>(tokenizer_->chat_template().value(), tokenizer_->special_tokens())),
      dialect_(openai_dialect()) {
  model.name = "org/demo";
  model.path = demo();
  model.dtype = "bf16";
  model.version = "0.4.0";
  model.created = 1700000000;
  model.tokenizer = tokenizer_.get();
  model.chat_template = chat_template_.get();
  model.eos_tokens = {1, 4};
  model.vocab_size = 3072;
  model.hidden_size = 256;
  model.max_context = 512;
  model.max_choices = 64;
  model.max_sequences = 8;
  model.max_waiting = 64;
}

Outcome Server::request(const std::string& method, const std::string& path, const std::string& body,
                        const std::string& x_request_id) {
  http::Request request;
  request.method = method;
  request.path = path;
  request.body = body;
  request.id = x_request_id.empty() ? "made-here" : x_request_id;
  if (!x_request_id.empty()) request.headers.add("x-request-id", x_request_id);
  for (const Route& route : dialect_.routes) {
    const auto values = match_path(route.path, path);
    if (!values || route.method != method) continue;
    try {
      return route.handle(request, *values, {model, status});
    } catch (const RequestError& error) {
      return dialect_.failure(error.failure());
    }
  }
  return dialect_.failure({FailureKind::kNotFound, "no such path", "", ""});
}

http::Response Server::answer(const std::string& method, const std::string& path, const std::string& body) {
  Outcome outcome = request(method, path, body);
  if (auto* response = std::get_if<http::Response>(&outcome)) return *response;
  ADD_FAILURE() << path << " generates: " << body;
  return {};
}

Call Server::call(const std::string& path, const std::string& body) {
  Outcome outcome = request("POST", path, body);
  if (auto* made = std::get_if<Call>(&outcome)) return std::move(*made);
  throw std::runtime_error("refused: " + body + ": " + std::get<http::Response>(outcome).body);
}

Json Server::error(const std::string& path, const std::string& body, int status_expected) {
  const http::Response response = answer("POST", path, body);
  EXPECT_EQ(response.status, status_expected) << body;
  Json json = response.body.empty() ? Json::object() : Json::parse(response.body);
  Json error = json.contains("error") ? json["error"] : Json{{"message", ""}, {"param", ""}};
  return error;
}

std::vector<TokenResult> tokens_of(const ModelView& model, const std::string& text, size_t top) {
  Detokenizer detokenizer(*model.tokenizer);
  std::vector<TokenResult> tokens;
  for (const int32_t id : model.tokenizer->encode(text, {.add_special = false})) {
    TokenResult token{id, detokenizer.push(id), -0.5, 2, {}};
    for (size_t i = 0; i < top; ++i)
      token.top.push_back({static_cast<int32_t>(300 + i), -0.25 * static_cast<double>(i + 1)});
    tokens.push_back(std::move(token));
  }
  return tokens;
}

GenerationResult result_of(const Call& call, const ModelView& model, const std::vector<std::string>& texts,
                           const Finish& finish, size_t generation) {
  const Generation& asked = call.generations[generation];
  GenerationResult result;
  result.prompt_count = static_cast<int64_t>(asked.prompt.size());
  result.cached_count = 1;
  if (asked.prompt_logprobs) {
    for (const int32_t id : asked.prompt) {
      const bool first = result.prompt_tokens.empty();
      TokenResult token{id, "", first ? std::nullopt : std::optional(-0.5), first ? 0 : 2, {}};
      for (int64_t i = 0; !first && i < *asked.prompt_logprobs; ++i)
        token.top.push_back({static_cast<int32_t>(300 + i), -0.25 * static_cast<double>(i + 1)});
      result.prompt_tokens.push_back(std::move(token));
    }
  }
  for (const std::string& text : texts) {
    ChoiceResult choice{text, {}, finish, -1.0};
    choice.tokens = tokens_of(model, text, static_cast<size_t>(asked.top_logprobs.value_or(0)));
    result.output_count += static_cast<int64_t>(choice.tokens.size());
    result.choices.push_back(std::move(choice));
  }
  return result;
}

Json whole(const Call& call, const ModelView& model, const std::vector<std::string>& texts,
           const Finish& finish) {
  std::vector<GenerationResult> results;
  for (size_t i = 0; i < call.generations.size(); ++i)
    results.push_back(result_of(call, model, texts, finish, i));
  const http::Response response = call.answer->whole(results);
  EXPECT_EQ(response.status, 200);
  return Json::parse(response.body);
}

std::string streamed(const Call& call, const ModelView& model, const std::string& text,
                     const Finish& finish) {
  const GenerationResult result = result_of(call, model, {text}, finish);
  std::string out = call.answer->begin();
  if (call.generations[0].prompt_logprobs) out += call.answer->prompt(0, result.prompt_tokens);
  for (const TokenResult& token : result.choices[0].tokens)
    out += call.answer->event({0, 0, token.piece, {token}, std::nullopt, 0.0});
  out += call.answer->event({0, 0, "", {}, finish, 0.0});
  return out + call.answer->end({result});
}

std::vector<Json> events_of(const std::string& stream) {
  std::vector<Json> events;
  size_t at = 0;
  while (at < stream.size()) {
    const size_t end = stream.find("\n\n", at);
    EXPECT_NE(end, std::string::npos);
    const std::string event = stream.substr(at, end - at);
    EXPECT_TRUE(event.starts_with("data: ")) << event;
    at = end + 2;
    if (event == "data: [DONE]") {
      EXPECT_EQ(at, stream.size()) << "something follows [DONE]";
      return events;
    }
    events.push_back(Json::parse(event.substr(6)));
  }
  ADD_FAILURE() << "no [DONE] at the end of " << stream;
  return events;
}

std::string chat_body(const std::string& more) {
  return R"({"model": "org/demo", "messages": [{"role": "user", "content": "Hi"}])" +
         (more.empty() ? "" : ", " + more) + "}";
}

std::string completion_body(const std::string& more) {
  return R"({"model": "org/demo", "prompt": "Once")" + (more.empty() ? "" : ", " + more) + "}";
}

}  // namespace caravan::serve::test
