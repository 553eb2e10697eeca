// From what came of the requests to figures.
// Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/load/record.h"
#include "cli/load/slo.h"

namespace caravan::load {

/// What a list of milliseconds comes to.
struct Spread {
  size_t count = 0;
  double mean = 0.0;
  double p50 = 0.0;
  double p90 = 0.0;
  double p99 = 0.0;
  double highest = 0.0;
};

/// Requests that failed in one way.
struct Failure {
  Outcome outcome = Outcome::kBroken;
  int status = 0;  ///< of kStatus
  int64_t count = 0;
  std::string message;  ///< of the first
};

struct LoadFigures {
  double seconds = 0.0;  ///< from the first request's sending to the last one's end
  int64_t requests = 0;  ///< all that were sent
  int64_t done = 0;
  std::vector<Failure> failures;  ///< the most frequent first

  // Of the requests that are done.
  std::optional<int64_t> input_tokens;  ///< nothing where the server does not count them
  int64_t output_tokens = 0;
  double requests_per_second = 0.0;
  std::optional<double> input_tokens_per_second;
  double output_tokens_per_second = 0.0;
  int64_t chunks = 0;          ///< with output
  int64_t other_lengths = 0;   ///< requests with another number of output tokens than was asked for
  std::optional<Spread> ttft;  ///< milliseconds, as all that follow
  std::optional<Spread> tpot;
  std::optional<Spread> itl;  ///< gaps between the chunks of a request
  std::optional<Spread> e2e;
  std::optional<Spread> held_back;  ///< from arrival to sending; only where something was held back

  int64_t good = 0;      ///< done, and within the SLO
  double goodput = 0.0;  ///< such requests per second
  int64_t most_in_flight = 0;
};

/// Whether a request that is done keeps all of the SLO's goals. A goal for a figure that a request does not
/// have (the time per output token of a single one) is kept.
bool keeps(const RequestRecord& record, const Slo& slo);

/// `records` may be empty.
LoadFigures figures_of(const std::vector<RequestRecord>& records, const Slo& slo);

/// The gaps between the chunks of all requests that are done, in milliseconds.
std::vector<double> chunk_gaps(const std::vector<RequestRecord>& records);

/// Output over time.
struct TokenRates {
  double width_s = 1.0;            ///< of an interval
  std::vector<double> per_second;  ///< tokens per second in each interval from 0 on
};

/// Tokens per second of all requests, failed ones too, over at most 120 intervals of a round width. The
/// tokens that usage counts are spread evenly over a request's chunks.
TokenRates token_rates(const std::vector<RequestRecord>& records);

}  // namespace caravan::load
