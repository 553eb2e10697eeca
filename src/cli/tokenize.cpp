#include "cli/tokenize.h"

#include <iostream>

#include "base/error.h"
#include "base/json.h"
#include "cli/flags/engine_flags.h"
#include "cli/prompts.h"
#include "text/tokenizer.h"

namespace caravan::cli {

namespace {

OptionGroup model_group(const std::vector<Option>& more) {
  std::vector<Option> options = {
      {"--model-path", "PATH", "folder with a tokenizer, or a GGUF file (required)"}};
  options.insert(options.end(), more.begin(), more.end());
  return {"Options", std::move(options)};
}

Tokenizer require_tokenizer(const Arguments& arguments) {
  const std::filesystem::path folder = parse_model_path(arguments);
  std::optional<Tokenizer> tokenizer = load_tokenizer(folder);
  if (!tokenizer.has_value()) {
    fail("--model-path: ", in_quotes(folder.string()),
         " has no tokenizer, expected tokenizer.json, tokenizer.model or a GGUF file's");
  }
  return std::move(*tokenizer);
}

void require_success(const std::ostream& out) {
  if (!out) fail("standard output: writing failed, expected it to stay open until the end");
}

}  // namespace

const Command& tokenize_command() {
  static const Command kCommand = {
      .name = "tokenize",
      .summary = "Turns text into token ids: one JSON list for each prompt.",
      .usage = "--model-path DIR --prompt TEXT [options]",
      .groups = {model_group(
          {{"--prompt", "TEXT", "the text; repeatable", true},
           {"--input-file", "FILE", "one text per line, or JSON Lines with prompt", true},
           {"--no-special", "", "leave out the tokens that the tokenizer adds, such as BOS"},
           {"--pieces", "", "print each token's text beside its id, one a line"}})},
      .aliases = prompt_aliases(),
      .positional = "",
  };
  return kCommand;
}

int tokenize(const std::vector<std::string>& words) {
  const Arguments arguments(tokenize_command(), words);
  const Tokenizer tokenizer = require_tokenizer(arguments);
  const std::vector<Prompt> prompts = parse_prompts(arguments);
  if (prompts.empty()) fail("--prompt: is missing, expected --prompt or --input-file");
  for (const Prompt& prompt : prompts) {
    if (!prompt.text.has_value()) fail(prompt.where, ": holds token ids, expected text");
    const std::vector<int32_t> ids = tokenizer.encode(
        *prompt.text, {.add_special = !arguments.is_on("--no-special"), .parse_special = true});
    if (arguments.is_on("--pieces")) {
      for (const int32_t id : ids) std::cout << id << "\t" << Json(tokenizer.token_text(id)).dump() << "\n";
    } else {
      std::cout << Json(ids).dump() << "\n";
    }
  }
  std::cout.flush();
  require_success(std::cout);
  return 0;
}

const Command& detokenize_command() {
  static const Command kCommand = {
      .name = "detokenize",
      .summary = "Turns token ids into text: one line end after each prompt's.",
      .usage = "--model-path DIR --input-ids IDS [options]",
      .groups = {model_group({{"--input-ids", "IDS", "token ids such as 1,2,3; repeatable", true},
                              {"--input-file", "FILE", "JSON Lines with input_ids", true},
                              {"--keep-special", "", "show special tokens too"}})},
      .aliases = {},
      .positional = "",
  };
  return kCommand;
}

int detokenize(const std::vector<std::string>& words) {
  const Arguments arguments(detokenize_command(), words);
  const Tokenizer tokenizer = require_tokenizer(arguments);
  const std::vector<Prompt> prompts = parse_prompts(arguments);
  if (prompts.empty()) fail("--input-ids: is missing, expected --input-ids or --input-file");
  for (const Prompt& prompt : prompts) {
    if (prompt.text.has_value()) fail(prompt.where, ": holds text, expected token ids");
    for (const int32_t id : prompt.ids) {
      if (id < tokenizer.vocab_size()) continue;
      fail(prompt.where, ": found token id ", id, ", expected 0 to ", tokenizer.vocab_size() - 1);
    }
    std::cout << tokenizer.decode(prompt.ids, !arguments.is_on("--keep-special")) << "\n";
  }
  std::cout.flush();
  require_success(std::cout);
  return 0;
}

}  // namespace caravan::cli
