// The flags that say which model is loaded and how the engine runs it, shared by every command that runs one.
// Thread safety: value types.
#pragma once

#include <filesystem>

#include "cli/flags/options.h"
#include "engine/options.h"
#include "models/model.h"

namespace caravan::cli {

struct EngineFlags {
  std::filesystem::path model_path;
  LoadOptions load;
  EngineOptions engine;  ///< max_sequence_length is left to the command, which knows its prompts
};

OptionGroup engine_option_group();
/// The seeds' other names for the options of engine_option_group().
std::vector<Alias> engine_aliases();

/// Throws Error on a value that is wrong, or right but not built into this version.
EngineFlags parse_engine_flags(const Arguments& arguments);

/// `--model-path`, checked to be a folder.
std::filesystem::path parse_model_path(const Arguments& arguments);

}  // namespace caravan::cli
