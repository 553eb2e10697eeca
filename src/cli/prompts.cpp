#include "cli/prompts.h"

#include <charconv>
#include <limits>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/utf8.h"

namespace caravan::cli {

namespace {

/// A gigabyte of prompts is more than a machine of this kind answers in a day.
constexpr uint64_t kMaxInputFile = 1'000'000'000;

Prompt text_prompt(const std::string& text, const std::string& where) {
  if (text.empty()) fail(where, ": the prompt is empty, expected text");
  if (const auto invalid = utf8_first_invalid(text)) {
    fail(where, ": byte ", *invalid, " of the prompt is not valid UTF-8, expected UTF-8 text");
  }
  return {text, {}, where, false};
}

/// "1,2,3" or "1 2 3".
Prompt ids_prompt(const std::string& text, const std::string& where) {
  Prompt prompt = {std::nullopt, {}, where, false};
  const char* at = text.data();
  const char* end = at + text.size();
  while (at != end) {
    if (*at == ' ' || *at == ',') {
      ++at;
      continue;
    }
    int32_t id = 0;
    const auto [next, error] = std::from_chars(at, end, id);
    if (error != std::errc() || id < 0 || (next != end && *next != ' ' && *next != ',')) {
      fail(where, ": found ", in_quotes(std::string(at, end)), ", expected token ids such as 1,2,3");
    }
    prompt.ids.push_back(id);
    at = next;
  }
  if (prompt.ids.empty()) fail(where, ": the prompt is empty, expected token ids such as 1,2,3");
  return prompt;
}

Prompt json_prompt(const std::string& line, const std::string& where) {
  const Json json = parse_json(line, where);
  const JsonObject object(json, where);
  if (object.has("prompt") == object.has("input_ids")) {
    fail(where, R"(: expected an object with either "prompt" or "input_ids")");
  }
  if (object.has("prompt")) return text_prompt(object.string("prompt"), where);
  Prompt prompt = {std::nullopt, {}, where, false};
  for (const Json& id : *object.array("input_ids")) {
    const bool valid = id.is_number_unsigned() && id.get<uint64_t>() <= std::numeric_limits<int32_t>::max();
    if (!valid) fail(where, ": field \"input_ids\" holds ", describe(id), ", expected token ids");
    prompt.ids.push_back(id.get<int32_t>());
  }
  if (prompt.ids.empty()) fail(where, ": field \"input_ids\" is empty, expected token ids");
  return prompt;
}

/// One prompt per line: JSON Lines if the first line is an object, else text.
std::vector<Prompt> file_prompts(const std::string& path) {
  const std::string bytes = read_file(path, kMaxInputFile);
  std::vector<Prompt> prompts;
  const bool json = !bytes.empty() && bytes.front() == '{';
  size_t start = 0;
  for (size_t number = 1; start < bytes.size(); ++number) {
    size_t end = bytes.find('\n', start);
    if (end == std::string::npos) end = bytes.size();
    std::string line = bytes.substr(start, end - start);
    if (line.ends_with('\r')) line.pop_back();
    const std::string where = "--input-file " + path + ", line " + std::to_string(number);
    prompts.push_back(json ? json_prompt(line, where) : text_prompt(line, where));
    start = end + 1;
  }
  if (prompts.empty()) fail("--input-file ", path, ": is empty, expected one prompt per line");
  return prompts;
}

}  // namespace

OptionGroup prompt_option_group() {
  return {"Prompts",
          {
              {"--prompt", "TEXT", "what the model continues; repeatable", true},
              {"--input-file", "FILE", "one prompt per line, or JSON Lines with prompt or input_ids", true},
              {"--input-ids", "IDS", "token ids instead of text: 1,2,3; repeatable", true},
          }};
}

std::vector<Alias> prompt_aliases() { return {{"--input-text", "--prompt", ""}}; }

std::vector<Prompt> parse_prompts(const Arguments& arguments) {
  std::vector<Prompt> prompts;
  for (const std::string& text : arguments.texts("--prompt"))
    prompts.push_back(text_prompt(text, "--prompt"));
  for (const std::string& path : arguments.texts("--input-file")) {
    for (Prompt& prompt : file_prompts(path)) prompts.push_back(std::move(prompt));
  }
  for (const std::string& ids : arguments.texts("--input-ids"))
    prompts.push_back(ids_prompt(ids, "--input-ids"));
  return prompts;
}

}  // namespace caravan::cli
