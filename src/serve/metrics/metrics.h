// What the server counts: what came in, what the engine did, how long it took.
//
// Use: the I/O thread owns one ServerMetrics, records into it as things happen, sets `engine`, `server` and
// `process` when it is asked for them, and renders it (prometheus.h, json.h). Invariants: counters never
// fall. Thread safety: a value type.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "serve/metrics/histogram.h"
#include "serve/metrics/process.h"

namespace caravan::serve {

/// How a request ended, in vLLM's words ("stop", "length", "abort", "error").
enum class FinishedReason : uint8_t {
  kStop,    ///< a stop token or string
  kLength,  ///< max_tokens, or the context is full
  kAbort,   ///< the client went away, cancelled, or set a time limit that passed
  kError,   ///< the engine could not go on with it
};
constexpr size_t kFinishedReasons = 4;
std::string_view finished_reason_name(FinishedReason reason);

/// One request that is over.
struct RequestFigures {
  FinishedReason reason = FinishedReason::kStop;
  int64_t prompt_tokens = 0;
  int64_t output_tokens = 0;  ///< of all candidates together
  int64_t candidates = 1;     ///< continuations that were made: `best_of`
  int64_t max_output = 0;     ///< what was asked for, per candidate
  double queue_seconds = 0.0;
  std::optional<double> first_token_seconds = std::nullopt;  ///< from arrival; none: it ended before
  double total_seconds = 0.0;                                ///< from arrival
};

/// One step of the engine.
struct StepFigures {
  int64_t prompt_tokens = 0;         ///< computed, not found in the prefix cache
  int64_t generated_tokens = 0;      ///< sampled
  double seconds = 0.0;              ///< the whole step
  double host_seconds = 0.0;         ///< of it, all but the model: scheduling, sampling, messages
  double network_seconds = 0.0;      ///< CPU time of the network's thread meanwhile: HTTP, texts, answers
  double guided_mask_seconds = 0.0;  ///< of host_seconds, filling the masks of guided output
  int64_t guided_sequences = 0;      ///< that had a mask
};

/// The engine, as it is now; the totals count from its start.
struct EngineFigures {
  int64_t running = 0;
  int64_t waiting = 0;
  int64_t used_blocks = 0;          ///< that sequences hold
  int64_t cached_blocks = 0;        ///< that no sequence holds, but the prefix cache may still find
  int64_t total_blocks = 0;         ///< 0: no paged cache
  int64_t block_tokens = 0;         ///< positions of a block
  int64_t preemptions = 0;          ///< total
  int64_t prefix_query_tokens = 0;  ///< total: prompt tokens looked for in the prefix cache
  int64_t prefix_hit_tokens = 0;    ///< total: found

  /// Share of blocks that sequences hold, 0 to 1.
  [[nodiscard]] double kv_usage() const;
};

/// The HTTP server, as it is now.
struct ServerFigures {
  int64_t connections = 0;
  int64_t open_streams = 0;  ///< answers under way
};

struct ServerMetrics {
  /// `max_context` bounds the buckets that count tokens.
  ServerMetrics(std::string model, std::string caravan_version, int64_t max_context);

  /// A request's first token is out, `seconds` after it came; `cached` of its `prompt_tokens` were found in
  /// the prefix cache.
  void first_token(double seconds, int64_t prompt_tokens, int64_t cached);
  /// Another token of a candidate, `seconds` after its last.
  void next_token(double seconds);
  void request_finished(const RequestFigures& figures);
  void step(const StepFigures& figures);
  /// A response's head went out with this status.
  void response(int status);

  std::string model_name;
  std::string version;
  EngineFigures engine;
  ServerFigures server;
  ProcessFigures process;

  uint64_t prompt_tokens = 0;           ///< of requests that had their first token, cached ones too
  uint64_t cached_prompt_tokens = 0;    ///< of them, from the prefix cache
  uint64_t computed_prompt_tokens = 0;  ///< by steps, those that preemption made compute again too
  uint64_t generated_tokens = 0;
  std::array<uint64_t, kFinishedReasons> finished = {};  ///< by FinishedReason
  std::map<int, uint64_t> responses;                     ///< by status

  Histogram first_token_seconds;
  Histogram inter_token_seconds;
  Histogram time_per_output_token;  ///< of whole requests
  Histogram request_seconds;
  Histogram queue_seconds;
  Histogram inference_seconds;  ///< from leaving the queue to the end
  Histogram prefill_seconds;    ///< from leaving the queue to the first token
  Histogram decode_seconds;     ///< from the first token to the end
  Histogram request_prompt_tokens;
  Histogram request_output_tokens;
  Histogram request_max_output;
  Histogram request_candidates;
  Histogram step_tokens;
  Histogram step_seconds;
  Histogram step_host_seconds;
  Histogram step_network_seconds;
  Histogram guided_mask_seconds;  ///< of the steps that had any

  RecentValues recent_first_token_seconds;
  RecentValues recent_time_per_output_token;
};

}  // namespace caravan::serve
