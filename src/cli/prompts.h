// The prompts of a command line: from --prompt, --input-file and --input-ids, in that order.
// Thread safety: value types.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/flags/options.h"

namespace caravan::cli {

/// Text, or ids that need no tokenizer.
struct Prompt {
  std::optional<std::string> text;
  std::vector<int32_t> ids;
  std::string where;     ///< for messages: "--prompt", "FILE: line 3"
  bool encoded = false;  ///< ids hold the text already, as a chat template has it
};

OptionGroup prompt_option_group();
std::vector<Alias> prompt_aliases();

/// Throws Error on an empty prompt, text that is not UTF-8, a malformed line or id.
std::vector<Prompt> parse_prompts(const Arguments& arguments);

}  // namespace caravan::cli
