// A model, its engine and its tokenizer, put together from a command line.
// Thread safety: one thread.
#pragma once

#include <optional>

#include "cli/flags/engine_flags.h"
#include "engine/engine.h"
#include "models/generation_config.h"
#include "text/tokenizer.h"

namespace caravan::cli {

/// All of a checkpoint but its weights, which are loaded once it is known how long the sequences are.
struct TextModel {
  EngineFlags flags;
  ModelConfig config;
  std::optional<Tokenizer> tokenizer;
  GenerationConfig generation;
  double load_seconds = 0.0;  ///< so far
};

TextModel open_text_model(const EngineFlags& flags);

/// Loads the weights and makes an engine for `max_sequences` sequences of `max_sequence_length` tokens.
/// Throws Error, before it loads, if there is too little memory for both.
Engine load_engine(TextModel& model, int64_t max_sequences, int64_t max_sequence_length);

}  // namespace caravan::cli
