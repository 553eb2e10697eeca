// Requests from the network: whatever the bytes, every route ends in an outcome or in an Error, and so does
// wording the answer. The first byte picks the route, the next the values of its path and the headers; the
// rest is the body.
#include <filesystem>
#include <string>

#include "base/error.h"
#include "serve/api/dialect.h"
#include "serve/kserve/dialect.h"
#include "serve/mindie/dialect.h"
#include "serve/tgi/dialect.h"

namespace {

using namespace caravan;
using namespace caravan::serve;

struct Served {
  Tokenizer tokenizer = load_tokenizer(std::filesystem::path(CARAVAN_SOURCE_DIR) / "models" / "demo").value();
  ModelView model;
  std::vector<Route> routes;

  Served() {
    model.name = "demo";
    model.tokenizer = &tokenizer;
    model.vocab_size = tokenizer.vocab_size();
    model.max_context = 64;
    model.max_choices = 4;
    model.max_sequences = 8;
    model.max_waiting = 8;
    for (const Dialect& dialect : {tgi_dialect(), mindie_dialect(), generate_dialect(), kserve_dialect()}) {
      routes.insert(routes.end(), dialect.routes.begin(), dialect.routes.end());
    }
  }
};

/// What an engine may answer: one token for each choice.
void answer(Call& call) {
  const TokenResult token = {300, "\xC3", -1.0, 1, {{301, -2.0}}};
  std::vector<GenerationResult> results;
  for (const Generation& generation : call.generations) {
    GenerationResult result;
    ChoiceResult choice;
    choice.tokens = {token};
    result.choices.assign(static_cast<size_t>(generation.choices), choice);
    result.prompt_tokens = {token};
    results.push_back(std::move(result));
  }
  if (!call.stream) {
    static_cast<void>(call.answer->whole(results));
    return;
  }
  ChoiceEvent event;
  event.text = token.piece;
  event.tokens = {token};
  static_cast<void>(call.answer->event(event));
  event.finish = Finish{};
  static_cast<void>(call.answer->event(event));
  static_cast<void>(call.answer->end(results));
  static_cast<void>(call.answer->failed({}));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, size_t size) {
  static const Served kServed;
  if (size < 2) return 0;
  const Route& route = kServed.routes[data[0] % kServed.routes.size()];
  http::Request request;
  request.method = route.method;
  request.path = route.path;
  request.body.assign(reinterpret_cast<const char*>(data) + 2, size - 2);
  request.from_loopback = (data[1] & 1U) != 0;
  if ((data[1] & 2U) != 0) {
    request.headers.add("Inference-Header-Content-Length", std::to_string(data[1]));
  }
  const PathValues values = {{"model", "demo"}, {"version", "1"}, {"timed", request.body.substr(0, 16)}};
  try {
    Outcome outcome = route.handle(request, values, {kServed.model, {}});
    if (Call* call = std::get_if<Call>(&outcome)) answer(*call);
  } catch (const Error&) {
    // The one way in which a bad request may end.
    return 0;
  }
  return 0;
}
