#include "sampling/beam.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <tuple>

namespace caravan {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr int32_t kEnd = 9;

using Candidates = std::vector<TokenLogprob>;

std::vector<std::pair<size_t, int32_t>> live_of(const BeamChoice& choice) {
  std::vector<std::pair<size_t, int32_t>> live;
  for (const BeamExtension& each : choice.live) live.emplace_back(each.parent, each.token);
  return live;
}

std::pair<size_t, int32_t> beam(size_t parent, int32_t token) { return {parent, token}; }

TEST(Beams, GoOnWithTheBestOfAllExtensions) {
  const Candidates first = {{1, -1.0F}, {2, -2.0F}, {3, -9.0F}, {4, -9.5F}};
  const Candidates second = {{5, -0.1F}, {6, -0.3F}, {7, -0.4F}, {8, -9.0F}};
  const std::vector<LiveBeam> beams = {{-1.0, first}, {-1.5, second}};
  const BeamChoice choice = choose_beams({.width = 2, .eos_tokens = {kEnd}}, beams, 3, {});
  // -1.6 and -1.8 of the second, before -2 of the first.
  EXPECT_THAT(live_of(choice), ElementsAre(beam(1, 5), beam(1, 6)));
  EXPECT_NEAR(choice.live[0].cumulative, -1.6, 1e-6);
  EXPECT_THAT(choice.finished, IsEmpty());
  EXPECT_FALSE(choice.done);
}

TEST(Beams, BreakTiesByParentThenToken) {
  const Candidates candidates = {{4, -1.0F}, {3, -1.0F}, {2, -1.0F}, {1, -1.0F}};
  const std::vector<LiveBeam> beams = {{-1.0, candidates}, {-1.0, candidates}};
  EXPECT_THAT(live_of(choose_beams({.width = 3}, beams, 1, {})),
              ElementsAre(beam(0, 1), beam(0, 2), beam(0, 3)));
}

TEST(Beams, FinishOnlyAmongTheFirstRanks) {
  const Candidates early = {{1, -1.0F}, {kEnd, -2.0F}, {2, -3.0F}, {3, -4.0F}};
  const Candidates late = {{1, -1.0F}, {2, -2.0F}, {kEnd, -3.0F}, {3, -4.0F}};
  const BeamParams params = {.width = 2, .eos_tokens = {kEnd}};
  const BeamChoice found = choose_beams(params, std::vector<LiveBeam>{{-1.0, early}}, 2, {});
  ASSERT_EQ(found.finished.size(), 1U);
  EXPECT_EQ(found.finished[0].extension.token, kEnd);
  EXPECT_DOUBLE_EQ(found.finished[0].score, -1.5);
  EXPECT_THAT(live_of(found), ElementsAre(beam(0, 1), beam(0, 2)));
  EXPECT_THAT(choose_beams(params, std::vector<LiveBeam>{{-1.0, late}}, 2, {}).finished, IsEmpty());
}

TEST(Beams, GoOnAfterAnEndWhenItIsIgnored) {
  const Candidates candidates = {{kEnd, -1.0F}, {1, -2.0F}};
  EXPECT_THAT(live_of(choose_beams({.width = 1}, std::vector<LiveBeam>{{0.0, candidates}}, 1, {})),
              ElementsAre(beam(0, kEnd)));
}

TEST(Beams, DivideScoresByThePowerOfTheLength) {
  EXPECT_DOUBLE_EQ(beam_score(-6.0, 3, 1.0), -2.0);
  EXPECT_DOUBLE_EQ(beam_score(-6.0, 3, 0.0), -6.0);
  EXPECT_DOUBLE_EQ(beam_score(-6.0, 2, 2.0), -1.5);
  EXPECT_DOUBLE_EQ(beam_score(-6.0, 2, -1.0), -12.0);
}

bool done(EarlyStopping early_stopping, double length_penalty, const std::vector<double>& finished) {
  const Candidates candidates = {{1, -1.0F}, {2, -2.0F}, {3, -3.0F}, {4, -4.0F}};
  const BeamParams params = {.width = 2,
                             .length_penalty = length_penalty,
                             .early_stopping = early_stopping,
                             .max_length = 10,
                             .eos_tokens = {kEnd}};
  // The best that lives on has -5 at a length of 5.
  return choose_beams(params, std::vector<LiveBeam>{{-4.0, candidates}}, 5, finished).done;
}

TEST(Beams, SearchUntilAsManyHaveFinishedAsTheWidth) {
  EXPECT_FALSE(done(EarlyStopping::kYes, 1.0, {-0.1}));
  EXPECT_TRUE(done(EarlyStopping::kYes, 1.0, {-0.1, -99.0}));
}

TEST(Beams, StopWhenTheBestEndedNowWouldNotBeatTheWorstFinished) {
  EXPECT_FALSE(done(EarlyStopping::kNo, 1.0, {-0.1, -1.1}));
  EXPECT_TRUE(done(EarlyStopping::kNo, 1.0, {-0.1, -1.0}));
  // Only the best two count.
  EXPECT_TRUE(done(EarlyStopping::kNo, 1.0, {-7.0, -0.1, -0.9}));
}

TEST(Beams, StopWhenNoLengthWouldBeatTheWorstFinishedIfNeverEarly) {
  // At the limit of 10 tokens -5 would score -0.5.
  EXPECT_FALSE(done(EarlyStopping::kNever, 1.0, {-0.1, -0.6}));
  EXPECT_TRUE(done(EarlyStopping::kNever, 1.0, {-0.1, -0.5}));
  // With a penalty that favours short texts, now is the best time.
  EXPECT_TRUE(done(EarlyStopping::kNever, -1.0, {-0.1, -25.0}));
  EXPECT_FALSE(done(EarlyStopping::kNever, -1.0, {-0.1, -25.1}));
}

TEST(Beams, StopWhenNoneLivesOn) {
  const Candidates candidates = {{kEnd, -1.0F}, {1, -std::numeric_limits<float>::infinity()}};
  const BeamChoice choice =
      choose_beams({.width = 2, .eos_tokens = {kEnd}}, std::vector<LiveBeam>{{0.0, candidates}}, 1, {});
  EXPECT_THAT(choice.live, IsEmpty());
  EXPECT_EQ(choice.finished.size(), 1U);
  EXPECT_TRUE(choice.done);
}

TEST(Beams, AskForCandidatesEnoughForEveryEndToken) {
  EXPECT_EQ(candidates_per_beam({.width = 4}), 8);
  EXPECT_EQ(candidates_per_beam({.width = 4, .eos_tokens = {1}}), 8);
  EXPECT_EQ(candidates_per_beam({.width = 4, .eos_tokens = {1, 2, 3}}), 16);
}

}  // namespace
}  // namespace caravan
