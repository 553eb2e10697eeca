#include "cli/run.h"

#include <unistd.h>

#include <algorithm>
#include <iostream>

#include "base/error.h"
#include "base/json.h"
#include "cli/chat.h"
#include "cli/figures.h"
#include "cli/flags/sampling_flags.h"
#include "cli/logits_file.h"
#include "cli/prompts.h"
#include "cli/run_output.h"
#include "cli/text_model.h"
#include "engine/generator.h"

namespace caravan::cli {

namespace {

/// The seeds' default for the output's length.
constexpr int64_t kDefaultOutputLength = 1024;

OptionGroup output_option_group() {
  return {"Output",
          {
              {"--max-output-length", "N", "most tokens to generate (1024, or until the context is full)"},
              {"--max-input-length", "N", "refuse longer prompts (what the context holds)"},
              {"--input-padding", "", "pad every prompt to --max-input-length; changes no output"},
              {"--chat", "", "apply the chat template; interactive without --prompt on a terminal"},
              {"--system", "TEXT", "the system message of --chat"},
              {"--json", "", "one JSON object per prompt: text, ids, finish reason, timings"},
              {"--logits-out", "FILE", "write the logits of every position as safetensors"},
          }};
}

Command make_command() {
  Command command = {
      .name = "run",
      .summary = "Continues prompts with a model: text to standard output, figures to standard error.",
      .usage = "--model-path DIR --prompt TEXT [options]",
      .groups = {prompt_option_group(), output_option_group(), sampling_option_group(),
                 engine_option_group()},
      .aliases = engine_aliases(),
      .positional = "",
  };
  for (const Alias& alias : prompt_aliases()) command.aliases.push_back(alias);
  command.aliases.push_back({"--seq-len-in", "--max-input-length", ""});
  command.aliases.push_back({"--seq-len-out", "--max-output-length", ""});
  return command;
}

/// Turns text into ids, and checks lengths, so that nothing has run when a prompt is refused.
void encode_prompts(std::vector<Prompt>& prompts, const std::optional<Tokenizer>& tokenizer,
                    int64_t max_length, bool by_flag) {
  for (Prompt& prompt : prompts) {
    if (prompt.text.has_value() && !prompt.encoded) {
      if (!tokenizer.has_value()) {
        fail(prompt.where, ": the checkpoint has no tokenizer, expected --input-ids instead of text");
      }
      prompt.ids = tokenizer->encode(*prompt.text, {.add_special = true, .parse_special = true});
    }
    const auto length = static_cast<int64_t>(prompt.ids.size());
    if (length > max_length) {
      fail(prompt.where, ": the prompt has ", length, " tokens, expected at most ", max_length,
           by_flag ? " (--max-input-length)" : ", so that the context holds it and one token more");
    }
  }
}

struct Lengths {
  int64_t max_input = 0;
  int64_t max_output = 0;
  bool padding = false;
};

Lengths parse_lengths(const Arguments& arguments, const ModelConfig& config) {
  const int64_t context = config.max_position;
  if (context < 2) fail("config.json: a context of one token leaves no room for an answer");
  const bool padding = arguments.is_on("--input-padding");
  if (padding && !arguments.has("--max-input-length")) {
    fail("--input-padding: needs --max-input-length, the length to pad to");
  }
  return {arguments.integer("--max-input-length", 1, context - 1).value_or(context - 1),
          arguments.integer("--max-output-length", 1, context).value_or(kDefaultOutputLength), padding};
}

std::vector<TextRequest> make_requests(const std::vector<Prompt>& prompts, const SamplingFlags& sampling,
                                       const Lengths& lengths, bool keep_logits) {
  std::vector<TextRequest> requests;
  for (const Prompt& prompt : prompts) {
    TextRequest request;
    request.stop_strings = sampling.stop_strings;
    request.request = {.prompt = prompt.ids,
                       .sampling = sampling.params,
                       .max_output = lengths.max_output,
                       .stop_tokens = sampling.stop_tokens,
                       .pad_prompt_to = lengths.padding ? lengths.max_input : 0,
                       .keep_logits = keep_logits};
    // Each prompt draws its own numbers, whatever the batch size.
    request.request.sampling.seed += requests.size();
    requests.push_back(std::move(request));
  }
  return requests;
}

/// The engine that holds the longest of `requests` and its output.
Engine make_engine(TextModel& model, const std::vector<TextRequest>& requests) {
  int64_t longest = 0;
  for (const TextRequest& request : requests) {
    longest =
        std::max(longest, static_cast<int64_t>(request.request.prompt.size()) + request.request.max_output);
  }
  const auto prompts = static_cast<int64_t>(requests.size());
  return load_engine(model, std::min(model.flags.engine.max_sequences, prompts),
                     std::min(model.config.max_position, longest));
}

/// Runs the prompts, printing as they come.
void run_prompts(const Arguments& arguments, TextModel& model, const std::vector<Prompt>& prompts,
                 const std::vector<TextRequest>& requests) {
  std::optional<LogitsFile> logits;
  if (const auto path = arguments.text("--logits-out")) {
    logits.emplace(*path, prompts.size(), model.config.vocab_size);
  }
  RunOutput output(prompts, arguments.is_on("--json"), arguments.is_on("--chat"), std::cout);
  GeneratorEvents events;
  events.on_token = [&output](size_t index, const std::string& piece, int32_t /*token*/) {
    output.add(index, piece);
  };
  events.on_finish = [&output](size_t index, const Completion& completion) {
    output.finish(index, completion);
  };
  if (logits.has_value()) {
    events.on_logits = [&logits](size_t index, std::span<const float> rows) { logits->add(index, rows); };
  }
  Engine engine = make_engine(model, requests);
  output.start();
  const Tokenizer* tokenizer = model.tokenizer.has_value() ? &*model.tokenizer : nullptr;
  const std::vector<Completion> completions = generate(engine, tokenizer, requests, events);
  if (logits.has_value()) {
    std::vector<std::vector<int32_t>> ids;
    for (size_t i = 0; i < prompts.size(); ++i) {
      ids.push_back(prompts[i].ids);
      ids.back().insert(ids.back().end(), completions[i].token_ids.begin(), completions[i].token_ids.end());
    }
    logits->commit(ids);
  }
  std::cerr << figures_line(model.load_seconds, engine.stats(), engine.executor_stats()) << "\n";
}

}  // namespace

const Command& run_command() {
  static const Command kCommand = make_command();
  return kCommand;
}

int run(const std::vector<std::string>& words) {
  const Arguments arguments(run_command(), words);
  const EngineFlags flags = parse_engine_flags(arguments);
  std::vector<Prompt> prompts = parse_prompts(arguments);
  const bool chat = arguments.is_on("--chat");
  const bool interactive = chat && prompts.empty() && ::isatty(STDIN_FILENO) == 1;
  if (prompts.empty() && !interactive)
    fail("--prompt: is missing, expected --prompt, --input-file or --input-ids");

  TextModel model = open_text_model(flags);
  const SamplingFlags sampling = parse_sampling_flags(arguments, model.generation, model.config);
  if (!sampling.stop_strings.empty() && !model.tokenizer.has_value()) {
    fail("--stop: the checkpoint has no tokenizer, so there is no text to find it in");
  }
  const Lengths lengths = parse_lengths(arguments, model.config);
  if (chat) {
    Conversation conversation(flags.model_path, model.tokenizer, arguments.text("--system"));
    if (interactive) return run_conversation(model, sampling, lengths.max_output, conversation);
    for (Prompt& prompt : prompts) conversation.apply_to(prompt);
  }
  encode_prompts(prompts, model.tokenizer, lengths.max_input, arguments.has("--max-input-length"));
  const std::vector<TextRequest> requests =
      make_requests(prompts, sampling, lengths, arguments.has("--logits-out"));
  run_prompts(arguments, model, prompts, requests);
  return 0;
}

}  // namespace caravan::cli
