// What `caravan bench serve` reads from others: a server's stream, whose events must not depend on how its
// bytes are cut, and a trace. The first byte says where to cut.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/error.h"
#include "cli/load/chunk.h"
#include "cli/load/sse.h"
#include "cli/load/trace.h"

namespace {

using Events = std::vector<std::string>;

/// The events of `bytes`, fed `step` at a time.
Events events_of(std::string_view bytes, size_t step) {
  caravan::load::SseParser parser;
  Events events;
  for (size_t at = 0; at < bytes.size(); at += step) {
    parser.feed(bytes.substr(at, step), [&events](const caravan::load::SseEvent& event) {
      events.push_back(event.name + ":" + event.data);
    });
  }
  return events;
}

void read_trace(std::string_view text) {
  try {
    double last = 0.0;
    for (const caravan::load::TraceRequest& request : caravan::load::parse_trace(text, "fuzz")) {
      if (request.timestamp_ms < last || request.input_length < 1 || request.output_length < 1) std::abort();
      const auto blocks = static_cast<int64_t>(request.hash_ids.size());
      if (blocks != 0 && (blocks * caravan::load::kTraceBlock < request.input_length ||
                          (blocks - 1) * caravan::load::kTraceBlock >= request.input_length))
        std::abort();
      last = request.timestamp_ms;
    }
  } catch (const caravan::Error&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Events whole = events_of(bytes, bytes.size() + 1);
  if (events_of(bytes, size_t{1} + data[0] % 16) != whole) std::abort();
  for (const std::string& event : whole) {
    try {
      static_cast<void>(
          caravan::load::parse_stream_chunk(std::string_view(event).substr(event.find(':') + 1)));
    } catch (const caravan::Error&) {
    }
    static_cast<void>(caravan::load::error_message_of(event));
  }
  read_trace(bytes);
  return 0;
}
