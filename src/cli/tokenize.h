// `caravan tokenize` and `caravan detokenize`: from text to ids and back.
#pragma once

#include <string>
#include <vector>

#include "cli/flags/options.h"

namespace caravan::cli {

const Command& tokenize_command();
int tokenize(const std::vector<std::string>& words);

const Command& detokenize_command();
int detokenize(const std::vector<std::string>& words);

}  // namespace caravan::cli
