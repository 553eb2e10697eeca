#include "cli/chat.h"

#include <algorithm>
#include <iostream>

#include "base/error.h"
#include "base/utf8.h"
#include "cli/figures.h"
#include "engine/generator.h"

namespace caravan::cli {

namespace {

const Tokenizer& require_tokenizer(const std::optional<Tokenizer>& tokenizer,
                                   const std::filesystem::path& folder) {
  if (!tokenizer.has_value()) fail("--chat: ", in_quotes(folder.string()), " has no tokenizer");
  if (!tokenizer->chat_template().has_value()) {
    fail("--chat: ", in_quotes(folder.string()),
         " has no chat template, expected one in tokenizer_config.json or chat_template.jinja");
  }
  return *tokenizer;
}

Json message(const std::string& role, const std::string& content) {
  return {{"role", role}, {"content", content}};
}

}  // namespace

Conversation::Conversation(const std::filesystem::path& folder, const std::optional<Tokenizer>& tokenizer,
                           const std::optional<std::string>& system)
    : tokenizer_(require_tokenizer(tokenizer, folder)),
      template_(*tokenizer_.chat_template(), tokenizer_.special_tokens(),
                folder.string() + ": the chat template") {
  if (system.has_value()) add("system", *system);
}

void Conversation::add(const std::string& role, const std::string& content) {
  messages_.push_back(message(role, content));
}

void Conversation::apply_to(Prompt& prompt) const {
  if (!prompt.text.has_value()) fail(prompt.where, ": --chat needs text, found token ids");
  Json messages = messages_;
  messages.push_back(message("user", *prompt.text));
  prompt.ids = ids_of(messages);
  prompt.encoded = true;
}

std::vector<int32_t> Conversation::ids_of(const Json& messages) const {
  ChatOptions options;
  options.add_generation_prompt = true;
  const std::string text = template_.render(messages, options);
  // The template writes the special tokens itself, the first one too.
  return tokenizer_.encode(text, {.add_special = false, .parse_special = true});
}

int run_conversation(TextModel& model, const SamplingFlags& sampling, int64_t max_output,
                     Conversation& conversation) {
  Engine engine = load_engine(model, 1, model.config.max_position);
  std::string line;
  std::cerr << "Write a message; end with Ctrl-D.\n";
  for (uint64_t turn = 0; std::cout << "> " << std::flush && std::getline(std::cin, line); ++turn) {
    if (line.empty()) continue;
    conversation.add("user", utf8_repaired(line));
    TextRequest request;
    request.stop_strings = sampling.stop_strings;
    request.request = {.prompt = conversation.ids(),
                       .sampling = sampling.params,
                       .max_output = max_output,
                       .stop_tokens = sampling.stop_tokens};
    request.request.sampling.seed += turn;
    GeneratorEvents events;
    events.on_token = [](size_t /*index*/, const std::string& piece, int32_t /*token*/) {
      std::cout << piece << std::flush;
    };
    const std::vector<Completion> completions = generate(engine, &*model.tokenizer, {request}, events);
    std::cout << "\n";
    conversation.add("assistant", completions.front().text);
  }
  std::cout << "\n";
  std::cerr << figures_line(model.load_seconds, engine.stats(), engine.executor_stats()) << "\n";
  return 0;
}

}  // namespace caravan::cli
