#include "cli/show/table.h"

namespace caravan::cli {

std::string number_text(std::optional<double> value) {
  if (!value.has_value()) return "-";
  std::ostringstream out;
  out << std::fixed
      << std::setprecision(*value < 10.0     ? 3
                           : *value < 100.0  ? 2
                           : *value < 1000.0 ? 1
                                             : 0)
      << *value;
  return out.str();
}

}  // namespace caravan::cli
