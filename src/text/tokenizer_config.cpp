#include "text/tokenizer_config.h"

#include <array>

#include "base/file.h"
#include "base/json.h"

namespace caravan {

namespace {

constexpr uint64_t kMaxBytes = 50'000'000;

constexpr std::array<const char*, 7> kSpecialNames = {"bos_token", "eos_token", "unk_token", "pad_token",
                                                      "sep_token", "cls_token", "mask_token"};

/// A special token is written as its text, or as an object with "content".
void read_special_tokens(const JsonObject& object, TokenizerConfig& config) {
  for (const char* name : kSpecialNames) {
    const Json* value = object.find(name);
    if (value == nullptr) continue;
    config.special_tokens[name] =
        value->is_object() ? object.object(name)->string("content") : object.string(name);
  }
}

void read_chat_template(const JsonObject& object, TokenizerConfig& config) {
  const Json* value = object.find("chat_template");
  if (value == nullptr) return;
  if (!value->is_array()) {
    config.chat_template = object.string("chat_template");
    return;
  }
  for (const Json& entry : *value) {
    const JsonObject named(entry, object.source(), "chat_template");
    if (named.string("name") == "default") config.chat_template = named.string("template");
  }
}

}  // namespace

TokenizerConfig load_tokenizer_config(const std::filesystem::path& folder) {
  TokenizerConfig config;
  if (const auto path = folder / "special_tokens_map.json"; file_exists(path)) {
    const Json json = parse_json(read_file(path, kMaxBytes), path.string());
    read_special_tokens(JsonObject(json, path.string()), config);
  }
  if (const auto path = folder / "tokenizer_config.json"; file_exists(path)) {
    const Json json = parse_json(read_file(path, kMaxBytes), path.string());
    const JsonObject object(json, path.string());
    read_special_tokens(object, config);
    read_chat_template(object, config);
    config.add_bos_token = object.boolean_or("add_bos_token", config.add_bos_token);
    config.add_eos_token = object.boolean_or("add_eos_token", config.add_eos_token);
    config.legacy = object.boolean_or("legacy", config.legacy);
  }
  // transformers takes the file over the field.
  if (const auto path = folder / "chat_template.jinja"; file_exists(path)) {
    config.chat_template = read_file(path, kMaxBytes);
  }
  return config;
}

}  // namespace caravan
