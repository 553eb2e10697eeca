// What came of one request.
// Thread safety: value types.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace caravan::load {

enum class Outcome : uint8_t {
  kDone,
  kStatus,    ///< the server answered with another status than 200
  kConnect,   ///< no connection
  kTimeout,   ///< not done in time
  kBroken,    ///< the stream ended early, said that something went wrong, or was no such stream
  kNoOutput,  ///< the stream ended well, without a token
  kStopped,   ///< the measurement was stopped before it was done
};

/// "done", "status", …: as reports name it.
std::string_view name_of(Outcome outcome);

/// Times are in seconds from the start of the measurement.
struct RequestRecord {
  int64_t index = 0;
  double arrival_s = 0.0;      ///< when the plan wanted it sent
  double sent_s = 0.0;         ///< when it was: later where --concurrency held it back
  std::vector<double> chunks;  ///< when each chunk with output came
  double end_s = 0.0;          ///< the end of the stream, or of the attempt
  int64_t input_asked = 0;
  int64_t output_asked = 0;
  std::optional<int64_t> input_tokens;  ///< as the server counts; of a prompt of token ids, else, as asked
  std::optional<int64_t> output_usage;  ///< as the server counts
  Outcome outcome = Outcome::kDone;
  int status = 0;       ///< of the answer; 0 where none came
  std::string message;  ///< what went wrong

  /// As the server counts them, else one for each chunk.
  [[nodiscard]] int64_t output_tokens() const;
  /// Milliseconds from sending to the first output; nothing where none came.
  [[nodiscard]] std::optional<double> ttft_ms() const;
  /// Milliseconds per output token after the first; nothing where there are not two.
  [[nodiscard]] std::optional<double> tpot_ms() const;
  /// Milliseconds from sending to the end.
  [[nodiscard]] double e2e_ms() const { return (end_s - sent_s) * 1e3; }
};

}  // namespace caravan::load
