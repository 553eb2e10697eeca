#include "cli/load/trace.h"

#include <limits>

#include "base/error.h"
#include "base/json.h"
#include "cli/load/lengths.h"

namespace caravan::load {

namespace {

/// A year: more, and a timestamp is of another unit, or counted from 1970.
constexpr double kLastTimestampMs = 366.0 * 24 * 3600 * 1000;

std::vector<uint64_t> read_hash_ids(const JsonObject& object, int64_t input_length) {
  std::vector<uint64_t> ids;
  const Json* array = object.array("hash_ids");
  if (array == nullptr) return ids;
  for (const Json& id : *array) {
    if (!id.is_number_unsigned()) object.wrong("hash_ids", "integers that are not negative");
    ids.push_back(id.get<uint64_t>());
  }
  const auto blocks = static_cast<size_t>((input_length + kTraceBlock - 1) / kTraceBlock);
  if (ids.size() != blocks) {
    fail(object.source(), ": field \"hash_ids\" has ", ids.size(), " ids, expected ", blocks,
         ", one for each ", kTraceBlock, " of the ", input_length, " tokens of input_length");
  }
  return ids;
}

TraceRequest read_request(std::string_view line, const std::string& source) {
  const Json json = parse_json(line, source);
  const JsonObject object(json, source);
  TraceRequest request;
  request.timestamp_ms = object.number("timestamp", 0.0, kLastTimestampMs);
  request.input_length = object.integer("input_length", 1, LengthDistribution::kMaxLength);
  request.output_length = object.integer("output_length", 1, LengthDistribution::kMaxLength);
  request.hash_ids = read_hash_ids(object, request.input_length);
  return request;
}

}  // namespace

std::vector<TraceRequest> parse_trace(std::string_view text, const std::string& source) {
  std::vector<TraceRequest> requests;
  size_t number = 0;
  while (!text.empty()) {
    ++number;
    const size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    const std::string place = source + ", line " + std::to_string(number);
    if (line.empty()) fail(place, ": found an empty line, expected a JSON object");
    requests.push_back(read_request(line, place));
    const size_t last = requests.size() - 1;
    if (last > 0 && requests[last].timestamp_ms < requests[last - 1].timestamp_ms) {
      fail(place, ": field \"timestamp\" is ", requests[last].timestamp_ms,
           ", which is before the line above, expected requests in the order of their arrival");
    }
  }
  if (requests.empty()) fail(source, ": found no request, expected one on each line");
  return requests;
}

}  // namespace caravan::load
