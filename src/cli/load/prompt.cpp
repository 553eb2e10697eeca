#include "cli/load/prompt.h"

#include <array>

#include "base/error.h"
#include "base/json.h"

namespace caravan::load {

namespace {

/// Short and frequent, so that a vocabulary made from English text has a token for most of them.
constexpr std::array<const char*, 96> kWords = {
    "the",   "of",    "and", "to",   "in",    "is",    "that",   "for",  "it",      "as",   "was",  "with",
    "be",    "by",    "on",  "not",  "he",    "his",   "but",    "at",   "are",     "this", "have", "from",
    "or",    "had",   "an",  "they", "which", "one",   "you",    "were", "all",     "her",  "she",  "there",
    "would", "their", "we",  "him",  "been",  "has",   "when",   "who",  "will",    "no",   "more", "if",
    "out",   "so",    "up",  "said", "what",  "its",   "about",  "than", "into",    "them", "can",  "only",
    "other", "time",  "new", "some", "could", "these", "two",    "may",  "first",   "then", "do",   "any",
    "like",  "my",    "now", "over", "such",  "our",   "man",    "me",   "even",    "most", "made", "after",
    "also",  "well",  "did", "many", "where", "must",  "before", "back", "through", "year", "how",  "people"};

template <typename Visit>
void for_each_draw(const std::vector<PromptPiece>& prompt, uint64_t seed, uint64_t bound,
                   const Visit& visit) {
  for (const PromptPiece& piece : prompt) {
    Random random(seed_of(seed, piece.stream));
    for (int64_t i = 0; i < piece.tokens; ++i) visit(random.below(bound));
  }
}

}  // namespace

std::vector<int64_t> prompt_tokens(const std::vector<PromptPiece>& prompt, uint64_t seed,
                                   int64_t vocab_size) {
  std::vector<int64_t> tokens;
  for_each_draw(prompt, seed, static_cast<uint64_t>(vocab_size),
                [&tokens](uint64_t draw) { tokens.push_back(static_cast<int64_t>(draw)); });
  return tokens;
}

std::string prompt_text(const std::vector<PromptPiece>& prompt, uint64_t seed) {
  std::string text;
  for_each_draw(prompt, seed, kWords.size(), [&text](uint64_t draw) {
    if (!text.empty()) text += ' ';
    text += kWords.at(draw);
  });
  return text;
}

std::string request_body(const LoadPlan& plan, const WorkItem& item) {
  CARAVAN_CHECK(plan.model.has_value());
  Json body;
  body["model"] = plan.model.value();
  if (plan.endpoint == Endpoint::kChat) {
    body["messages"] = Json::array({{{"role", "user"}, {"content", prompt_text(item.prompt, plan.seed)}}});
  } else if (plan.text_prompts) {
    body["prompt"] = prompt_text(item.prompt, plan.seed);
  } else {
    CARAVAN_CHECK(plan.vocab_size.has_value());
    body["prompt"] = prompt_tokens(item.prompt, plan.seed, plan.vocab_size.value());
  }
  body["max_tokens"] = item.output_tokens;
  body["temperature"] = plan.temperature;
  body["stream"] = true;
  body["stream_options"] = {{"include_usage", true}};
  if (plan.ignore_eos) body["ignore_eos"] = true;
  // A model's name may be any bytes of a command line.
  return body.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace caravan::load
