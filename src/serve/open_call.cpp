#include "serve/open_call.h"

#include <algorithm>

#include "serve/ranking.h"

namespace caravan::serve {

namespace {

bool is_deferred(const Generation& generation) {
  return generation.ranked || generation.beam_search || generation.candidates > generation.choices;
}

}  // namespace

OpenCall::OpenCall(CallOrigin origin, Call call, const ModelView& model, const Dialect& dialect,
                   std::shared_ptr<http::Responder> responder)
    : origin_(std::move(origin)),
      call_(std::move(call)),
      model_(model),
      dialect_(dialect),
      responder_(std::move(responder)),
      states_(call_.generations.size()),
      results_(call_.generations.size()),
      open_(call_.generations.size()) {
  for (size_t i = 0; i < states_.size(); ++i) {
    const Generation& generation = call_.generations[i];
    State& state = states_[i];
    state.deferred = is_deferred(generation);
    for (int64_t c = 0; c < generation.candidates; ++c)
      state.choices.push_back({ChoiceStream(*model_.tokenizer, generation), {}, origin_.arrival, true});
    state.open_choices = generation.candidates;
    results_[i].choices.resize(static_cast<size_t>(generation.choices));
    results_[i].prompt_count = static_cast<int64_t>(generation.prompt.size());
    results_[i].seed = generation.sampling.seed;
  }
}

Request OpenCall::engine_request(size_t index, std::shared_ptr<const CompiledGuide> guide) const {
  const Generation& generation = call_.generations.at(index);
  Request request;
  request.prompt = generation.prompt;
  request.sampling = generation.sampling;
  request.max_output = generation.max_output;
  request.min_output = generation.min_output;
  request.stop_tokens = generation.stop_tokens;
  if (!generation.ignore_eos)
    request.stop_tokens.insert(request.stop_tokens.end(), model_.eos_tokens.begin(), model_.eos_tokens.end());
  request.choices = generation.candidates;
  if (generation.beam_search)
    request.beams = BeamSearch{generation.length_penalty, generation.early_stopping};
  request.logprobs = generation.top_logprobs;
  // Candidates are compared by their log-probability.
  if (is_deferred(generation) && !request.logprobs.has_value()) request.logprobs = 0;
  request.prompt_logprobs = generation.prompt_logprobs;
  request.guide = std::move(guide);
  request.embed = generation.embed;
  request.client = origin_.client;
  request.priority = generation.priority;
  return request;
}

void OpenCall::begin() {
  if (!call_.stream) return;
  http::Response head;
  head.content_type = call_.stream_type;
  head.headers = {{"Cache-Control", "no-cache"}, {"X-Accel-Buffering", "no"}};
  responder_->start(std::move(head));
  answered_ = true;
  write(call_.answer->begin());
}

void OpenCall::admitted(size_t index, int64_t cached_tokens, double now) {
  states_.at(index).admitted = true;
  results_.at(index).cached_count = cached_tokens;
  results_.at(index).queue_seconds = now - origin_.arrival;
}

void OpenCall::take_prompt(size_t index, const StepResult& result) {
  const Generation& generation = call_.generations[index];
  std::vector<TokenResult>& tokens = results_[index].prompt_tokens;
  if (!generation.prompt_logprobs.has_value()) return;
  const auto add_token = [&](const std::optional<Logprobs>& logprobs) {
    const int32_t id = generation.prompt.at(tokens.size());
    tokens.push_back(token_result(id, model_.tokenizer->decode(std::span(&id, 1), false), logprobs));
  };
  if (tokens.empty()) add_token(std::nullopt);
  for (const Logprobs& logprobs : result.prompt_logprobs) add_token(logprobs);
}

void OpenCall::tell_prompt(size_t index) {
  State& state = states_[index];
  if (state.prompt_told) return;
  state.prompt_told = true;
  if (call_.stream && call_.generations[index].prompt_logprobs.has_value())
    write(call_.answer->prompt(index, results_[index].prompt_tokens));
}

std::optional<int64_t> OpenCall::take(size_t index, const StepResult& result, double now) {
  State& state = states_.at(index);
  take_prompt(index, result);
  if (!result.token.has_value() && !result.finish.has_value()) return std::nullopt;
  if (!result.embedding.empty()) results_[index].embedding = result.embedding;
  if (!result.beams.empty()) {
    take_beams(index, result, now);
    return std::nullopt;
  }
  ChoiceState& choice = state.choices.at(static_cast<size_t>(result.choice));
  // What comes after a stop string or a time-out is not part of it.
  if (!choice.open) return std::nullopt;
  ChoiceEvent event;
  event.generation = index;
  event.choice = static_cast<size_t>(result.choice);
  choice.stream.push(result, event);
  event.step_seconds = now - choice.last;
  if (result.token.has_value()) {
    if (choice.stream.tokens() > 1) gaps_.push_back(event.step_seconds);
    if (results_[index].first_token_seconds == 0.0)
      results_[index].first_token_seconds = now - origin_.arrival;
    ++results_[index].output_count;
    choice.last = now;
  }
  const bool stopped = event.finish.has_value() && !result.finish.has_value();
  const bool ends = event.finish.has_value();
  add(std::move(event));
  if (ends && --state.open_choices == 0) finish_generation(index, now);
  return stopped ? std::optional(result.choice) : std::nullopt;
}

void OpenCall::take_beams(size_t index, const StepResult& result, double now) {
  State& state = states_[index];
  for (size_t i = 0; i < result.beams.size() && i < state.choices.size(); ++i) {
    const Beam& beam = result.beams[i];
    ChoiceState& choice = state.choices[i];
    choice.result.cumulative_logprob = beam.logprob;
    for (size_t t = 0; t < beam.tokens.size() && choice.open; ++t) {
      StepResult step;
      step.token = beam.tokens[t];
      if (t + 1 == beam.tokens.size()) step.finish = beam.finish;
      ChoiceEvent event;
      event.generation = index;
      event.choice = i;
      choice.stream.push(step, event);
      ++results_[index].output_count;
      add(std::move(event));
    }
  }
  results_[index].first_token_seconds = now - origin_.arrival;
  state.open_choices = 0;
  finish_generation(index, now);
}

void OpenCall::time_out(size_t index, double now) {
  State& state = states_.at(index);
  for (size_t i = 0; i < state.choices.size(); ++i) {
    if (!state.choices[i].open) continue;
    ChoiceEvent event;
    event.generation = index;
    event.choice = i;
    state.choices[i].stream.end({Ending::kTimeout, std::nullopt, ""}, event);
    add(std::move(event));
  }
  state.open_choices = 0;
  finish_generation(index, now);
}

void OpenCall::add(ChoiceEvent event) {
  State& state = states_[event.generation];
  ChoiceState& choice = state.choices[event.choice];
  choice.result.text += event.text;
  choice.result.tokens.insert(choice.result.tokens.end(), event.tokens.begin(), event.tokens.end());
  if (event.finish.has_value()) {
    choice.result.finish = *event.finish;
    choice.open = false;
    if (!call_.generations[event.generation].beam_search)
      choice.result.cumulative_logprob = choice.stream.logprob();
  }
  if (state.deferred || !call_.stream) return;
  tell_prompt(event.generation);
  write(call_.answer->event(event));
}

void OpenCall::finish_generation(size_t index, double now) {
  State& state = states_[index];
  GenerationResult& result = results_[index];
  result.total_seconds = now - origin_.arrival;
  std::vector<ChoiceResult> candidates;
  for (ChoiceState& choice : state.choices) candidates.push_back(std::move(choice.result));
  const Generation& generation = call_.generations[index];
  result.choices = state.deferred ? best_choices(std::move(candidates), generation) : std::move(candidates);
  if (state.deferred && call_.stream) {
    tell_prompt(index);
    for (size_t i = 0; i < result.choices.size(); ++i) {
      const ChoiceResult& choice = result.choices[i];
      write(call_.answer->event({index, i, choice.text, choice.tokens, choice.finish, result.total_seconds}));
    }
  }
  --open_;
}

void OpenCall::flush() {
  if (finished() && call_.stream) write(call_.answer->end(results_));
  if (!out_.empty()) responder_->write(std::exchange(out_, {}));
  if (!finished()) return;
  if (call_.stream) {
    responder_->finish();
  } else if (!answered_) {
    answered_ = true;
    responder_->send(call_.answer->whole(results_));
  }
}

void OpenCall::fail(const Failure& failure) {
  open_ = 0;
  if (!answered_) {
    answered_ = true;
    responder_->send(dialect_.failure(failure));
    return;
  }
  write(call_.answer->failed(failure));
  responder_->write(std::exchange(out_, {}));
  responder_->finish();
}

}  // namespace caravan::serve
