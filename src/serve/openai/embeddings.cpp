#include "serve/openai/embeddings.h"

#include <openssl/evp.h>

#include <bit>
#include <cmath>

#include "serve/api/sampling_fields.h"
#include "serve/openai/answer_parts.h"
#include "serve/openai/errors.h"
#include "serve/openai/prompts.h"

namespace caravan::serve::openai {

namespace {

static_assert(std::endian::native == std::endian::little, "OpenAI's base64 form is little endian");

/// The bytes of the values, in base64.
std::string base64(const std::vector<float>& values) {
  const size_t size = values.size() * sizeof(float);
  // EVP_EncodeBlock ends its output with a NUL byte.
  std::string text((size + 2) / 3 * 4 + 1, '\0');
  const int length =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                      reinterpret_cast<const unsigned char*>(values.data()), static_cast<int>(size));
  text.resize(static_cast<size_t>(length));
  return text;
}

class EmbeddingAnswer : public Answer {
 public:
  EmbeddingAnswer(AnswerHead head, bool as_base64) : head_(std::move(head)), as_base64_(as_base64) {}

  // Embeddings do not stream.
  std::string event(const ChoiceEvent& /*event*/) override { return {}; }
  std::string end(const std::vector<GenerationResult>& /*results*/) override { return {}; }
  std::string failed(const Failure& failure) override { return stream_failed(failure); }

  http::Response whole(const std::vector<GenerationResult>& results) override {
    Json data = Json::array();
    int64_t tokens = 0;
    for (const GenerationResult& result : results) {
      Json item = {{"object", "embedding"}, {"index", data.size()}, {"embedding", nullptr}};
      if (as_base64_) {
        item["embedding"] = base64(result.embedding);
      } else {
        item["embedding"] = result.embedding;
      }
      data.push_back(std::move(item));
      tokens += result.prompt_count;
    }
    Json body = head_.json();
    body["data"] = std::move(data);
    body["usage"] = {{"prompt_tokens", tokens}, {"total_tokens", tokens}};
    return json_response(body);
  }

 private:
  AnswerHead head_;
  bool as_base64_;
};

}  // namespace

Outcome embed(const http::Request& request, const PathValues& /*values*/, const Context& context) {
  const ModelView& model = context.model;
  const Json body = parse_body(request);
  const Fields fields(body);
  check_model(fields, model);
  refuse_fields(fields, {"truncate_prompt_tokens"});
  const std::string format = fields.string("encoding_format").value_or("float");
  if (format != "float" && format != "base64") fields.wrong("encoding_format", R"("float" or "base64")");
  const auto dimensions = fields.number("dimensions", 1, 1e9);
  if (dimensions && *dimensions != static_cast<double>(model.hidden_size))
    fields.wrong("dimensions", std::to_string(model.hidden_size) + ", which this model's embeddings have");

  Call call;
  const bool add_special = fields.boolean("add_special_tokens").value_or(true);
  for (Prompt& prompt : read_prompts(fields, "input", model, add_special, true)) {
    Generation generation;
    generation.prompt = std::move(prompt.ids);
    generation.prompt_text = std::move(prompt.text);
    generation.embed = true;
    call.generations.push_back(std::move(generation));
  }
  call.answer = std::make_unique<EmbeddingAnswer>(answer_head("embd-", "list", request, fields, model),
                                                  format == "base64");
  return call;
}

}  // namespace caravan::serve::openai
