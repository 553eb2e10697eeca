#include "engine/generator.h"

#include <map>
#include <memory>
#include <optional>

#include "base/error.h"
#include "base/machine.h"
#include "text/detokenizer.h"
#include "text/stop_matcher.h"

namespace caravan {

namespace {

/// One request on its way to a completion.
struct Stream {
  size_t index = 0;
  std::optional<Detokenizer> detokenizer;
  StopMatcher stops;
  Completion completion;
};

/// The text that may be shown after `token`; at the end of the sequence, all that was held back too.
std::string next_piece(Stream& stream, int32_t token, bool stop_token, bool last) {
  if (!stream.detokenizer.has_value()) return {};
  std::string text;
  if (!stop_token) text = stream.detokenizer->push(token);
  if (last) text += stream.detokenizer->flush();
  std::string piece = stream.stops.push(text);
  if (last && !stream.stops.stopped()) piece += stream.stops.flush();
  return piece;
}

class Run {
 public:
  Run(Engine& engine, const GeneratorEvents& events, size_t requests)
      : engine_(engine), events_(events), start_(seconds_now()), completions_(requests) {}

  void add(size_t index, const TextRequest& request, const Tokenizer* tokenizer) {
    Stream stream = {index, std::nullopt, StopMatcher(request.stop_strings), {}};
    if (tokenizer != nullptr) stream.detokenizer.emplace(*tokenizer, request.request.prompt);
    streams_.emplace(engine_.add(request.request), std::move(stream));
  }

  void cancel_all() {
    for (const auto& [id, stream] : streams_) engine_.cancel(id);
  }

  void take(const StepResult& result) {
    const auto found = streams_.find(result.id);
    CARAVAN_CHECK(found != streams_.end());
    Stream& stream = found->second;
    if (!result.logits.empty() && events_.on_logits) events_.on_logits(stream.index, result.logits);
    if (!result.token.has_value()) return;
    const double now = seconds_now() - start_;
    Completion& completion = stream.completion;
    if (completion.token_ids.empty()) completion.first_token_seconds = now;
    completion.token_ids.push_back(*result.token);
    const bool stop_token = result.finish == FinishReason::kStop;
    const std::string piece = next_piece(stream, *result.token, stop_token, result.finish.has_value());
    completion.text += piece;
    if (events_.on_token) events_.on_token(stream.index, piece, *result.token);
    if (stream.stops.stopped()) engine_.cancel(result.id);
    if (!result.finish.has_value() && !stream.stops.stopped()) return;
    completion.finish = stream.stops.stopped() ? FinishReason::kStop : *result.finish;
    completion.total_seconds = now;
    if (events_.on_finish) events_.on_finish(stream.index, completion);
    completions_[stream.index] = std::move(completion);
    streams_.erase(found);
  }

  std::vector<Completion> take_completions() { return std::move(completions_); }

 private:
  Engine& engine_;
  const GeneratorEvents& events_;
  double start_;
  std::map<SequenceId, Stream> streams_;
  std::vector<Completion> completions_;
};

}  // namespace

std::vector<Completion> generate(Engine& engine, const Tokenizer* tokenizer,
                                 const std::vector<TextRequest>& requests, const GeneratorEvents& events) {
  Run run(engine, events, requests.size());
  try {
    for (size_t index = 0; index < requests.size(); ++index) run.add(index, requests[index], tokenizer);
    while (engine.has_work()) {
      for (const StepResult& result : engine.step()) run.take(result);
    }
  } catch (...) {
    run.cancel_all();
    throw;
  }
  return run.take_completions();
}

}  // namespace caravan
