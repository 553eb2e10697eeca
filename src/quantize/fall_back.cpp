#include "quantize/fall_back.h"

#include <algorithm>
#include <cmath>

namespace caravan {

std::set<std::string> too_sensitive(const QuantizePlan& plan, const std::vector<MatrixResult>& results,
                                    double most) {
  struct Group {
    double squares = 0.0;
    std::vector<std::string> names;
  };
  std::vector<Group> groups;
  double left = 0.0;
  size_t next = 0;
  for (const PlannedGroup& planned : plan.groups) {
    Group group;
    for (size_t i = 0; i < planned.matrices.size(); ++i, ++next) {
      group.squares += results[next].error * results[next].error;
      group.names.push_back(results[next].name);
    }
    left += group.squares;
    groups.push_back(std::move(group));
  }
  std::stable_sort(groups.begin(), groups.end(),
                   [](const Group& a, const Group& b) { return a.squares > b.squares; });
  std::set<std::string> names;
  for (const Group& group : groups) {
    if (std::sqrt(std::max(left, 0.0)) <= most) break;
    left -= group.squares;
    names.insert(group.names.begin(), group.names.end());
  }
  return names;
}

}  // namespace caravan
