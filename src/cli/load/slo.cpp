#include "cli/load/slo.h"

#include <algorithm>
#include <charconv>

#include "base/error.h"

namespace caravan::load {

namespace {

/// Reads "NAME:MS" into the field that it names; false where it is no such thing.
bool read_goal(const std::string& part, Slo& slo) {
  const size_t colon = part.find(':');
  if (colon == std::string::npos) return false;
  const std::string name = part.substr(0, colon);
  std::optional<double>* field = name == "ttft"   ? &slo.ttft_ms
                                 : name == "tpot" ? &slo.tpot_ms
                                 : name == "e2e"  ? &slo.e2e_ms
                                                  : nullptr;
  if (field == nullptr || field->has_value()) return false;
  constexpr double kMost = 1e9;
  double value = 0.0;
  const char* end = part.data() + part.size();
  const auto [stop, error] = std::from_chars(part.data() + colon + 1, end, value);
  if (error != std::errc() || stop != end || !(value > 0.0 && value <= kMost)) return false;
  *field = value;
  return true;
}

}  // namespace

Slo parse_slo(const std::string& flag, const std::string& text) {
  Slo slo;
  for (size_t at = 0; at <= text.size();) {
    const size_t comma = std::min(text.find(',', at), text.size());
    if (!read_goal(text.substr(at, comma - at), slo)) {
      fail(flag, ": found ", in_quotes(text),
           ", expected any of ttft:MS, tpot:MS and e2e:MS, each once, separated by commas");
    }
    at = comma + 1;
  }
  return slo;
}

}  // namespace caravan::load
