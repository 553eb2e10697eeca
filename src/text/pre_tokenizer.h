// How tokenizer.json cuts a normalized text into words, before BPE merges inside each.
// Thread safety: as Regex's.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/json.h"

namespace caravan {

/// A word in progress: its text, and whether it stands at the very beginning of what the user gave.
struct Word {
  std::string text;
  bool at_start = false;
};

/// One step: a word to the words that it is cut into.
using Cut = std::function<std::vector<Word>(const Word&)>;

/// The steps of a "pre_tokenizer" object: Sequence, Split, ByteLevel, Metaspace, Digits. Throws Error, naming
/// `source` and the type, on any other.
std::vector<Cut> parse_pre_tokenizers(const Json& json, const std::string& source);

std::vector<Word> cut(const std::vector<Cut>& steps, Word text);

}  // namespace caravan
