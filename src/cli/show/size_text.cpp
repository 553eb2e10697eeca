#include "cli/show/size_text.h"

#include <iomanip>
#include <sstream>

namespace caravan::cli {

std::string size_text(uint64_t bytes) {
  constexpr double kStep = 1000.0;
  const char* const units[] = {"B", "kB", "MB", "GB", "TB"};
  auto value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= kStep && unit < 4) {
    value /= kStep;
    ++unit;
  }
  std::ostringstream out;
  out << std::fixed << std::setprecision(unit == 0 ? 0 : 2) << value << ' ' << units[unit];
  return out.str();
}

}  // namespace caravan::cli
