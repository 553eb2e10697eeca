// What guided output costs: compiling a guide, and the mask and the move of a step, over a vocabulary of
// 128,000 made-up words. A step's token is a word of a few letters, so that strings grow as a text's do.
#include <benchmark/benchmark.h>

#include <random>

#include "text/grammar/matcher.h"

namespace caravan {
namespace {

constexpr size_t kVocab = 128'000;
/// A text of so many steps, then the next one begins, with the same guide.
constexpr int kStepsOfText = 400;

/// The 256 bytes, then words of 2 to 12 small letters, half of them behind a space.
std::vector<std::string> words() {
  std::mt19937_64 random(1);
  std::vector<std::string> all;
  for (int byte = 0; byte < 256; ++byte) all.emplace_back(1, static_cast<char>(byte));
  while (all.size() < kVocab) {
    std::string word = random() % 2 == 0 ? " " : "";
    const size_t letters = 2 + random() % 11;
    for (size_t i = 0; i < letters; ++i) word += static_cast<char>('a' + random() % 26);
    all.push_back(std::move(word));
  }
  return all;
}

std::shared_ptr<const TokenTrie> trie() {
  static const auto kTrie = std::make_shared<const TokenTrie>(words());
  return kTrie;
}

GuideSpec schema(const std::string& text) {
  return {.kind = GuideSpec::Kind::kJsonSchema, .text = text, .choices = {}};
}
GuideSpec regex(const std::string& text) {
  return {.kind = GuideSpec::Kind::kRegex, .text = text, .choices = {}};
}

void compile(benchmark::State& state, const GuideSpec& spec) {
  const std::shared_ptr<const TokenTrie> vocabulary = trie();
  for (auto _ : state) benchmark::DoNotOptimize(compile_guide(spec, vocabulary));
}

/// After `opening`, any word may come. Each iteration is a step of a guide that was new at the first.
void step(benchmark::State& state, const GuideSpec& spec, const std::string& opening) {
  const auto guide = compile_guide(spec, trie());
  std::mt19937_64 random(2);
  std::vector<uint64_t> mask(trie()->mask_words());
  GrammarMatcher start(guide, {});
  if (!start.accept(opening)) return state.SkipWithError("the guide refuses the opening");
  GrammarMatcher matcher = start;
  int steps = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(matcher.allowed(mask));
    const auto id = static_cast<int32_t>(256 + random() % (kVocab - 256));
    if (++steps % kStepsOfText == 0 || !matcher.accept_token(id)) matcher = start;
  }
}

const std::string kAnyString = R"({"type": "string"})";
const std::string kLongString = R"({"type": "string", "maxLength": 4000})";
const std::string kLongArray =
    R"({"type": "array", "minItems": 500, "maxItems": 5000, "items": {"type": "string", "maxLength": 2000}})";

BENCHMARK_CAPTURE(compile, string, schema(kAnyString));
BENCHMARK_CAPTURE(compile, string_max_length, schema(kLongString));
BENCHMARK_CAPTURE(compile, array_of_them, schema(kLongArray));
BENCHMARK_CAPTURE(compile, regex_count, regex("[a-z ]{0,4000}"));
// As many steps for all, whatever one takes, so that what is new at first weighs the same.
BENCHMARK_CAPTURE(step, string, schema(kAnyString), "\"")->Iterations(kStepsOfText);
BENCHMARK_CAPTURE(step, string_max_length, schema(kLongString), "\"")->Iterations(kStepsOfText);
BENCHMARK_CAPTURE(step, array_of_them, schema(kLongArray), "[\"")->Iterations(kStepsOfText);
BENCHMARK_CAPTURE(step, regex_count, regex("[a-z ]{0,4000}"), "")->Iterations(kStepsOfText);
BENCHMARK_CAPTURE(step, regex_minimum, regex("[a-z ]{3900,4000}"), "")->Iterations(kStepsOfText);

}  // namespace
}  // namespace caravan

BENCHMARK_MAIN();
