// The flags that say what a model is loaded in: its dtypes, and how weights are rounded while they are
// loaded. Shared by every command that loads a model, or says what loading it would give. Thread safety: pure
// functions.
#pragma once

#include <optional>
#include <vector>

#include "cli/flags/options.h"
#include "models/load_options.h"

namespace caravan::cli {

std::vector<Option> quantize_options();
Option dtype_option();
Option kv_cache_dtype_option();

/// Nothing where weights are to stay as they are. Throws Error on a value that is wrong.
std::optional<LoadQuantization> parse_quantize_flags(const Arguments& arguments);

/// All of these: LoadOptions::dtype, kv_cache_dtype and quantize.
LoadOptions parse_load_dtypes(const Arguments& arguments);

}  // namespace caravan::cli
