#include "cli/load/workload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/json.h"
#include "base/statistics.h"
#include "cli/load/prompt.h"

namespace caravan::load {
namespace {

using testing::Each;
using testing::Ge;
using testing::IsEmpty;
using testing::Lt;

std::vector<WorkItem> items_of(const LoadPlan& plan) {
  Workload workload(plan);
  std::vector<WorkItem> items;
  while (const std::optional<WorkItem> item = workload.next()) items.push_back(*item);
  return items;
}

std::vector<int64_t> tokens_of(const WorkItem& item) { return prompt_tokens(item.prompt, 0, 1000); }

/// How many tokens two prompts have in common from the start.
size_t common(const WorkItem& a, const WorkItem& b) {
  const std::vector<int64_t> x = tokens_of(a);
  const std::vector<int64_t> y = tokens_of(b);
  size_t count = 0;
  while (count < x.size() && count < y.size() && x[count] == y[count]) ++count;
  return count;
}

LoadPlan plan_of(int64_t requests) {
  LoadPlan plan;
  plan.requests = requests;
  plan.input = LengthDistribution::parse("", "uniform:40:60");
  plan.output = LengthDistribution::parse("", "uniform:5:9");
  return plan;
}

TEST(Workload, IsTheSameForTheSameSeed) {
  LoadPlan plan = plan_of(20);
  plan.rate = 3.0;
  const std::vector<WorkItem> once = items_of(plan);
  const std::vector<WorkItem> again = items_of(plan);
  ASSERT_EQ(once.size(), 20U);
  for (size_t i = 0; i < once.size(); ++i) {
    EXPECT_EQ(once[i].index, static_cast<int64_t>(i));
    EXPECT_EQ(once[i].arrival_s, again[i].arrival_s);
    EXPECT_EQ(once[i].output_tokens, again[i].output_tokens);
    EXPECT_EQ(tokens_of(once[i]), tokens_of(again[i]));
    EXPECT_EQ(tokens_of(once[i]).size(), static_cast<size_t>(once[i].input_tokens));
  }
  plan.seed = 1;
  EXPECT_NE(items_of(plan)[1].arrival_s, once[1].arrival_s);
}

TEST(Workload, HasPromptsWithNothingInCommon) {
  const std::vector<WorkItem> items = items_of(plan_of(20));
  for (size_t i = 1; i < items.size(); ++i) EXPECT_LE(common(items[0], items[i]), 2U);
}

TEST(Workload, ArrivesAllAtOnceWithoutARate) {
  for (const WorkItem& item : items_of(plan_of(5))) EXPECT_EQ(item.arrival_s, 0.0);
}

TEST(Workload, ArrivesAsAPoissonProcessOrAsBurstyAsAsked) {
  for (const double burstiness : {0.25, 1.0, 16.0}) {
    LoadPlan plan = plan_of(20001);
    plan.rate = 50.0;
    plan.burstiness = burstiness;
    const std::vector<WorkItem> items = items_of(plan);
    std::vector<double> gaps;
    for (size_t i = 1; i < items.size(); ++i) gaps.push_back(items[i].arrival_s - items[i - 1].arrival_s);
    EXPECT_THAT(gaps, Each(Ge(0.0)));
    EXPECT_NEAR(mean_of(gaps), 0.02, 0.001) << burstiness;
    // The coefficient of variation of a gamma distribution is 1 / sqrt(shape).
    EXPECT_NEAR(sample_deviation(gaps) / mean_of(gaps), 1.0 / std::sqrt(burstiness), 0.05) << burstiness;
  }
}

TEST(Workload, SharesAPrefixWithinEachGroup) {
  LoadPlan plan = plan_of(40);
  plan.shared_prefix = 30;
  plan.prefix_groups = 3;
  const std::vector<WorkItem> items = items_of(plan);
  std::set<std::vector<int64_t>> prefixes;
  for (const WorkItem& item : items) {
    std::vector<int64_t> tokens = tokens_of(item);
    EXPECT_GE(tokens.size(), 70U);
    EXPECT_EQ(static_cast<int64_t>(tokens.size()), item.input_tokens);
    tokens.resize(30);
    prefixes.insert(tokens);
  }
  EXPECT_EQ(prefixes.size(), 3U);
}

TEST(Workload, OfATraceSharesBlocksWithEqualIds) {
  LoadPlan plan;
  plan.trace = {{1000.0, 1100, 3, {7, 8, 9}},
                {1500.0, 1030, 4, {7, 8, 10}},
                {1500.0, 512, 4, {8}},
                {2000.0, 600, 5, {}}};
  const std::vector<WorkItem> items = items_of(plan);
  ASSERT_EQ(items.size(), 4U);
  EXPECT_EQ(items[0].arrival_s, 0.0);
  EXPECT_EQ(items[1].arrival_s, 0.5);
  EXPECT_EQ(tokens_of(items[0]).size(), 1100U);
  const size_t shared = common(items[0], items[1]);
  EXPECT_GE(shared, 1024U);
  EXPECT_LE(shared, 1027U);
  // The block is the same wherever it stands.
  const std::vector<int64_t> first = tokens_of(items[0]);
  EXPECT_EQ(tokens_of(items[2]), std::vector<int64_t>(first.begin() + 512, first.begin() + 1024));
  EXPECT_EQ(tokens_of(items[3]).size(), 600U);
  EXPECT_EQ(items[3].output_tokens, 5);
}

TEST(Workload, OfATraceEndsWithTheRequestsAskedFor) {
  LoadPlan plan;
  plan.trace = {{0.0, 10, 3, {}}, {5.0, 10, 3, {}}};
  plan.requests = 1;
  EXPECT_EQ(items_of(plan).size(), 1U);
  plan.requests = 5;
  EXPECT_EQ(items_of(plan).size(), 2U);
}

TEST(Workload, WarmsUpWithPromptsOfItsOwn) {
  LoadPlan plan = plan_of(3);
  Workload workload(plan);
  const WorkItem warm = workload.warmup(0);
  EXPECT_GE(warm.input_tokens, 40);
  EXPECT_LE(common(warm, *workload.next()), 2U);
  // Warming up changes nothing of what follows.
  EXPECT_EQ(items_of(plan)[1].input_tokens, workload.next()->input_tokens);
}

TEST(Prompt, HasIdsBelowTheVocabularysSizeOrWords) {
  const std::vector<PromptPiece> prompt = {{1, 300}, {2, 20}};
  EXPECT_THAT(prompt_tokens(prompt, 0, 7), Each(Lt(7)));
  const std::string text = prompt_text(prompt, 0);
  EXPECT_EQ(std::count(text.begin(), text.end(), ' '), 319);
  EXPECT_THAT(prompt_text({}, 0), IsEmpty());
}

TEST(Prompt, IsPutIntoTheBodyOfItsEndpoint) {
  LoadPlan plan = plan_of(1);
  plan.model = "m";
  plan.vocab_size = 5;
  const WorkItem item = {0, 0.0, {{1, 3}}, 3, 9};
  const Json ids = parse_json(request_body(plan, item), "body");
  EXPECT_EQ(ids["model"], "m");
  EXPECT_EQ(ids["prompt"].size(), 3U);
  EXPECT_EQ(ids["max_tokens"], 9);
  EXPECT_EQ(ids["temperature"], 0.0);
  EXPECT_EQ(ids["stream"], true);
  EXPECT_EQ(ids["stream_options"]["include_usage"], true);
  EXPECT_EQ(ids["ignore_eos"], true);
  plan.text_prompts = true;
  plan.ignore_eos = false;
  const Json words = parse_json(request_body(plan, item), "body");
  EXPECT_EQ(words["prompt"], prompt_text(item.prompt, 0));
  EXPECT_FALSE(words.contains("ignore_eos"));
  plan.endpoint = Endpoint::kChat;
  const Json chat = parse_json(request_body(plan, item), "body");
  EXPECT_FALSE(chat.contains("prompt"));
  EXPECT_EQ(chat["messages"][0]["role"], "user");
  EXPECT_EQ(chat["messages"][0]["content"], prompt_text(item.prompt, 0));
}

}  // namespace
}  // namespace caravan::load
