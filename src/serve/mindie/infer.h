// POST /infer and /infer_token: MindIE's own form of a generation.
// Thread safety: an Answer belongs to its request; the rest are pure functions, random seeds aside.
#pragma once

#include <optional>

#include "serve/api/plain_parameters.h"
#include "serve/mindie/dialect.h"

namespace caravan::serve {

/// Either path: `inputs` (a text) or `input_id` (token ids), `stream`, `parameters`. Throws RequestError.
Outcome mindie_infer(const http::Request& request, const PathValues& values, const Context& context);

/// {"generated_text", "details"}, or a stream of {"prefill_time", "decode_time", "token"}, times in
/// milliseconds.
class InferAnswer final : public Answer {
 public:
  explicit InferAnswer(const PlainParameters& parameters) : parameters_(parameters) {}

  std::string event(const ChoiceEvent& event) override;
  std::string end(const std::vector<GenerationResult>& results) override;
  std::string failed(const Failure& failure) override;
  http::Response whole(const std::vector<GenerationResult>& results) override;

 private:
  /// `ids` and `text` are what the event adds; `seconds` is what it took.
  Json event_json(const Json& ids, Json text, double seconds);
  [[nodiscard]] Json details_json(Ending ending, size_t tokens, const GenerationResult& result) const;

  PlainParameters parameters_;
  // Of a stream:
  size_t tokens_ = 0;
  bool first_ = true;
  std::string text_;
  Json last_ids_ = nullptr;  ///< of the event that finished
  double last_seconds_ = 0.0;
  Finish finish_;
};

}  // namespace caravan::serve
