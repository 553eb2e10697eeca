#include "text/gguf_tokenizer.h"

#include <algorithm>

#include "base/error.h"
#include "text/bpe.h"
#include "text/bpe_words.h"
#include "text/gguf_pre_tokenizer.h"
#include "text/gguf_vocabulary.h"
#include "text/sentencepiece_model.h"

namespace caravan {

namespace {

/// What add_special puts around a text.
void add_prefix_and_suffix(const GgufVocabulary& vocabulary, const std::string& source,
                           TokenizerParts& parts) {
  const auto token = [&](const char* name, std::optional<int32_t> id) {
    if (id) return *id;
    fail(source, ": the field \"tokenizer.ggml.", name, "_token_id\" is missing, expected it where add_",
         name, "_token is true");
  };
  parts.prefix.clear();
  parts.suffix.clear();
  if (vocabulary.config.add_bos_token) parts.prefix = {token("bos", vocabulary.bos)};
  if (vocabulary.config.add_eos_token) parts.suffix = {token("eos", vocabulary.eos)};
}

/// llama.cpp takes 1 and 2 where the keys are absent, which SentencePiece's LLaMA models have.
void complete_sentencepiece_ids(GgufVocabulary& vocabulary) {
  constexpr int32_t kBos = 1;
  constexpr int32_t kEos = 2;
  if (vocabulary.tokens.size() <= kEos) return;
  if (!vocabulary.bos) vocabulary.bos = kBos;
  if (!vocabulary.eos) vocabulary.eos = kEos;
  auto& names = vocabulary.config.special_tokens;
  names.try_emplace("bos_token", vocabulary.tokens[static_cast<size_t>(*vocabulary.bos)]);
  names.try_emplace("eos_token", vocabulary.tokens[static_cast<size_t>(*vocabulary.eos)]);
}

/// What the library asks of a model, in its own words otherwise.
void check_types(const GgufVocabulary& vocabulary, const std::string& source) {
  const auto count_of = [&vocabulary](GgufTokenType type) {
    return std::count(vocabulary.types.begin(), vocabulary.types.end(), type);
  };
  const std::string field = source + ": the field \"tokenizer.ggml.token_type\" has ";
  const auto unknown = count_of(GgufTokenType::kUnknown);
  if (unknown != 1) fail(field, unknown, " unknown tokens (type 2), expected one");
  const auto bytes = count_of(GgufTokenType::kByte);
  if (bytes != 0 && bytes != 256) fail(field, bytes, " byte tokens (type 6), expected none or all 256");
  for (size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    if (vocabulary.types[id] == GgufTokenType::kByte && !byte_of_token(vocabulary.tokens[id])) {
      fail(source, ": the token ", in_quotes(std::string(vocabulary.tokens[id])),
           " has the type of a byte (6), expected a text such as \"<0x0A>\"");
    }
  }
}

TokenizerParts sentencepiece_parts(const GgufHeader& header, const JsonObject& fields) {
  const std::string& source = fields.source();
  GgufVocabulary vocabulary = read_gguf_vocabulary(header, fields, true);
  complete_sentencepiece_ids(vocabulary);
  if (vocabulary.scores.empty())
    fail(source, ": the field \"tokenizer.ggml.scores\" is missing, expected a score for each token");
  if (header.find("tokenizer.ggml.precompiled_charsmap") != nullptr) {
    fail(source,
         ": has the field \"tokenizer.ggml.precompiled_charsmap\", expected none: LLaMA's tokenizers "
         "take texts as they are");
  }
  check_types(vocabulary, source);
  TokenizerParts parts = parse_sentencepiece(sentencepiece_proto(vocabulary), vocabulary.config, source);
  for (size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    if (vocabulary.types[id] == GgufTokenType::kUserDefined)
      add_gguf_token(parts, static_cast<int32_t>(id), std::string(vocabulary.tokens[id]), false);
  }
  add_prefix_and_suffix(vocabulary, source, parts);
  parts.kind = "SentencePiece (GGUF)";
  parts.special_tokens = vocabulary.config.special_tokens;
  parts.chat_template = vocabulary.config.chat_template;
  return parts;
}

/// The merges "left right" in order. The space is the first after the first character.
void read_merges(const GgufVocabulary& vocabulary, const std::string& source, BpeModel& bpe) {
  const auto id_of = [&](std::string_view token, std::string_view merge) {
    const auto found = bpe.vocab.find(std::string(token));
    if (found != bpe.vocab.end()) return found->second;
    fail(source, ": the field \"tokenizer.ggml.merges\" holds ", in_quotes(std::string(merge)),
         ", which names ", in_quotes(std::string(token)), ", expected tokens of the vocabulary");
  };
  int32_t rank = 0;
  for (const std::string_view merge : vocabulary.merges) {
    const size_t space = merge.find(' ', 1);
    if (merge.empty() || space == std::string_view::npos) {
      fail(source, ": the field \"tokenizer.ggml.merges\" holds ", in_quotes(std::string(merge)),
           ", expected two tokens such as \"t h\"");
    }
    const std::string left(merge.substr(0, space));
    const std::string right(merge.substr(space + 1));
    const Merge entry = {rank++, id_of(left + right, merge)};
    // A merge that is listed twice keeps its first rank, as in llama.cpp.
    bpe.merges.emplace(BpeModel::pair_key(id_of(left, merge), id_of(right, merge)), entry);
  }
}

TokenizerParts byte_level_parts(const GgufHeader& header, const JsonObject& fields) {
  const std::string& source = fields.source();
  GgufPreTokenizer pre = gguf_pre_tokenizer(fields.string("tokenizer.ggml.pre"), source);
  const GgufVocabulary vocabulary = read_gguf_vocabulary(header, fields, pre.adds_bos);
  if (header.find("tokenizer.ggml.merges") == nullptr)
    fail(source, ": the field \"tokenizer.ggml.merges\" is missing, expected a list of merges");
  TokenizerParts parts;
  BpeModel bpe;
  bpe.ignore_merges = pre.ignore_merges;
  for (size_t index = 0; index < vocabulary.tokens.size(); ++index) {
    const auto id = static_cast<int32_t>(index);
    const GgufTokenType type = vocabulary.types[index];
    parts.tokens.emplace_back(vocabulary.tokens[index]);
    bpe.vocab.emplace(parts.tokens.back(), id);
    const bool special = type == GgufTokenType::kControl || type == GgufTokenType::kUnknown;
    if (special || type == GgufTokenType::kUserDefined)
      add_gguf_token(parts, id, parts.tokens.back(), special);
  }
  read_merges(vocabulary, source, bpe);
  add_prefix_and_suffix(vocabulary, source, parts);
  parts.decoding.byte_level = true;
  parts.kind = "byte-level BPE (GGUF)";
  parts.special_tokens = vocabulary.config.special_tokens;
  parts.chat_template = vocabulary.config.chat_template;
  parts.normalize = [](const std::string& text) { return text; };
  parts.encode_segment = bpe_words(std::move(bpe), std::move(pre.cuts));
  return parts;
}

}  // namespace

std::optional<TokenizerParts> parse_gguf_tokenizer(const GgufHeader& header, const std::string& source) {
  const Json json = gguf_fields(header);
  const JsonObject fields(json, source);
  const std::string field = "tokenizer.ggml.model";
  const std::string model = fields.string_or(field, "none");
  if (model == "none" || model == "no_vocab") return std::nullopt;
  if (model == "llama") return sentencepiece_parts(header, fields);
  if (model == "gpt2") return byte_level_parts(header, fields);
  fields.wrong(field, "llama (SentencePiece) or gpt2 (byte-level BPE)");
}

}  // namespace caravan
