#include "text/gguf_pre_tokenizer.h"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <string_view>

#include "base/error.h"

namespace caravan {

namespace {

constexpr const char* kGpt2 = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
constexpr const char* kLlama3 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr const char* kQwen2 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr const char* kTekken =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr const char* kDigit = R"(\p{N})";

/// The rules of one or more names: patterns that cut one after the other, and what goes with them.
struct Rules {
  std::array<std::string_view, 5> names;
  std::array<const char*, 2> patterns;  ///< nullptr: none
  bool ignore_merges;
  bool adds_bos;
};

constexpr std::array<Rules, 5> kRules = {{
    {{"llama-bpe", "llama3", "llama-v3", "falcon3", "pixtral"}, {kLlama3, nullptr}, true, true},
    {{"tekken"}, {kTekken, nullptr}, true, true},
    {{"smollm", "starcoder", "refact", "command-r", "codeshell"}, {kDigit, kGpt2}, false, false},
    {{"gpt-2", "mpt", "olmo", "phi-2"}, {kGpt2, nullptr}, false, false},
    {{"qwen2", "stablelm2", "deepseek-r1-qwen", "hunyuan"}, {kQwen2, nullptr}, false, false},
}};

std::string known_names() {
  std::string names;
  for (const Rules& rules : kRules) {
    for (const std::string_view name : rules.names) {
      if (!name.empty()) names += (names.empty() ? "" : ", ") + std::string(name);
    }
  }
  return names;
}

}  // namespace

GgufPreTokenizer gguf_pre_tokenizer(const std::string& name, const std::string& source) {
  const auto rules = std::find_if(kRules.begin(), kRules.end(), [&name](const Rules& each) {
    return !name.empty() && std::find(each.names.begin(), each.names.end(), name) != each.names.end();
  });
  if (rules == kRules.end()) {
    fail(source, ": the field \"tokenizer.ggml.pre\" is ", in_quotes(name), ", expected one of ",
         known_names());
  }
  Json steps = Json::array();
  for (const char* pattern : rules->patterns) {
    if (pattern == nullptr) continue;
    Json split = {{"type", "Split"}, {"behavior", "Isolated"}};
    split["pattern"] = {{"Regex", pattern}};
    steps.push_back(std::move(split));
  }
  steps.push_back({{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}});
  const Json sequence = {{"type", "Sequence"}, {"pretokenizers", std::move(steps)}};
  return {parse_pre_tokenizers(sequence, source), rules->ignore_merges, rules->adds_bos};
}

}  // namespace caravan
