#include "quantize/fall_back.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace caravan {
namespace {

using testing::IsEmpty;
using testing::UnorderedElementsAre;

/// Groups {a, b}, {c} and {d}.
QuantizePlan plan() {
  QuantizePlan plan;
  for (const std::vector<std::string>& names : {std::vector<std::string>{"a", "b"}, {"c"}, {"d"}}) {
    PlannedGroup group;
    for (const std::string& name : names) {
      PlannedMatrix matrix;
      matrix.name = name;
      group.matrices.push_back(matrix);
    }
    plan.groups.push_back(group);
  }
  return plan;
}

/// All together: the root of 0.09 + 0.16 + 0.01 + 0.04.
const std::vector<MatrixResult> kResults = {
    {"a", std::nullopt, 0.3}, {"b", std::nullopt, 0.4}, {"c", std::nullopt, 0.1}, {"d", std::nullopt, 0.2}};

TEST(FallBack, KeepsTheWorstGroupsUntilTheRestIsWithinTheBudget) {
  EXPECT_THAT(too_sensitive(plan(), kResults, 0.6), IsEmpty());
  EXPECT_THAT(too_sensitive(plan(), kResults, 0.5), UnorderedElementsAre("a", "b"));
  EXPECT_THAT(too_sensitive(plan(), kResults, 0.15), UnorderedElementsAre("a", "b", "d"));
  EXPECT_THAT(too_sensitive(plan(), kResults, 0.0), UnorderedElementsAre("a", "b", "c", "d"));
}

}  // namespace
}  // namespace caravan
