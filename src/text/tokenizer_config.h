// The small files beside a tokenizer: which tokens are special, what is added to a text, the chat template.
// Thread safety: a value type.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

namespace caravan {

struct TokenizerConfig {
  /// "bos_token", "eos_token", "unk_token", "pad_token" … to the token's text, as far as the files name them.
  std::map<std::string, std::string> special_tokens;
  bool add_bos_token = true;  ///< LlamaTokenizer's defaults, which SentencePiece files leave to this one
  bool add_eos_token = false;
  /// LlamaTokenizer's older rule: text after a special token begins with a space, too.
  bool legacy = true;
  std::optional<std::string> chat_template;  ///< the one named "default" where there are several
};

/// Reads tokenizer_config.json, special_tokens_map.json and chat_template.jinja of `folder`, as far as they
/// are there. Throws Error, naming file and field, on what is malformed.
TokenizerConfig load_tokenizer_config(const std::filesystem::path& folder);

}  // namespace caravan
