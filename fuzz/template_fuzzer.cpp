// Any bytes as a chat template: parsed, and rendered with a conversation that has all that templates read.
// Only caravan::Error may come out.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/error.h"
#include "base/json.h"
#include "text/jinja/template.h"

namespace {

const caravan::Json& variables() {
  static const caravan::Json conversation = caravan::Json::parse(R"({
    "messages": [
      {"role": "system", "content": " S \n"},
      {"role": "user", "content": "你好🐱 'q' \"d\""},
      {"role": "assistant", "content": null, "tool_calls": [
        {"id": "call00000", "function": {"name": "f", "arguments": {"a": [1, 2.5, true, null]}}}]},
      {"role": "tool", "content": "{}", "tool_call_id": "call00000"},
      {"role": "user", "content": [{"type": "text", "text": "x"}]}],
    "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
    "documents": null, "add_generation_prompt": true, "bos_token": "<s>", "eos_token": "</s>",
    "n": 7, "x": -2.5})");
  return conversation;
}

std::tm day() {
  std::tm parts{};
  parts.tm_mday = 1;
  parts.tm_year = 124;
  return parts;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // Small limits, so that the fuzzer spends its time on new paths and not on loops.
  const caravan::jinja::Limits limits{.steps = 20'000, .bytes = 1U << 20U, .output = 1U << 18U, .depth = 500};
  try {
    const std::string source(reinterpret_cast<const char*>(data), size);
    const caravan::jinja::Template chat_template(source, "template");
    (void)chat_template.render(variables(), day(), limits);
  } catch (const caravan::Error&) {
    // A template that is wrong is what the fuzzer mostly makes.
  }
  return 0;
}
