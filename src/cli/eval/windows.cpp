#include "cli/eval/windows.h"

#include <algorithm>

#include "base/error.h"

namespace caravan::eval {

std::vector<Window> windows_of(int64_t tokens, int64_t max_length, int64_t stride) {
  CARAVAN_CHECK(stride >= 1 && stride < max_length);
  std::vector<Window> windows;
  int64_t scored = 1;
  for (int64_t begin = 0; scored < tokens; begin += stride) {
    const int64_t end = std::min(begin + max_length, tokens);
    windows.push_back({begin, end, scored});
    scored = end;
  }
  return windows;
}

}  // namespace caravan::eval
