// Requests of the OpenAI dialect from the network: whatever the bytes, every route ends in an outcome or in
// an Error, and so does wording the answer, also where the model answers with those bytes. The first byte
// picks the route; the rest is the body, after whose last line feed comes what the model says.
#include <filesystem>
#include <string>

#include "base/error.h"
#include "base/utf8.h"
#include "serve/openai/dialect.h"

namespace {

using namespace caravan;
using namespace caravan::serve;

struct Served {
  Tokenizer tokenizer = load_tokenizer(std::filesystem::path(CARAVAN_SOURCE_DIR) / "models" / "demo").value();
  ChatTemplate chat_template{tokenizer.chat_template().value(), tokenizer.special_tokens()};
  ModelView model;
  Dialect dialect = openai_dialect();

  Served() {
    model.name = "demo";
    model.tokenizer = &tokenizer;
    model.chat_template = &chat_template;
    model.vocab_size = tokenizer.vocab_size();
    model.hidden_size = 2;
    model.max_context = 64;
    model.max_choices = 4;
  }
};

/// What an engine may answer: `text`, cut in two at every step.
void answer(Call& call, const std::string& text) {
  const TokenResult token = {300, "\xC3", -1.0, 1, {{301, -2.0}}};
  std::vector<GenerationResult> results;
  for (const Generation& generation : call.generations) {
    GenerationResult result;
    ChoiceResult choice;
    choice.text = text;
    choice.tokens = {token};
    result.choices.assign(static_cast<size_t>(generation.choices), choice);
    result.prompt_tokens.assign(generation.prompt.size(), token);
    result.embedding = {1.0F, 2.0F};
    results.push_back(std::move(result));
  }
  if (!call.stream) {
    static_cast<void>(call.answer->whole(results));
    return;
  }
  static_cast<void>(call.answer->begin());
  if (call.generations[0].prompt_logprobs)
    static_cast<void>(call.answer->prompt(0, results[0].prompt_tokens));
  ChoiceEvent event;
  event.tokens = {token};
  for (const char c : text) {
    event.text = c;
    static_cast<void>(call.answer->event(event));
  }
  event.finish = Finish{};
  static_cast<void>(call.answer->event(event));
  static_cast<void>(call.answer->end(results));
  static_cast<void>(call.answer->failed({}));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, size_t size) {
  static const Served kServed;
  if (size < 1) return 0;
  const Route& route = kServed.dialect.routes[data[0] % kServed.dialect.routes.size()];
  const std::string rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  const size_t end = std::min(rest.rfind('\n'), rest.size());
  http::Request request;
  request.method = route.method;
  request.path = route.path;
  request.body = rest.substr(0, end);
  const std::string said = utf8_repaired(end < rest.size() ? rest.substr(end + 1) : rest);
  try {
    Outcome outcome = route.handle(request, {{"model", request.body}}, {kServed.model, {}});
    if (Call* call = std::get_if<Call>(&outcome)) answer(*call, said);
  } catch (const RequestError& error) {
    static_cast<void>(kServed.dialect.failure(error.failure()));
  } catch (const Error&) {
    // The other way in which a bad request may end.
    return 0;
  }
  return 0;
}
