// The engine on a thread of its own: others send it requests and are told after each step what came of them.
//
// Invariants: every request that was submitted is reported until its last choice has finished, or was
// refused, or until it is cancelled; nothing is reported after that. Thread safety: submit(), cancel() and
// stop() from any thread; events are delivered on the engine's thread.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "engine/engine.h"

namespace caravan {

/// What a submitter calls a request by.
using Ticket = uint64_t;

/// How the engine is, after a step.
struct EngineState {
  int64_t running = 0;  ///< sequences
  int64_t waiting = 0;
  int64_t free_blocks = 0;
  int64_t idle_blocks = 0;  ///< of them, those that the prefix cache still knows
  int64_t total_blocks = 0;
  double step_seconds = 0.0;  ///< of the last step, from the end of the one before; 0 where there was none
  EngineStats stats;
  SchedulerStats scheduling;
};

struct TicketResult {
  Ticket ticket = 0;
  StepResult result;  ///< without logits
};

struct TicketAdmission {
  Ticket ticket = 0;
  int64_t cached_tokens = 0;
};

struct TicketFailure {
  Ticket ticket = 0;
  std::string message;
};

/// All that one step brought.
struct StepEvents {
  std::vector<TicketAdmission> admissions;
  std::vector<TicketResult> results;
  std::vector<TicketFailure> failures;  ///< these requests are gone
  EngineState state;
};

class EngineService {
 public:
  using Deliver = std::function<void(StepEvents events)>;

  /// Makes the engine on its own thread with `make`, so that its memory is first touched there. Rethrows what
  /// making it throws.
  EngineService(const std::function<std::unique_ptr<Engine>()>& make, Deliver deliver);
  ~EngineService();
  EngineService(const EngineService&) = delete;
  EngineService& operator=(const EngineService&) = delete;

  /// Throws Error as Engine::check.
  void check(const Request& request) const { engine_->check(request); }
  void submit(Ticket ticket, Request request);
  void cancel(Ticket ticket);
  void cancel(Ticket ticket, int64_t choice);
  /// Ends the thread after the step in progress; requests that run are dropped.
  void stop();

  /// Facts that never change.
  [[nodiscard]] const ModelConfig& config() const { return engine_->config(); }
  [[nodiscard]] const EngineOptions& options() const { return engine_->options(); }
  [[nodiscard]] DType dtype() const { return engine_->dtype(); }
  [[nodiscard]] int64_t max_length() const { return engine_->max_length(); }
  [[nodiscard]] int64_t total_blocks() const { return engine_->pool().total(); }

 private:
  struct Submission {
    Ticket ticket = 0;
    Request request;
  };
  struct Cancellation {
    Ticket ticket = 0;
    std::optional<int64_t> choice;
  };
  using Message = std::variant<Submission, Cancellation>;

  void send(Message message);
  void loop();
  /// The messages since the last call; waits for one while the engine has nothing to do. Nothing once
  /// stopped.
  std::optional<std::vector<Message>> receive();
  void handle(Message message, StepEvents& events);
  void step(StepEvents& events);
  /// The choice has finished; with the last of them the request is forgotten.
  void close(SequenceId id, int64_t choice);
  void forget(SequenceId id);

  std::unique_ptr<Engine> engine_;
  Deliver deliver_;
  // The engine thread's own.
  double step_start_ = 0.0;  ///< since when the next step, or what comes before it, is under way
  std::map<Ticket, SequenceId> sequences_;
  std::map<SequenceId, Ticket> tickets_;
  std::map<SequenceId, std::set<int64_t>> open_;  ///< choices that have not finished

  std::mutex mutex_;  ///< of the two below
  std::vector<Message> mailbox_;
  bool stopping_ = false;
  std::condition_variable changed_;
  std::thread thread_;
};

}  // namespace caravan
