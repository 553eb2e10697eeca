#include "text/gguf_vocabulary.h"

#include <algorithm>
#include <array>
#include <bit>
#include <unordered_set>

#include "base/error.h"

namespace caravan {

namespace {

/// Eight times the largest published vocabulary.
constexpr size_t kMaxTokens = 2'000'000;
/// Longer than any published token (some 1000 bytes of spaces); every cut of a token may be looked up.
constexpr size_t kMaxTokenBytes = 4'096;

std::string key(const char* name) { return std::string("tokenizer.ggml.") + name; }

void check_tokens(const std::vector<std::string_view>& tokens, const JsonObject& fields) {
  const std::string field = in_quotes(key("tokens"));
  if (tokens.empty() || tokens.size() > kMaxTokens) {
    fail(fields.source(), ": the field ", field, " holds ", tokens.size(), " tokens, expected 1 to ",
         kMaxTokens);
  }
  std::unordered_set<std::string_view> known;
  known.reserve(tokens.size());
  for (size_t id = 0; id < tokens.size(); ++id) {
    const std::string text(tokens[id].substr(0, kMaxTokenBytes));
    if (text.empty() || tokens[id].size() > kMaxTokenBytes) {
      fail(fields.source(), ": the field ", field, " holds a token of ", tokens[id].size(), " bytes at ", id,
           ", expected 1 to ", kMaxTokenBytes);
    }
    if (!known.insert(tokens[id]).second)
      fail(fields.source(), ": the field ", field, " holds ", in_quotes(text), " twice, expected it once");
  }
}

void check_length(const char* name, size_t count, size_t tokens, const JsonObject& fields) {
  if (count == tokens) return;
  fail(fields.source(), ": the field ", in_quotes(key(name)), " has ", count, " elements, expected ", tokens,
       ", one for each token");
}

std::vector<GgufTokenType> read_types(const GgufHeader& header, const JsonObject& fields, size_t tokens) {
  const auto numbers = gguf_integers(header, key("token_type"), fields.source());
  std::vector<GgufTokenType> types;
  if (!numbers) {
    types.assign(tokens, GgufTokenType::kNormal);
    return types;
  }
  check_length("token_type", numbers->size(), tokens, fields);
  for (const int32_t number : *numbers) {
    if (number < 0 || number > static_cast<int32_t>(GgufTokenType::kByte)) {
      fail(fields.source(), ": the field ", in_quotes(key("token_type")), " holds ", number,
           ", expected types from 0 to 6");
    }
    // 0 is "undefined", which llama.cpp takes for an ordinary token.
    types.push_back(number == 0 ? GgufTokenType::kNormal : static_cast<GgufTokenType>(number));
  }
  return types;
}

/// The token id of the field, if it is there and not llama.cpp's LLAMA_TOKEN_NULL, -1.
std::optional<int32_t> read_id(const JsonObject& fields, const std::string& field, size_t tokens) {
  if (!fields.has(field)) return std::nullopt;
  const int64_t id = fields.integer(field, 0, UINT32_MAX);
  if (id == UINT32_MAX) return std::nullopt;
  if (id >= static_cast<int64_t>(tokens)) fields.wrong(field, "a token id below " + std::to_string(tokens));
  return static_cast<int32_t>(id);
}

void read_special_tokens(const JsonObject& fields, GgufVocabulary& vocabulary) {
  struct SpecialName {
    const char* key;   ///< in GGUF files
    const char* name;  ///< in tokenizer_config.json
  };
  constexpr std::array<SpecialName, 6> kNames = {{{"bos", "bos_token"},
                                                  {"eos", "eos_token"},
                                                  {"unknown", "unk_token"},
                                                  {"padding", "pad_token"},
                                                  {"seperator", "sep_token"},  // so spelled in the format
                                                  {"mask", "mask_token"}}};
  for (const SpecialName& special : kNames) {
    const auto id =
        read_id(fields, key((std::string(special.key) + "_token_id").c_str()), vocabulary.tokens.size());
    if (id) vocabulary.config.special_tokens[special.name] = vocabulary.tokens[static_cast<size_t>(*id)];
  }
  vocabulary.bos = read_id(fields, key("bos_token_id"), vocabulary.tokens.size());
  vocabulary.eos = read_id(fields, key("eos_token_id"), vocabulary.tokens.size());
}

// SentencePiece's model is a protobuf message; so little of it is needed that it is written here.

void append_varint(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7U) out += static_cast<char>((value & 0x7FU) | 0x80U);
  out += static_cast<char>(value);
}

void append_number(std::string& out, unsigned field, uint64_t value) {
  append_varint(out, uint64_t{field} << 3U);
  append_varint(out, value);
}

void append_bytes(std::string& out, unsigned field, std::string_view bytes) {
  append_varint(out, (uint64_t{field} << 3U) | 2U);
  append_varint(out, bytes.size());
  out += bytes;
}

void append_float(std::string& out, unsigned field, float value) {
  append_varint(out, (uint64_t{field} << 3U) | 5U);
  const auto bits = std::bit_cast<uint32_t>(value);
  for (unsigned shift = 0; shift < 32; shift += 8) out += static_cast<char>((bits >> shift) & 0xFFU);
}

}  // namespace

GgufVocabulary read_gguf_vocabulary(const GgufHeader& header, const JsonObject& fields, bool adds_bos) {
  GgufVocabulary vocabulary;
  const std::string& source = fields.source();
  auto tokens = gguf_strings(header, key("tokens"), source);
  if (!tokens) fail(source, ": the field ", in_quotes(key("tokens")), " is missing, expected the tokens");
  check_tokens(*tokens, fields);
  vocabulary.tokens = std::move(*tokens);
  vocabulary.types = read_types(header, fields, vocabulary.tokens.size());
  if (auto scores = gguf_floats(header, key("scores"), source)) {
    check_length("scores", scores->size(), vocabulary.tokens.size(), fields);
    vocabulary.scores = std::move(*scores);
  }
  if (auto merges = gguf_strings(header, key("merges"), source)) vocabulary.merges = std::move(*merges);
  read_special_tokens(fields, vocabulary);
  vocabulary.add_space_prefix = fields.boolean_or(key("add_space_prefix"), true);
  TokenizerConfig& config = vocabulary.config;
  config.add_bos_token = fields.boolean_or(key("add_bos_token"), adds_bos);
  config.add_eos_token = fields.boolean_or(key("add_eos_token"), false);
  if (fields.has("tokenizer.chat_template")) config.chat_template = fields.string("tokenizer.chat_template");
  return vocabulary;
}

std::string sentencepiece_proto(const GgufVocabulary& vocabulary) {
  // The numbers of sentencepiece_model.proto; its piece types are numbered as GGUF's tokens.
  std::string model;
  bool has_bytes = false;
  for (size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    std::string piece;
    append_bytes(piece, 1, vocabulary.tokens[id]);
    append_float(piece, 2, vocabulary.scores[id]);
    append_number(piece, 3, static_cast<uint64_t>(vocabulary.types[id]));
    append_bytes(model, 1, piece);
    has_bytes = has_bytes || vocabulary.types[id] == GgufTokenType::kByte;
  }
  constexpr uint64_t kBpe = 2;
  std::string trainer;
  append_number(trainer, 3, kBpe);
  append_number(trainer, 35, has_bytes ? 1 : 0);  // byte_fallback
  append_bytes(model, 2, trainer);
  std::string normalizer;
  append_bytes(normalizer, 1, "identity");
  append_number(normalizer, 3, vocabulary.add_space_prefix ? 1 : 0);  // add_dummy_prefix
  append_number(normalizer, 4, 0);                                    // remove_extra_whitespaces
  append_number(normalizer, 5, 1);                                    // escape_whitespaces
  append_bytes(model, 3, normalizer);
  return model;
}

void add_gguf_token(TokenizerParts& parts, int32_t id, const std::string& text, bool special) {
  const AddedToken token = {.id = id, .content = text, .special = special};
  parts.raw_finder.add(text, token);
  parts.added.push_back(token);
}

}  // namespace caravan
