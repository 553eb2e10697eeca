// How a byte-level tokenizer of a GGUF file cuts text: the rules behind the names of tokenizer.ggml.pre.
// Reference: llama.cpp's llama-vocab.cpp, and the patterns of the tokenizer.json files that it names.
// Thread safety: a pure function.
#pragma once

#include <string>
#include <vector>

#include "text/pre_tokenizer.h"

namespace caravan {

struct GgufPreTokenizer {
  std::vector<Cut> cuts;
  bool ignore_merges = false;  ///< a word that is a token stays whole
  bool adds_bos = false;       ///< unless the file says otherwise
};

/// Throws Error, naming `source` and the key, on a name whose rules Caravan does not have.
GgufPreTokenizer gguf_pre_tokenizer(const std::string& name, const std::string& source);

}  // namespace caravan
