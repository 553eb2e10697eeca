// The tables of a GGUF file's tokenizer, checked. Internal to gguf_tokenizer.cpp and its neighbours.
// Thread safety: a value type; pure functions.
#pragma once

#include <string_view>
#include <vector>

#include "base/json.h"
#include "text/gguf_tokenizer.h"
#include "text/tokenizer_config.h"

namespace caravan {

struct GgufVocabulary {
  std::vector<std::string_view> tokens;  ///< by id; unique, none empty
  std::vector<GgufTokenType> types;      ///< by id
  std::vector<float> scores;             ///< by id; empty where the file has none
  std::vector<std::string_view> merges;  ///< "left right", first goes first; empty where the file has none
  TokenizerConfig config;                ///< what tokenizer_config.json would say
  std::optional<int32_t> bos;
  std::optional<int32_t> eos;
  bool add_space_prefix = true;
};

/// Reads the tables. `adds_bos`: whether a text begins with BOS unless the file says otherwise.
GgufVocabulary read_gguf_vocabulary(const GgufHeader& header, const JsonObject& fields, bool adds_bos);

/// The vocabulary as a SentencePiece model, to be read by its library: BPE, byte fallback where it has bytes.
std::string sentencepiece_proto(const GgufVocabulary& vocabulary);

/// Makes `token` known to `parts` as one that is looked for in texts.
void add_gguf_token(TokenizerParts& parts, int32_t id, const std::string& text, bool special);

}  // namespace caravan
