// `--chat`: prompts as messages of a conversation, through the checkpoint's chat template.
// Thread safety: one thread.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/json.h"
#include "cli/flags/sampling_flags.h"
#include "cli/prompts.h"
#include "cli/text_model.h"
#include "text/chat_template.h"

namespace caravan::cli {

class Conversation {
 public:
  /// Throws Error if the checkpoint has no tokenizer or no chat template.
  Conversation(const std::filesystem::path& folder, const std::optional<Tokenizer>& tokenizer,
               const std::optional<std::string>& system);

  /// Makes `prompt`'s text the user's message of a new conversation, and gives it the ids of that.
  void apply_to(Prompt& prompt) const;

  /// Adds a message to this conversation.
  void add(const std::string& role, const std::string& content);
  /// The ids of the conversation so far, up to where the assistant's answer begins.
  [[nodiscard]] std::vector<int32_t> ids() const { return ids_of(messages_); }

 private:
  [[nodiscard]] std::vector<int32_t> ids_of(const Json& messages) const;

  const Tokenizer& tokenizer_;
  ChatTemplate template_;
  Json messages_ = Json::array();
};

/// Reads the user's messages from standard input until it ends, answering each. Returns the exit code.
int run_conversation(TextModel& model, const SamplingFlags& sampling, int64_t max_output,
                     Conversation& conversation);

}  // namespace caravan::cli
