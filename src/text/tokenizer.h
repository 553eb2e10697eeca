// A checkpoint's tokenizer: text to ids and back, as the implementation that trained it does.
//
// Read from tokenizer.json (BPE in both styles), a SentencePiece tokenizer.model, LLaMA-3's list of BPE
// ranks, or a GGUF file's metadata. Invariants: encode gives ids in 0 .. vocab_size() - 1. Thread safety: one
// thread at a time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/added_tokens.h"
#include "text/decoder.h"

namespace caravan {

struct EncodeOptions {
  bool add_special = true;    ///< add what the tokenizer puts around a text, such as the BOS token
  bool parse_special = true;  ///< special tokens written in the text become their ids
};

/// How text between two added tokens becomes ids: appends them to `ids`. `at_start`: nothing stands before
/// it.
using EncodeSegment = std::function<void(std::string_view text, bool at_start, std::vector<int32_t>& ids)>;

/// All that a tokenizer consists of; what reads each format fills one.
struct TokenizerParts {
  std::string kind;                 ///< for people: "byte-level BPE (tokenizer.json)"
  std::vector<std::string> tokens;  ///< by id; "" for an id that has none
  std::vector<AddedToken> added;
  AddedTokenFinder raw_finder;         ///< of added tokens in the text as given
  AddedTokenFinder normalized_finder;  ///< of added tokens in the normalized text
  std::function<std::string(const std::string&)> normalize;
  EncodeSegment encode_segment;  ///< of normalized text
  DecodeRules decoding;
  std::vector<int32_t> prefix;  ///< ids that add_special puts before a text
  std::vector<int32_t> suffix;  ///< and after it
  /// By their names in tokenizer_config.json: "bos_token", "eos_token" … to the tokens' texts.
  std::map<std::string, std::string> special_tokens;
  std::optional<std::string> chat_template;
};

class Tokenizer {
 public:
  explicit Tokenizer(TokenizerParts parts);

  /// Throws Error, naming the byte, if `text` is not valid UTF-8.
  [[nodiscard]] std::vector<int32_t> encode(std::string_view text, const EncodeOptions& options = {}) const;
  /// Bytes that are not UTF-8 become U+FFFD. Ids outside the vocabulary add nothing.
  [[nodiscard]] std::string decode(std::span<const int32_t> ids, bool skip_special = true) const;

  [[nodiscard]] int32_t vocab_size() const { return static_cast<int32_t>(parts_.tokens.size()); }
  /// The token as the vocabulary writes it; "" outside it.
  [[nodiscard]] const std::string& token_text(int32_t id) const;
  /// What the token adds to a decoded text.
  [[nodiscard]] const TokenBytes& bytes_of(int32_t id) const;
  [[nodiscard]] bool is_special(int32_t id) const;
  [[nodiscard]] bool strips_leading_space() const { return parts_.decoding.strip_leading_space; }
  [[nodiscard]] const std::string& kind() const { return parts_.kind; }
  [[nodiscard]] const std::map<std::string, std::string>& special_tokens() const {
    return parts_.special_tokens;
  }
  [[nodiscard]] const std::optional<std::string>& chat_template() const { return parts_.chat_template; }

 private:
  [[nodiscard]] bool known(int32_t id) const { return id >= 0 && id < vocab_size(); }

  TokenizerParts parts_;
  std::vector<TokenBytes> bytes_;  ///< by id
  std::vector<bool> special_;      ///< by id
};

/// The tokenizer of a checkpoint, a folder or a GGUF file, or nothing if it has none. Throws Error, naming
/// the file, on one that is malformed or of a kind that is not supported.
std::optional<Tokenizer> load_tokenizer(const std::filesystem::path& model_path);

}  // namespace caravan
