// Traces of requests in Mooncake's form (Qin et al., "Mooncake", FAST 2025): JSON Lines, one request a line.
//
//     {"timestamp": 27482, "input_length": 6955, "output_length": 52, "hash_ids": [46, 47, …]}
//
// timestamp is in milliseconds, and never goes back; lengths are in tokens; each hash id names a block of
// kTraceBlock tokens, the last of which may be cut, and equal ids mean equal tokens. hash_ids may be absent:
// such a prompt has nothing in common with others. Other fields are ignored. Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace caravan::load {

constexpr int64_t kTraceBlock = 512;

struct TraceRequest {
  double timestamp_ms = 0.0;
  int64_t input_length = 0;
  int64_t output_length = 0;
  std::vector<uint64_t> hash_ids;  ///< one for each block of the prompt, or none
};

/// Reads a whole trace. Throws Error, naming `source` and the line, on a line that is no such request, and if
/// there is no request at all.
std::vector<TraceRequest> parse_trace(std::string_view text, const std::string& source);

}  // namespace caravan::load
