#include "serve/api/prompt.h"

#include "serve/api/body.h"

namespace caravan::serve {

std::vector<int32_t> encode_text(const ModelView& model, const std::string& text, bool add_special,
                                 const std::string& field) {
  try {
    return model.tokenizer->encode(text, {.add_special = add_special, .parse_special = true});
  } catch (const Error& error) {
    throw RequestError({FailureKind::kInvalid, "\"" + field + "\": " + error.what(), field, ""});
  }
}

std::vector<int32_t> token_ids(const ModelView& model, const Json& list, const std::string& field) {
  const std::string expected = "a list of token ids from 0 to " + std::to_string(model.vocab_size - 1);
  if (!list.is_array()) wrong_field(field, describe(list), expected);
  std::vector<int32_t> ids;
  ids.reserve(list.size());
  for (const Json& item : list) {
    const bool fits =
        item.is_number_unsigned()
            ? item.get<uint64_t>() < static_cast<uint64_t>(model.vocab_size)
            : item.is_number_integer() && item.get<int64_t>() >= 0 && item.get<int64_t>() < model.vocab_size;
    if (!fits) wrong_field(field, "a list with " + describe(item), expected);
    ids.push_back(item.get<int32_t>());
  }
  return ids;
}

std::vector<int32_t> encode_prompt(const ModelView& model, const std::string& text, bool add_special,
                                   const std::string& field) {
  std::vector<int32_t> ids = encode_text(model, text, add_special, field);
  check_prompt(model, ids, field);
  return ids;
}

void check_prompt(const ModelView& model, const std::vector<int32_t>& ids, const std::string& field) {
  if (ids.empty()) wrong_field(field, "empty", "at least one token");
  for (const int32_t id : ids) {
    if (id < 0 || id >= model.vocab_size) {
      wrong_field(field, "a list with token id " + std::to_string(id),
                  "ids from 0 to " + std::to_string(model.vocab_size - 1));
    }
  }
  const auto length = static_cast<int64_t>(ids.size());
  if (length < model.max_context) return;
  throw RequestError({FailureKind::kInvalid,
                      "\"" + field + "\" has " + std::to_string(length) + " tokens, expected at most " +
                          std::to_string(model.max_context - 1) +
                          ": this model's maximum context length is " + std::to_string(model.max_context) +
                          " tokens, prompt and output together",
                      field, "context_length_exceeded"});
}

int64_t room_after(const ModelView& model, size_t prompt_tokens) {
  return model.max_context - static_cast<int64_t>(prompt_tokens);
}

std::string token_bytes(const ModelView& model, int32_t id) { return token_bytes(*model.tokenizer, id); }

std::string token_bytes(const Tokenizer& tokenizer, int32_t id) {
  if (tokenizer.is_special(id)) return tokenizer.token_text(id);
  return tokenizer.bytes_of(id).bytes;
}

}  // namespace caravan::serve
