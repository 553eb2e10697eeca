#include "cli/flags/sampling_flags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace caravan::cli {
namespace {

using testing::HasSubstr;

SamplingFlags flags(const std::vector<std::string>& words, const GenerationConfig& recommended = {}) {
  const Command command = {.name = "test",
                           .summary = "Does nothing.",
                           .usage = "[options]",
                           .groups = {sampling_option_group()},
                           .aliases = {},
                           .positional = ""};
  return parse_sampling_flags(Arguments(command, words), recommended, {});
}

TEST(SamplingFlags, ReadWhatTheyAreNamedFor) {
  const SamplingParams params =
      flags({"--temperature=0.5", "--top-k=7", "--top-p=0.8", "--min-p=0.1", "--typical-p=0.9",
             "--repetition-penalty=1.5", "--presence-penalty=-1", "--frequency-penalty=2", "--seed=3"})
          .params;
  EXPECT_EQ(params.temperature, 0.5);
  EXPECT_EQ(params.top_k, 7);
  EXPECT_EQ(params.top_p, 0.8);
  EXPECT_EQ(params.min_p, 0.1);
  EXPECT_EQ(params.typical_p, 0.9);
  EXPECT_EQ(params.repetition_penalty, 1.5);
  EXPECT_EQ(params.presence_penalty, -1.0);
  EXPECT_EQ(params.frequency_penalty, 2.0);
  EXPECT_EQ(params.seed, 3U);
}

TEST(SamplingFlags, AreGreedyAndUntruncatedByDefault) {
  const SamplingParams params = flags({}).params;
  EXPECT_EQ(params.temperature, 0.0);
  EXPECT_EQ(params.typical_p, 1.0);
}

TEST(SamplingFlags, TakeTypicalPFromACheckpointThatAsksForSampling) {
  GenerationConfig recommended;
  recommended.typical_p = 0.7;
  EXPECT_EQ(flags({}, recommended).params.typical_p, 1.0);
  recommended.do_sample = true;
  EXPECT_EQ(flags({}, recommended).params.typical_p, 0.7);
  EXPECT_EQ(flags({"--typical-p=0.6"}, recommended).params.typical_p, 0.6);
}

TEST(SamplingFlags, NameTheFlagThatIsOutOfRange) {
  try {
    static_cast<void>(flags({"--typical-p=1.5"}));
    ADD_FAILURE() << "accepted";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("--typical-p: found 1.5, expected a number from 0 to 1"));
  }
}

}  // namespace
}  // namespace caravan::cli
