#include "engine/service.h"

#include <future>

#include "base/error.h"
#include "base/machine.h"

namespace caravan {

EngineService::EngineService(const std::function<std::unique_ptr<Engine>()>& make, Deliver deliver)
    : deliver_(std::move(deliver)) {
  std::promise<void> made;
  thread_ = std::thread([this, &make, &made] {
    try {
      engine_ = make();
    } catch (...) {
      made.set_exception(std::current_exception());
      return;
    }
    made.set_value();
    loop();
  });
  try {
    made.get_future().get();
  } catch (...) {
    thread_.join();
    throw;
  }
}

EngineService::~EngineService() { stop(); }

void EngineService::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void EngineService::send(Message message) {
  {
    const std::lock_guard lock(mutex_);
    mailbox_.push_back(std::move(message));
  }
  changed_.notify_one();
}

void EngineService::submit(Ticket ticket, Request request) { send(Submission{ticket, std::move(request)}); }

void EngineService::cancel(Ticket ticket) { send(Cancellation{ticket, std::nullopt}); }

void EngineService::cancel(Ticket ticket, int64_t choice) { send(Cancellation{ticket, choice}); }

std::optional<std::vector<EngineService::Message>> EngineService::receive() {
  std::unique_lock lock(mutex_);
  if (!engine_->has_work()) {
    changed_.wait(lock, [this] { return stopping_ || !mailbox_.empty(); });
    step_start_ = seconds_now();
  }
  if (stopping_) return std::nullopt;
  return std::exchange(mailbox_, {});
}

void EngineService::loop() {
  while (std::optional<std::vector<Message>> messages = receive()) {
    StepEvents events;
    for (Message& message : *messages) handle(std::move(message), events);
    if (engine_->has_work()) step(events);
    events.state.running = static_cast<int64_t>(engine_->scheduler().running().size());
    events.state.waiting = static_cast<int64_t>(engine_->scheduler().waiting());
    events.state.free_blocks = engine_->pool().free();
    events.state.idle_blocks = engine_->pool().idle();
    events.state.total_blocks = engine_->pool().total();
    events.state.stats = engine_->stats();
    events.state.scheduling = engine_->scheduler().stats();
    deliver_(std::move(events));
  }
}

void EngineService::forget(SequenceId id) {
  const auto found = tickets_.find(id);
  if (found == tickets_.end()) return;
  sequences_.erase(found->second);
  open_.erase(id);
  tickets_.erase(found);
}

void EngineService::close(SequenceId id, int64_t choice) {
  const auto found = open_.find(id);
  if (found == open_.end()) return;
  found->second.erase(choice);
  if (found->second.empty()) forget(id);
}

void EngineService::handle(Message message, StepEvents& events) {
  if (auto* submission = std::get_if<Submission>(&message)) {
    try {
      const int64_t choices = submission->request.beams.has_value() ? 1 : submission->request.choices;
      const SequenceId id = engine_->add(std::move(submission->request));
      sequences_[submission->ticket] = id;
      tickets_[id] = submission->ticket;
      for (int64_t choice = 0; choice < choices; ++choice) open_[id].insert(choice);
    } catch (const Error& error) {
      events.failures.push_back({submission->ticket, error.what()});
    }
    return;
  }
  const Cancellation& cancellation = std::get<Cancellation>(message);
  const auto found = sequences_.find(cancellation.ticket);
  if (found == sequences_.end()) return;
  const SequenceId id = found->second;
  if (cancellation.choice.has_value()) {
    engine_->cancel(id, *cancellation.choice);
    close(id, *cancellation.choice);
  } else {
    engine_->cancel(id);
    forget(id);
  }
}

void EngineService::step(StepEvents& events) {
  try {
    std::vector<StepResult> results = engine_->step();
    for (const Admission& admission : engine_->admissions())
      events.admissions.push_back({tickets_.at(admission.id), admission.cached_tokens});
    for (StepResult& result : results) {
      const SequenceId id = result.id;
      const int64_t choice = result.choice;
      const bool ends = result.finish.has_value();
      result.logits = {};
      events.results.push_back({tickets_.at(id), std::move(result)});
      if (ends) close(id, choice);
    }
  } catch (const std::exception& error) {
    // Memory ran out, or a bug showed itself: whoever waits is told, and the engine goes on with what is new.
    for (const auto& [ticket, id] : sequences_) {
      events.failures.push_back({ticket, error.what()});
      engine_->cancel(id);
    }
    sequences_.clear();
    tickets_.clear();
    open_.clear();
  }
  const double end = seconds_now();
  events.state.step_seconds = end - std::exchange(step_start_, end);
}

}  // namespace caravan
