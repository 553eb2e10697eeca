// The prompts of completions and embeddings: a string, a list of strings, a list of ids, or a list of such
// lists. Thread safety: pure, the tokenizer's rule aside.
#pragma once

#include <string>
#include <vector>

#include "serve/api/body.h"
#include "serve/api/dialect.h"

namespace caravan::serve::openai {

struct Prompt {
  std::vector<int32_t> ids;  ///< at least one, with room for another in the context
  std::string text;          ///< as given, or the ids decoded
};

/// Reads the field `name`, at most 2,048 prompts; strings get the tokenizer's special tokens if
/// `add_special`, and decoded ids show theirs unless `skip_special`. Throws RequestError.
std::vector<Prompt> read_prompts(const Fields& fields, const std::string& name, const ModelView& model,
                                 bool add_special, bool skip_special);

}  // namespace caravan::serve::openai
