#include "text/tokenizer.h"

#include "base/error.h"
#include "base/file.h"
#include "base/utf8.h"
#include "checkpoint/gguf/model_file.h"
#include "text/detokenizer.h"
#include "text/gguf_tokenizer.h"
#include "text/sentencepiece_model.h"
#include "text/tiktoken.h"
#include "text/tokenizer_config.h"
#include "text/tokenizer_json.h"

namespace caravan {

Tokenizer::Tokenizer(TokenizerParts parts) : parts_(std::move(parts)) {
  special_.assign(parts_.tokens.size(), false);
  for (const AddedToken& token : parts_.added) {
    CARAVAN_CHECK(known(token.id));
    special_[static_cast<size_t>(token.id)] = token.special;
  }
  bytes_.reserve(parts_.tokens.size());
  for (const std::string& token : parts_.tokens) bytes_.push_back(parts_.decoding.bytes_of(token));
}

std::vector<int32_t> Tokenizer::encode(std::string_view text, const EncodeOptions& options) const {
  if (const auto invalid = utf8_first_invalid(text)) {
    fail("the text: byte ", *invalid, " is not valid UTF-8, expected UTF-8 text");
  }
  std::vector<int32_t> ids;
  if (options.add_special) ids = parts_.prefix;
  for (const Segment& segment : parts_.raw_finder.split(text, options.parse_special)) {
    if (segment.token.has_value()) {
      ids.push_back(*segment.token);
      continue;
    }
    const std::string part =
        parts_.normalize(std::string(text.substr(segment.begin, segment.end - segment.begin)));
    for (const Segment& inner : parts_.normalized_finder.split(part, options.parse_special)) {
      if (inner.token.has_value()) {
        ids.push_back(*inner.token);
      } else {
        const bool at_start = segment.begin == 0 && inner.begin == 0;
        parts_.encode_segment(std::string_view(part).substr(inner.begin, inner.end - inner.begin), at_start,
                              ids);
      }
    }
  }
  if (options.add_special) ids.insert(ids.end(), parts_.suffix.begin(), parts_.suffix.end());
  return ids;
}

std::string Tokenizer::decode(std::span<const int32_t> ids, bool skip_special) const {
  Detokenizer detokenizer(*this, {}, skip_special);
  std::string text;
  for (const int32_t id : ids) text += detokenizer.push(id);
  return text + detokenizer.flush();
}

const std::string& Tokenizer::token_text(int32_t id) const {
  static const std::string kNone;
  return known(id) ? parts_.tokens[static_cast<size_t>(id)] : kNone;
}

const TokenBytes& Tokenizer::bytes_of(int32_t id) const {
  static const TokenBytes kNone;
  return known(id) ? bytes_[static_cast<size_t>(id)] : kNone;
}

bool Tokenizer::is_special(int32_t id) const { return known(id) && special_[static_cast<size_t>(id)]; }

std::optional<Tokenizer> load_tokenizer(const std::filesystem::path& model_path) {
  if (const auto path = find_gguf(model_path)) {
    const GgufFile gguf = open_gguf(*path);
    std::optional<TokenizerParts> parts = parse_gguf_tokenizer(gguf.header, path->string());
    if (!parts.has_value()) return std::nullopt;
    return Tokenizer(std::move(*parts));
  }
  // LLaMA-3's has 9 MB and newer ones 30.
  constexpr uint64_t kMaxBytes = 200'000'000;
  const TokenizerConfig config = load_tokenizer_config(model_path);
  std::optional<TokenizerParts> parts;
  if (const auto path = model_path / "tokenizer.json"; file_exists(path)) {
    parts = parse_tokenizer_json(read_file(path, kMaxBytes), path.string());
  } else if (const auto model = model_path / "tokenizer.model"; file_exists(model)) {
    const std::string bytes = read_file(model, kMaxBytes);
    parts = is_tiktoken(bytes) ? parse_tiktoken(bytes, model.string())
                               : parse_sentencepiece(bytes, config, model.string());
  }
  if (!parts.has_value()) return std::nullopt;
  parts->special_tokens = config.special_tokens;
  parts->chat_template = config.chat_template;
  return Tokenizer(std::move(*parts));
}

}  // namespace caravan
