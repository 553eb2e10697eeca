#include "text/stop_matcher.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace caravan {

std::string StopMatcher::push(const std::string& piece) {
  if (stopped()) return {};
  held_ += piece;
  size_t first = std::string::npos;
  for (size_t i = 0; i < stops_.size(); ++i) {
    const size_t at = held_.find(stops_[i]);
    if (at == std::string::npos || at >= first) continue;
    first = at;
    found_ = i;
  }
  if (stopped()) {
    std::string shown = held_.substr(0, first);
    held_.clear();
    return shown;
  }
  // The longest end of the text that begins a stop string waits for what follows.
  size_t keep = 0;
  for (const std::string& stop : stops_) {
    const std::string_view held = held_;
    for (size_t length = std::min(stop.size() - 1, held.size()); length > keep; --length) {
      if (held.substr(held.size() - length) == std::string_view(stop).substr(0, length)) keep = length;
    }
  }
  std::string shown = held_.substr(0, held_.size() - keep);
  held_.erase(0, shown.size());
  return shown;
}

std::string StopMatcher::flush() { return std::exchange(held_, {}); }

}  // namespace caravan
