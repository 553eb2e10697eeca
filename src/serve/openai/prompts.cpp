#include "serve/openai/prompts.h"

#include "serve/api/prompt.h"

namespace caravan::serve::openai {

namespace {

/// As OpenAI's.
constexpr size_t kMaxPrompts = 2048;

struct Reader {
  const ModelView& model;
  bool add_special;
  bool skip_special;

  [[nodiscard]] Prompt of_text(const Json& json, const std::string& field) const {
    std::string text = json.get<std::string>();
    return {encode_prompt(model, text, add_special, field), std::move(text)};
  }
  [[nodiscard]] Prompt of_ids(const Json& json, const std::string& field) const {
    std::vector<int32_t> ids = token_ids(model, json, field);
    check_prompt(model, ids, field);
    std::string text = model.tokenizer->decode(ids, skip_special);
    return {std::move(ids), std::move(text)};
  }
};

}  // namespace

std::vector<Prompt> read_prompts(const Fields& fields, const std::string& name, const ModelView& model,
                                 bool add_special, bool skip_special) {
  const std::string expected = "a string, a list of strings, a list of token ids, or a list of such lists";
  const Reader reader{model, add_special, skip_special};
  const Json* value = fields.find(name);
  if (value != nullptr && value->is_string()) return {reader.of_text(*value, name)};
  if (value == nullptr || !value->is_array() || value->empty()) fields.wrong(name, expected + ", not empty");
  if (value->front().is_number()) return {reader.of_ids(*value, name)};
  if (value->size() > kMaxPrompts) fields.wrong(name, "at most " + std::to_string(kMaxPrompts) + " prompts");
  const bool texts = value->front().is_string();
  std::vector<Prompt> prompts;
  for (size_t i = 0; i < value->size(); ++i) {
    const Json& item = (*value)[i];
    const std::string path = name + "[" + std::to_string(i) + "]";
    if (texts ? !item.is_string() : !item.is_array()) wrong_field(path, describe(item), expected);
    prompts.push_back(texts ? reader.of_text(item, path) : reader.of_ids(item, path));
  }
  return prompts;
}

}  // namespace caravan::serve::openai
