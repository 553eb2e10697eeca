#include "cli/load/record.h"

namespace caravan::load {

std::string_view name_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::kDone:
      return "done";
    case Outcome::kStatus:
      return "status";
    case Outcome::kConnect:
      return "no connection";
    case Outcome::kTimeout:
      return "time-out";
    case Outcome::kBroken:
      return "broken stream";
    case Outcome::kNoOutput:
      return "no output";
    case Outcome::kStopped:
      return "stopped";
  }
  return "";
}

int64_t RequestRecord::output_tokens() const {
  return output_usage.value_or(static_cast<int64_t>(chunks.size()));
}

std::optional<double> RequestRecord::ttft_ms() const {
  if (chunks.empty()) return std::nullopt;
  return (chunks.front() - sent_s) * 1e3;
}

std::optional<double> RequestRecord::tpot_ms() const {
  // One chunk may hold several tokens, but then nothing is known of the time between them.
  if (chunks.size() < 2 || output_tokens() < 2) return std::nullopt;
  return (chunks.back() - chunks.front()) * 1e3 / static_cast<double>(output_tokens() - 1);
}

}  // namespace caravan::load
