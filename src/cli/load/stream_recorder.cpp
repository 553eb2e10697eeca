#include "cli/load/stream_recorder.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "cli/load/chunk.h"

namespace caravan::load {

namespace {

constexpr int kOk = 200;

Outcome outcome_of(HttpFailure failure) {
  switch (failure) {
    case HttpFailure::kConnect:
      return Outcome::kConnect;
    case HttpFailure::kTimeout:
      return Outcome::kTimeout;
    case HttpFailure::kBroken:
      return Outcome::kBroken;
    case HttpFailure::kStopped:
      return Outcome::kStopped;
  }
  return Outcome::kBroken;
}

}  // namespace

StreamRecorder::StreamRecorder(RequestRecord record, Hooks hooks)
    : record_(std::move(record)), hooks_(std::move(hooks)) {}

void StreamRecorder::on_head(int status, std::string_view content_type) {
  record_.status = status;
  content_type_ = content_type;
  std::transform(content_type_.begin(), content_type_.end(), content_type_.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
}

bool StreamRecorder::on_body(std::string_view bytes) {
  if (record_.status != kOk || !content_type_.starts_with("text/event-stream")) {
    // Enough for any error's JSON.
    constexpr size_t kMostBody = 65536;
    body_ += bytes.substr(0, kMostBody - std::min(kMostBody, body_.size()));
    return true;
  }
  try {
    parser_.feed(bytes, [this](const SseEvent& event) { take_event(event.data); });
  } catch (const Error& error) {
    error_ = error.what();
  }
  return error_.empty();
}

void StreamRecorder::take_event(const std::string& data) {
  if (done_) return;
  const double now = hooks_.clock();
  if (data == "[DONE]") {
    done_ = true;
    record_.end_s = now;
    return;
  }
  const StreamChunk chunk = parse_stream_chunk(data);
  if (chunk.error.has_value()) fail("the server says: ", *chunk.error);
  record_.end_s = now;
  finished_ = finished_ || chunk.finished;
  if (chunk.usage.has_value()) {
    record_.input_tokens = chunk.usage->prompt_tokens;
    record_.output_usage = chunk.usage->completion_tokens;
  }
  if (!chunk.has_output) return;
  record_.chunks.push_back(now);
  hooks_.on_output();
}

void StreamRecorder::on_end() {
  if (record_.status != kOk) return settle(Outcome::kStatus, error_message_of(body_));
  if (!content_type_.starts_with("text/event-stream")) {
    return settle(Outcome::kBroken,
                  "answered with " + in_quotes(content_type_) + ", expected text/event-stream");
  }
  if (!error_.empty()) return settle(Outcome::kBroken, error_);
  if (!done_ && !finished_)
    return settle(Outcome::kBroken, "the stream ended with neither [DONE] nor a finish_reason");
  if (record_.chunks.empty()) return settle(Outcome::kNoOutput, "the stream ended without a token");
  settle(Outcome::kDone, "");
}

void StreamRecorder::on_failure(HttpFailure failure, const std::string& message) {
  // All that matters has come; only the connection cannot be kept.
  if (done_) return on_end();
  settle(outcome_of(failure), message);
}

void StreamRecorder::settle(Outcome outcome, std::string message) {
  record_.outcome = outcome;
  record_.message = std::move(message);
  if (outcome != Outcome::kDone) record_.end_s = hooks_.clock();
  hooks_.on_done(std::move(record_));
}

}  // namespace caravan::load
