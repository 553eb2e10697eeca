#include "sampling/params.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"

namespace caravan {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST(CheckRanges, NamesTheFlagAndWhatIsRight) {
  const std::vector<std::pair<SamplingParams, std::string>> wrong = {
      {{.temperature = -0.1}, "--temperature: found -0.1, expected a number from 0 to 100"},
      {{.temperature = std::nan("")}, "--temperature: found nan"},
      {{.top_k = -1}, "--top-k: found -1, expected 0 (all tokens) or more"},
      {{.top_p = 1.5}, "--top-p: found 1.5, expected a number from 0 to 1"},
      {{.min_p = -1.0}, "--min-p: found -1"},
      {{.typical_p = 1.1}, "--typical-p: found 1.1, expected a number from 0 to 1"},
      {{.repetition_penalty = 0.0}, "--repetition-penalty: found 0"},
      {{.presence_penalty = 3.0}, "--presence-penalty: found 3, expected a number from -2 to 2"},
      {{.frequency_penalty = -3.0}, "--frequency-penalty: found -3"},
      {{.logit_bias = {{7, 101.0F}}}, "--logit-bias: token 7 has 101, expected a number from -100 to 100"},
      {{.logit_bias = {{7, std::nanf("")}}}, "--logit-bias: token 7 has nan"},
  };
  for (const auto& [params, sentence] : wrong) {
    try {
      check_ranges(params);
      ADD_FAILURE() << "accepted: " << sentence;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr(sentence));
    }
  }
  EXPECT_NO_THROW(check_ranges({}));
}

TEST(CheckRanges, NamesFieldsAsTheirUserWroteThem) {
  const auto message = [](const FieldNaming& name) -> std::string {
    try {
      check_ranges({.top_p = 2.0}, name);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(message(flag_name), StartsWith("--top-p: found 2"));
  EXPECT_THAT(message(field_name), StartsWith("top_p: found 2"));
  EXPECT_THAT(message([](std::string_view field) { return "parameters." + std::string(field); }),
              StartsWith("parameters.top_p: found 2"));
}

}  // namespace
}  // namespace caravan
