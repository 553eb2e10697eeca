#include "cli/load/preflight.h"

#include <algorithm>

#include "base/error.h"
#include "base/json.h"
#include "cli/load/chunk.h"
#include "cli/load/http_client.h"

namespace caravan::load {

namespace {

struct Answer {
  int status = 0;
  std::string body;
  std::string failure;  ///< why there is none
};

class Collector final : public HttpExchange {
 public:
  explicit Collector(Answer& answer) : answer_(answer) {}

  void on_head(int status, std::string_view /*content_type*/) override { answer_.status = status; }
  bool on_body(std::string_view bytes) override {
    // A list of models is far smaller.
    constexpr size_t kMostBytes = size_t{16} << 20U;
    answer_.body += bytes;
    if (answer_.body.size() > kMostBytes) answer_.failure = "the answer is too long";
    return answer_.failure.empty();
  }
  void on_end() override {}
  void on_failure(HttpFailure /*failure*/, const std::string& message) override { answer_.failure = message; }

 private:
  Answer& answer_;
};

/// GET `path`. Throws Error where no answer comes.
Answer get(const LoadPlan& plan, const std::string& path) {
  // Nothing that is asked here takes longer, however short or long --timeout is.
  constexpr double kMostSeconds = 10.0;
  boost::asio::io_context io;
  HttpClient client(io, plan.url, {plan.api_key, plan.verify_tls});
  Answer answer;
  client.start({"GET", path, "", std::min(plan.timeout_s, kMostSeconds)},
               std::make_shared<Collector>(answer));
  io.run();
  if (!answer.failure.empty())
    fail(plan.url_text, ": ", answer.failure, " (GET ", path, "), expected a server that answers");
  return answer;
}

std::string find_model(const LoadPlan& plan) {
  const std::string path = "/v1/models";
  const Answer answer = get(plan, path);
  if (answer.status != 200) {
    fail(plan.url_text, ": GET ", path, " gave status ", answer.status, ": ",
         in_quotes(error_message_of(answer.body)), ", expected 200, or the model's name as --model");
  }
  const std::string source = plan.url_text + ": " + path;
  const Json json = parse_json(answer.body, source);
  const JsonObject object(json, source);
  const Json* models = object.array("data");
  if (models == nullptr || models->empty()) object.wrong("data", "a list with a model");
  std::vector<std::string> names;
  for (const Json& model : *models) names.push_back(JsonObject(model, source, "data[]").string("id"));
  if (names.size() == 1) return names.front();
  fail("--model: is missing, but ", plan.url_text, " has ", names.size(),
       " models, expected one of them, as ", in_quotes(names.front()));
}

int64_t find_vocab_size(const LoadPlan& plan) {
  const std::string path = "/tokenizer_info";
  const Answer answer = get(plan, path);
  const std::string source = plan.url_text + ": " + path;
  const std::string wish = "--vocab-size, or --text-prompts for prompts of words";
  if (answer.status != 200)
    fail("--vocab-size: is missing, but ", source, " gave status ", answer.status, ", expected ", wish);
  const Json json = parse_json(answer.body, source);
  const JsonObject object(json, source);
  if (!object.has("vocab_size"))
    fail("--vocab-size: is missing, but ", source, " does not say it, expected ", wish);
  return object.integer("vocab_size", 1, std::numeric_limits<int32_t>::max());
}

}  // namespace

void complete_plan(LoadPlan& plan) {
  if (!plan.model.has_value()) plan.model = find_model(plan);
  if (!plan.text_prompts && !plan.vocab_size.has_value()) plan.vocab_size = find_vocab_size(plan);
}

}  // namespace caravan::load
