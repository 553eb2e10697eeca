#include "engine/choose.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace caravan {
namespace {

/// Tokens 0, 1 and 2 are "a", "b" and the end.
constexpr int32_t kA = 0;
constexpr int32_t kB = 1;
constexpr int32_t kEnd = 2;

class ChooseTest : public testing::Test {
 protected:
  explicit ChooseTest(const std::string& regex = "ab") {
    const auto trie = std::make_shared<const TokenTrie>(std::vector<std::string>{"a", "b", ""});
    group_.request.guide = compile_guide({GuideSpec::Kind::kRegex, regex, {}}, trie);
    group_.request.stop_tokens = {kEnd};
    group_.request.sampling.temperature = 0.0;
    group_.request.max_output = 10;
    group_.max_length = 10;
    sequence_ = std::make_unique<Sequence>(&group_, group_.request);
    sequence_->matcher.emplace(group_.request.guide, group_.request.stop_tokens);
  }

  StepResult chosen() {
    const std::vector<float> logits = {0.0F, 1.0F, 2.0F};
    Choice choice{sequence_.get(), logits, {}};
    choose(choice);
    return choice.result;
  }

  Group group_;
  std::unique_ptr<Sequence> sequence_;
};

TEST_F(ChooseTest, TakesTheLikeliestTokenThatTheGuideAllows) {
  const StepResult first = chosen();
  EXPECT_EQ(first.token, kA);
  EXPECT_FALSE(first.finish.has_value());
  EXPECT_EQ(chosen().token, kB);
  const StepResult last = chosen();
  EXPECT_EQ(last.token, kEnd);
  EXPECT_EQ(last.finish, FinishReason::kStop);
}

TEST_F(ChooseTest, AGuideThatRefusesATokenSaysSoAndStaysAsItWas) {
  EXPECT_FALSE(guide_takes(*sequence_, kB));
  EXPECT_FALSE(guide_takes(*sequence_, kEnd));
  EXPECT_TRUE(guide_takes(*sequence_, kA));
}

TEST_F(ChooseTest, WithoutAGuideEveryTokenIsTaken) {
  sequence_->matcher.reset();
  EXPECT_TRUE(guide_takes(*sequence_, kB));
}

TEST_F(ChooseTest, EndsWhatItsGuideCannotTakeAnyFurther) {
  sequence_->dead_end = true;
  const StepResult result = chosen();
  EXPECT_FALSE(result.token.has_value());
  EXPECT_EQ(result.finish, FinishReason::kDeadEnd);
}

}  // namespace
}  // namespace caravan
