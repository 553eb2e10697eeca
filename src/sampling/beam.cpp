#include "sampling/beam.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "base/error.h"

namespace caravan {

namespace {

std::vector<BeamExtension> ranked(std::span<const LiveBeam> beams) {
  std::vector<BeamExtension> all;
  for (size_t parent = 0; parent < beams.size(); ++parent) {
    for (const TokenLogprob& candidate : beams[parent].candidates) {
      all.push_back(
          {parent, candidate.token, beams[parent].cumulative + static_cast<double>(candidate.logprob)});
    }
  }
  std::sort(all.begin(), all.end(), [](const BeamExtension& a, const BeamExtension& b) {
    if (a.cumulative != b.cumulative) return a.cumulative > b.cumulative;
    return a.parent != b.parent ? a.parent < b.parent : a.token < b.token;
  });
  return all;
}

/// The score of the best live beam if it ended where that is the best for it, as early_stopping reckons.
double best_attainable(const BeamParams& params, double cumulative, int64_t length) {
  const bool at_the_limit = params.early_stopping == EarlyStopping::kNever && params.length_penalty > 0.0;
  return beam_score(cumulative, at_the_limit ? std::max(length, params.max_length) : length,
                    params.length_penalty);
}

bool is_done(const BeamParams& params, const BeamChoice& choice, int64_t length,
             std::span<const double> finished) {
  if (choice.live.empty()) return true;
  std::vector<double> scores(finished.begin(), finished.end());
  for (const FinishedBeam& beam : choice.finished) scores.push_back(beam.score);
  const auto width = static_cast<size_t>(params.width);
  if (scores.size() < width) return false;
  if (params.early_stopping == EarlyStopping::kYes) return true;
  const auto worst = scores.begin() + params.width - 1;
  std::nth_element(scores.begin(), worst, scores.end(), std::greater<>());
  return *worst >= best_attainable(params, choice.live.front().cumulative, length);
}

}  // namespace

int64_t candidates_per_beam(const BeamParams& params) {
  const auto ends = static_cast<int64_t>(params.eos_tokens.size());
  return (1 + std::max<int64_t>(1, ends)) * params.width;
}

double beam_score(double cumulative, int64_t length, double length_penalty) {
  return cumulative / std::pow(static_cast<double>(length), length_penalty);
}

BeamChoice choose_beams(const BeamParams& params, std::span<const LiveBeam> beams, int64_t length,
                        std::span<const double> finished) {
  CARAVAN_CHECK(params.width >= 1 && length >= 1);
  const auto width = static_cast<size_t>(params.width);
  const std::vector<int32_t>& ends = params.eos_tokens;
  BeamChoice choice;
  const std::vector<BeamExtension> all = ranked(beams);
  for (size_t rank = 0; rank < all.size() && choice.live.size() < width; ++rank) {
    const BeamExtension& extension = all[rank];
    // What cannot be (minus infinity) follows nothing.
    if (!(extension.cumulative > -std::numeric_limits<double>::infinity())) break;
    if (std::find(ends.begin(), ends.end(), extension.token) == ends.end()) {
      choice.live.push_back(extension);
    } else if (rank < width) {
      choice.finished.push_back({extension, beam_score(extension.cumulative, length, params.length_penalty)});
    }
  }
  choice.done = is_done(params, choice, length, finished);
  return choice;
}

}  // namespace caravan
