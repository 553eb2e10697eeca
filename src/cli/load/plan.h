// What one `caravan bench serve` does: the server, the requests, and how they arrive.
// Thread safety: value types.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "cli/flags/options.h"
#include "cli/flags/report_flags.h"
#include "cli/load/lengths.h"
#include "cli/load/slo.h"
#include "cli/load/trace.h"
#include "cli/load/url.h"

namespace caravan::load {

enum class Endpoint : uint8_t { kCompletions, kChat };

struct LoadPlan {
  // The server.
  Url url;
  std::string url_text;  ///< as the user wrote it
  Endpoint endpoint = Endpoint::kCompletions;
  std::optional<std::string> model;  ///< absent: the one that the server has
  std::string api_key;               ///< empty: none is sent
  bool verify_tls = true;
  double timeout_s = 600.0;  ///< for one request, from its connection to its last byte

  // The requests.
  std::optional<int64_t> requests;                              ///< at most so many
  double duration_s = std::numeric_limits<double>::infinity();  ///< none starts later
  LengthDistribution input = LengthDistribution(256);
  LengthDistribution output = LengthDistribution(128);
  int64_t shared_prefix = 0;        ///< tokens before each prompt that its group shares
  int64_t prefix_groups = 1;        ///< a request belongs to one of so many, at random
  std::vector<TraceRequest> trace;  ///< instead of the four above, and of the rate
  std::string trace_path;
  uint64_t seed = 0;
  bool text_prompts = false;          ///< words; else lists of token ids
  std::optional<int64_t> vocab_size;  ///< token ids are below it
  double temperature = 0.0;
  bool ignore_eos = true;

  // How they arrive.
  double rate = std::numeric_limits<double>::infinity();  ///< requests per second; infinite: all at once
  double burstiness = 1.0;             ///< shape of the gaps' gamma distribution: 1 is a Poisson process
  std::optional<int64_t> concurrency;  ///< at most so many in flight
  int64_t warmup = 0;                  ///< requests before the measurement

  Slo slo;
  cli::ReportFlags report;
};

const cli::Command& load_command();

/// Throws Error on a value that is wrong, on flags that exclude each other, and on a trace or a key's file
/// that cannot be read.
LoadPlan parse_load_plan(const cli::Arguments& arguments);

}  // namespace caravan::load
