// Finds stop strings in a text that comes in pieces, holding back what could be the beginning of one.
// Invariants: nothing of a stop string, and nothing after it, is ever returned. Thread safety: one thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace caravan {

class StopMatcher {
 public:
  /// None of `stops` may be empty.
  explicit StopMatcher(std::vector<std::string> stops) : stops_(std::move(stops)) {}

  /// What of the text so far may be shown now. After the first stop string: nothing.
  std::string push(const std::string& piece);
  /// What was held back, when the text ends here.
  std::string flush();
  [[nodiscard]] bool stopped() const { return found_.has_value(); }
  /// The stop string that was found, or nullptr.
  [[nodiscard]] const std::string* found() const { return stopped() ? &stops_.at(*found_) : nullptr; }

 private:
  std::vector<std::string> stops_;
  std::string held_;
  std::optional<size_t> found_;  ///< into stops_
};

}  // namespace caravan
