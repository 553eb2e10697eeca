// A model, its engine and its tokenizer, put together from a command line.
// Thread safety: one thread.
#pragma once

#include <memory>
#include <optional>

#include "cli/flags/engine_flags.h"
#include "engine/engine.h"
#include "models/generation_config.h"
#include "text/tokenizer.h"

namespace caravan::cli {

struct TextModel {
  Model model;
  std::optional<Tokenizer> tokenizer;
  GenerationConfig generation;
  double load_seconds = 0.0;
};

/// Loads what `flags` name. Says on standard error what it is doing where that takes long and a terminal
/// shows it.
TextModel load_text_model(const EngineFlags& flags);

}  // namespace caravan::cli
