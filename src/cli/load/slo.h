// A service level objective: how long a request may take and still be good.
// Thread safety: value types.
#pragma once

#include <optional>
#include <string>

namespace caravan::load {

/// All in milliseconds; what is absent is not asked for.
struct Slo {
  std::optional<double> ttft_ms;
  std::optional<double> tpot_ms;
  std::optional<double> e2e_ms;
};

/// "ttft:200,tpot:50,e2e:3000": any of the three, each once. Throws Error naming `flag`.
Slo parse_slo(const std::string& flag, const std::string& text);

}  // namespace caravan::load
