// The calls that are open: hands their generations to the engine and the engine's results to their answers.
//
// Invariants: every call that is opened is answered once, fails, or its client has gone; when a client goes,
// its sequences are cancelled before the engine's next step. Thread safety: the I/O thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "engine/service.h"
#include "serve/metrics/metrics.h"
#include "serve/metrics/process.h"
#include "serve/open_call.h"

namespace caravan::serve {

struct CallLimits {
  int64_t max_open = 0;  ///< generations that run or wait, all calls together
};

class Calls {
 public:
  /// Runs a function on the I/O thread after so many milliseconds, unless what is returned is let go before.
  using After =
      std::function<std::shared_ptr<void>(std::chrono::milliseconds delay, std::function<void()> work)>;

  /// All that it is given outlives it.
  Calls(EngineService& engine, const ModelView& model, ServerMetrics& metrics, const CallLimits& limits,
        After after);

  using Guides = std::vector<std::shared_ptr<const CompiledGuide>>;  ///< by generation; none where not guided

  /// Takes a call in. One that cannot be run, or for which there is no room, fails at once.
  void open(CallOrigin origin, Call call, const Guides& guides, const Dialect& dialect,
            std::shared_ptr<http::Responder> responder);
  /// What a step brought.
  void deliver(const StepEvents& events);
  /// Ends the call of this id, Call::id or the HTTP request's. Returns whether there was one.
  bool cancel(const std::string& id);
  /// New calls fail from now on.
  void drain() { draining_ = true; }

  [[nodiscard]] bool draining() const { return draining_; }
  /// How the server is, as far as calls tell.
  [[nodiscard]] ServerStatus status() const;

 private:
  using CallId = uint64_t;
  struct Place {
    CallId call = 0;
    size_t generation = 0;
  };
  struct Entry {
    std::unique_ptr<OpenCall> call;
    std::vector<Ticket> tickets;                   ///< by generation
    std::vector<std::shared_ptr<void>> time_outs;  ///< they end with the call
  };

  void submit(CallId id, Entry& entry, const Guides& guides);
  void set_time_outs(CallId id, Entry& entry);
  void take(const TicketResult& result, double now);
  /// Ends a call whose client has gone, or that was cancelled.
  void abandon(CallId id, bool tell);
  void fail(CallId id, const Failure& failure);
  /// Sends what has gathered, and closes the calls that are finished.
  void flush(const std::vector<CallId>& touched);
  void close(CallId id, FinishedReason reason);
  void record(const StepEvents& events);

  EngineService& engine_;
  const ModelView& model_;
  ServerMetrics& metrics_;
  CallLimits limits_;
  After after_;
  bool draining_ = false;
  CallId next_call_ = 1;
  Ticket next_ticket_ = 1;
  int64_t open_generations_ = 0;
  std::map<CallId, Entry> calls_;
  std::map<Ticket, Place> places_;
  EngineState engine_state_;
  double cpu_seconds_ = thread_cpu_seconds();  ///< this thread's, after the last step
};

}  // namespace caravan::serve
