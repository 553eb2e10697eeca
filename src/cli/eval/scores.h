// What an evaluation counts.
// Thread safety: value types.
#pragma once

#include <cmath>
#include <cstdint>
#include <map>
#include <string>

namespace caravan::eval {

/// Tokens that were predicted.
struct TokenScore {
  double nats = 0.0;  ///< the sum of their negative log-probabilities
  int64_t tokens = 0;

  void add(double more) {
    nats += more;
    ++tokens;
  }
  [[nodiscard]] double perplexity() const { return std::exp(nats / static_cast<double>(tokens)); }
};

/// Questions that were answered.
struct MatchScore {
  int64_t right = 0;
  int64_t all = 0;

  void add(bool is_right) {
    right += is_right ? 1 : 0;
    ++all;
  }
  [[nodiscard]] double share() const { return static_cast<double>(right) / static_cast<double>(all); }
};

/// The distance from the baseline, over the tokens of the text.
struct DistanceScore {
  double divergence = 0.0;  ///< the sum over tokens, in nats
  int64_t agreeing = 0;     ///< tokens after which both expect the same next one most
  int64_t tokens = 0;

  [[nodiscard]] double mean_divergence() const { return divergence / static_cast<double>(tokens); }
  [[nodiscard]] double agreement() const {
    return static_cast<double>(agreeing) / static_cast<double>(tokens);
  }
};

/// What stands for all of something, beside the names that rows give to parts of it.
constexpr const char* kAll = "all";

/// Of one checkpoint.
struct Scores {
  std::map<std::string, TokenScore> text;  ///< by language; empty where there was no text
  /// By language, then kind; empty where there were no questions.
  std::map<std::string, std::map<std::string, MatchScore>> questions;
  DistanceScore distance;  ///< of no tokens for the baseline itself

  [[nodiscard]] const TokenScore& all_text() const { return text.at(kAll); }
  [[nodiscard]] const MatchScore& all_questions() const { return questions.at(kAll).at(kAll); }
};

}  // namespace caravan::eval
