#include "serve/calls.h"

#include <algorithm>

#include "base/log.h"
#include "base/machine.h"
#include "serve/request_log.h"

namespace caravan::serve {

Calls::Calls(EngineService& engine, const ModelView& model, ServerMetrics& metrics, const CallLimits& limits,
             After after)
    : engine_(engine), model_(model), metrics_(metrics), limits_(limits), after_(std::move(after)) {
  engine_state_.free_blocks = engine.total_blocks();
  engine_state_.total_blocks = engine.total_blocks();
}

ServerStatus Calls::status() const {
  ServerStatus status;
  status.draining = draining_;
  status.ready = !draining_ && open_generations_ < limits_.max_open;
  status.running = engine_state_.running;
  status.waiting = std::max<int64_t>(engine_state_.waiting, open_generations_ - engine_state_.running);
  status.free_blocks = engine_state_.free_blocks;
  status.total_blocks = engine_state_.total_blocks;
  return status;
}

void Calls::open(CallOrigin origin, Call call, const Guides& guides, const Dialect& dialect,
                 std::shared_ptr<http::Responder> responder) {
  const auto generations = static_cast<int64_t>(call.generations.size());
  const auto refuse = [&](const Failure& failure) {
    log_refusal(origin, failure);
    responder->send(dialect.failure(failure));
  };
  if (draining_)
    return refuse({FailureKind::kUnavailable, "the server is stopping and takes no new requests", "", ""});
  if (open_generations_ + generations > limits_.max_open) {
    return refuse({FailureKind::kOverloaded,
                   "the server is busy: " + std::to_string(open_generations_) +
                       " prompts run or wait, at most " + std::to_string(limits_.max_open) +
                       " may; try again later",
                   "", ""});
  }
  const CallId id = next_call_++;
  Entry entry = {
      std::make_unique<OpenCall>(std::move(origin), std::move(call), model_, dialect, responder), {}, {}};
  for (size_t i = 0; i < entry.call->call().generations.size(); ++i) {
    try {
      engine_.check(entry.call->engine_request(i, nullptr));
    } catch (const Error& error) {
      const Failure failure = {FailureKind::kInvalid, error.what(), "", ""};
      log_refusal(entry.call->origin(), failure);
      return entry.call->fail(failure);
    }
  }
  entry.call->begin();
  entry.call->flush();
  submit(id, entry, guides);
  set_time_outs(id, entry);
  responder->on_gone([this, id] { abandon(id, false); });
  calls_.emplace(id, std::move(entry));
}

void Calls::submit(CallId id, Entry& entry, const Guides& guides) {
  for (size_t i = 0; i < entry.call->call().generations.size(); ++i) {
    const Ticket ticket = next_ticket_++;
    entry.tickets.push_back(ticket);
    places_[ticket] = {id, i};
    ++open_generations_;
    engine_.submit(ticket, entry.call->engine_request(i, guides.at(i)));
  }
}

void Calls::set_time_outs(CallId id, Entry& entry) {
  for (size_t i = 0; i < entry.tickets.size(); ++i) {
    const std::optional<double> seconds = entry.call->call().generations[i].timeout_seconds;
    if (!seconds.has_value()) continue;
    const Ticket ticket = entry.tickets[i];
    const auto time_out = [this, id, i, ticket] {
      if (places_.erase(ticket) == 0) return;
      --open_generations_;
      engine_.cancel(ticket);
      calls_.at(id).call->time_out(i, seconds_now());
      flush({id});
    };
    entry.time_outs.push_back(
        after_(std::chrono::milliseconds(static_cast<int64_t>(*seconds * 1e3)), time_out));
  }
}

void Calls::deliver(const StepEvents& events) {
  const double now = seconds_now();
  std::vector<CallId> touched;
  const auto touch = [&](Ticket ticket) {
    const auto place = places_.find(ticket);
    if (place != places_.end() && (touched.empty() || touched.back() != place->second.call))
      touched.push_back(place->second.call);
  };
  for (const TicketAdmission& admission : events.admissions) {
    const auto place = places_.find(admission.ticket);
    if (place == places_.end()) continue;
    calls_.at(place->second.call).call->admitted(place->second.generation, admission.cached_tokens, now);
  }
  for (const TicketResult& result : events.results) {
    touch(result.ticket);
    take(result, now);
  }
  for (const TicketFailure& failure : events.failures) {
    const auto place = places_.find(failure.ticket);
    if (place != places_.end()) fail(place->second.call, {FailureKind::kGeneration, failure.message, "", ""});
  }
  flush(touched);
  record(events);
}

void Calls::take(const TicketResult& ticket_result, double now) {
  const auto found = places_.find(ticket_result.ticket);
  // Its call has ended since.
  if (found == places_.end()) return;
  const Place place = found->second;
  const StepResult& result = ticket_result.result;
  OpenCall& call = *calls_.at(place.call).call;
  if (result.finish == FinishReason::kDeadEnd) {
    const std::string& field = call.call().generations[place.generation].guide_field;
    return fail(
        place.call,
        {FailureKind::kGeneration,
         "\"" + field + "\" cannot be completed: no token of this model continues the text", field, ""});
  }
  const bool had_first = call.results()[place.generation].first_token_seconds > 0.0;
  const std::optional<int64_t> stopped = call.take(place.generation, result, now);
  const GenerationResult& so_far = call.results()[place.generation];
  if (!had_first && so_far.first_token_seconds > 0.0)
    metrics_.first_token(so_far.first_token_seconds, so_far.prompt_count, so_far.cached_count);
  for (const double gap : call.take_gaps()) metrics_.next_token(gap);
  if (stopped.has_value()) engine_.cancel(ticket_result.ticket, *stopped);
  if (call.is_open(place.generation)) return;
  places_.erase(ticket_result.ticket);
  --open_generations_;
}

void Calls::flush(const std::vector<CallId>& touched) {
  for (const CallId id : touched) {
    const auto found = calls_.find(id);
    if (found == calls_.end()) continue;
    OpenCall& call = *found->second.call;
    call.flush();
    if (!call.finished()) continue;
    const Finish& finish =
        call.results().front().choices.empty() ? Finish{} : call.results().front().choices.front().finish;
    const FinishedReason reason = finish.ending == Ending::kLength    ? FinishedReason::kLength
                                  : finish.ending == Ending::kTimeout ? FinishedReason::kAbort
                                                                      : FinishedReason::kStop;
    close(id, reason);
  }
}

void Calls::close(CallId id, FinishedReason reason) {
  const auto found = calls_.find(id);
  if (found == calls_.end()) return;
  const double now = seconds_now();
  const OpenCall& call = *found->second.call;
  for (const Ticket ticket : found->second.tickets) {
    if (places_.erase(ticket) == 0) continue;
    --open_generations_;
    engine_.cancel(ticket);
  }
  for (size_t i = 0; i < call.results().size(); ++i) {
    const GenerationResult& result = call.results()[i];
    const Generation& generation = call.call().generations[i];
    RequestFigures figures;
    figures.reason = reason;
    figures.prompt_tokens = result.prompt_count;
    figures.output_tokens = result.output_count;
    figures.candidates = generation.candidates;
    figures.max_output = generation.max_output;
    figures.queue_seconds = result.queue_seconds;
    if (result.first_token_seconds > 0.0) figures.first_token_seconds = result.first_token_seconds;
    figures.total_seconds = now - call.origin().arrival;
    metrics_.request_finished(figures);
    log_request(call.origin(), figures, result.cached_count);
  }
  calls_.erase(found);
}

void Calls::abandon(CallId id, bool tell) {
  const auto found = calls_.find(id);
  if (found == calls_.end()) return;
  if (tell) found->second.call->fail({FailureKind::kGeneration, "the request was cancelled", "", ""});
  close(id, FinishedReason::kAbort);
}

void Calls::fail(CallId id, const Failure& failure) {
  const auto found = calls_.find(id);
  if (found == calls_.end()) return;
  found->second.call->fail(failure);
  close(id, FinishedReason::kError);
}

bool Calls::cancel(const std::string& id) {
  std::vector<CallId> found;
  for (const auto& [call_id, entry] : calls_) {
    if (entry.call->origin().id == id || entry.call->call().id == id) found.push_back(call_id);
  }
  for (const CallId call_id : found) abandon(call_id, true);
  return !found.empty();
}

void Calls::record(const StepEvents& events) {
  const EngineState before = std::exchange(engine_state_, events.state);
  const double cpu = thread_cpu_seconds();
  const double cpu_before = std::exchange(cpu_seconds_, cpu);
  const EngineState& state = engine_state_;
  metrics_.engine.running = state.running;
  metrics_.engine.waiting = state.waiting;
  metrics_.engine.total_blocks = state.total_blocks;
  metrics_.engine.cached_blocks = state.idle_blocks;
  metrics_.engine.used_blocks = state.total_blocks - state.free_blocks;
  metrics_.engine.preemptions = state.scheduling.preemptions;
  metrics_.engine.prefix_query_tokens = state.scheduling.prefix_queries;
  metrics_.engine.prefix_hit_tokens = state.scheduling.prefix_hits;
  if (state.step_seconds == 0.0) return;
  StepFigures step;
  step.prompt_tokens = state.stats.prompt_tokens - before.stats.prompt_tokens;
  step.generated_tokens =
      std::count_if(events.results.begin(), events.results.end(),
                    [](const TicketResult& result) { return result.result.token.has_value(); });
  step.seconds = state.step_seconds;
  step.host_seconds = state.step_seconds - (state.stats.model_seconds - before.stats.model_seconds);
  step.network_seconds = cpu - cpu_before;
  step.guided_sequences = static_cast<int64_t>(state.stats.guide_steps - before.stats.guide_steps);
  step.guided_mask_seconds = state.stats.guide_seconds - before.stats.guide_seconds;
  metrics_.step(step);
}

}  // namespace caravan::serve
