// Takes a streamed completion as it arrives, and writes down when what came.
// Thread safety: one thread.
#pragma once

#include <functional>
#include <string>

#include "cli/load/http_client.h"
#include "cli/load/record.h"
#include "cli/load/sse.h"

namespace caravan::load {

class StreamRecorder final : public HttpExchange {
 public:
  struct Hooks {
    std::function<double()> clock;               ///< seconds from the start of the measurement
    std::function<void()> on_output;             ///< a chunk with output came
    std::function<void(RequestRecord)> on_done;  ///< the last call
  };

  /// `record` says what was asked for and when it was sent.
  StreamRecorder(RequestRecord record, Hooks hooks);

  void on_head(int status, std::string_view content_type) override;
  bool on_body(std::string_view bytes) override;
  void on_end() override;
  void on_failure(HttpFailure failure, const std::string& message) override;

 private:
  void take_event(const std::string& data);
  void settle(Outcome outcome, std::string message);

  RequestRecord record_;
  Hooks hooks_;
  SseParser parser_;
  std::string content_type_;
  std::string body_;       ///< the start of what is no stream
  std::string error_;      ///< what was wrong with the stream
  bool finished_ = false;  ///< a finish_reason came
  bool done_ = false;      ///< [DONE] came
};

}  // namespace caravan::load
