#include "serve/openai/answer_parts.h"

#include <algorithm>
#include <ctime>

#include "serve/openai/errors.h"

namespace caravan::serve::openai {

namespace {

constexpr size_t kMaxIdLength = 128;

std::string request_id(const http::Request& request, const Fields& fields) {
  const auto own = fields.string("request_id");
  if (!own || request.headers.find("X-Request-Id")) return request.id;
  const bool sane = !own->empty() && own->size() <= kMaxIdLength &&
                    std::all_of(own->begin(), own->end(), [](char c) { return c > ' ' && c <= '~'; });
  if (!sane) fields.wrong("request_id", "1 to 128 printable ASCII characters");
  return *own;
}

}  // namespace

UsageOptions read_usage_options(const Fields& fields, bool stream) {
  const auto options = fields.object("stream_options");
  if (!options) return {};
  if (!stream) fields.wrong("stream_options", "nothing without \"stream\"");
  UsageOptions usage;
  usage.at_end = options->boolean("include_usage").value_or(false);
  usage.in_chunks = options->boolean("continuous_usage_stats").value_or(false) && usage.at_end;
  return usage;
}

Json AnswerHead::json() const {
  return {{"id", id}, {"object", object}, {"created", created}, {"model", model->name}};
}

AnswerHead answer_head(const std::string& prefix, const std::string& object, const http::Request& request,
                       const Fields& fields, const ModelView& model) {
  return {prefix + request_id(request, fields), object, static_cast<int64_t>(std::time(nullptr)), &model};
}

Json usage_json(int64_t prompt, int64_t output) {
  return {{"prompt_tokens", prompt}, {"completion_tokens", output}, {"total_tokens", prompt + output}};
}

Json total_usage(const std::vector<GenerationResult>& results) {
  int64_t prompt = 0;
  int64_t cached = 0;
  int64_t output = 0;
  for (const GenerationResult& result : results) {
    prompt += result.prompt_count;
    cached += result.cached_count;
    output += result.output_count;
  }
  Json usage = usage_json(prompt, output);
  usage["prompt_tokens_details"] = {{"cached_tokens", cached}};
  return usage;
}

const char* finish_reason(const Finish& finish) {
  switch (finish.ending) {
    case Ending::kStopToken:
    case Ending::kStopString:
      return "stop";
    case Ending::kLength:
      return "length";
    case Ending::kTimeout:
      return "abort";
  }
  return "stop";
}

Json stop_reason(const ModelView& model, const Finish& finish) {
  if (finish.ending == Ending::kStopString) return finish.stop_string;
  if (finish.ending != Ending::kStopToken || !finish.stop_token) return nullptr;
  const auto& own = model.eos_tokens;
  if (std::find(own.begin(), own.end(), *finish.stop_token) != own.end()) return nullptr;
  return *finish.stop_token;
}

std::string stream_done() { return "data: [DONE]\n\n"; }

std::string stream_failed(const Failure& failure) { return sse_event(failure_json(failure)) + stream_done(); }

}  // namespace caravan::serve::openai
