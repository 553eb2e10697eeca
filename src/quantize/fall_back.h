// Which matrices are better left as they are. Thread safety: a pure function.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "quantize/group_quantizer.h"

namespace caravan {

/// The matrices of the fewest groups without which the root of the sum of the squared errors of all that are
/// left is at most `most`: those whose errors are the largest. A group stays as it is as a whole, because
/// what reads one input is one matmul where it runs. `results` are those of all matrices of the plan.
std::set<std::string> too_sensitive(const QuantizePlan& plan, const std::vector<MatrixResult>& results,
                                    double most);

}  // namespace caravan
