#include "cli/load/runner.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cmath>
#include <csignal>

#include "base/error.h"
#include "base/machine.h"
#include "base/short_turns.h"
#include "cli/load/http_client.h"
#include "cli/load/prompt.h"
#include "cli/load/stream_recorder.h"
#include "cli/load/workload.h"

namespace caravan::load {

namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr double kProgressInterval = 0.25;
constexpr double kFailedPlace = 0.1;

std::chrono::steady_clock::duration duration_of(double seconds) {
  return std::chrono::duration_cast<std::chrono::steady_clock::duration>(
      std::chrono::duration<double>(seconds));
}

class Runner {
 public:
  Runner(const LoadPlan& plan, const LoadHooks& hooks)
      : plan_(plan),
        hooks_(hooks),
        workload_(plan),
        client_(io_, plan.url, {plan.api_key, plan.verify_tls}),
        arrival_(io_),
        progress_(io_),
        signals_(io_) {}

  LoadRun run() {
    warm_up();
    if (!run_.stopped) {
      open_loop_ = std::isfinite(plan_.rate) || !plan_.trace.empty();
      limit_ = plan_.concurrency;
      all_ = workload_.size();
      go([this] { return workload_.next(); }, plan_.duration_s);
    }
    std::sort(run_.records.begin(), run_.records.end(),
              [](const RequestRecord& a, const RequestRecord& b) { return a.index < b.index; });
    return std::move(run_);
  }

 private:
  using Source = std::function<std::optional<WorkItem>()>;

  void warm_up() {
    if (plan_.warmup == 0) return;
    warming_up_ = true;
    limit_ = plan_.concurrency;
    all_ = plan_.warmup;
    int64_t index = 0;
    go(
        [this, &index]() -> std::optional<WorkItem> {
          if (index == plan_.warmup) return std::nullopt;
          return workload_.warmup(index++);
        },
        std::numeric_limits<double>::infinity());
    warming_up_ = false;
    for (const RequestRecord& record : run_.records) {
      if (record.outcome == Outcome::kDone || run_.stopped) continue;
      fail("--warmup: request ", record.index + 1, " of ", plan_.warmup, " failed: ", name_of(record.outcome),
           record.outcome == Outcome::kStatus ? " " + std::to_string(record.status) : "", ": ",
           in_quotes(record.message), ", expected all of them to succeed");
    }
    run_.records.clear();
  }

  /// Sends what `source` gives until it ends, `duration_s` is over, or a signal comes; returns when all is
  /// done.
  void go(Source source, double duration_s) {
    source_ = std::move(source);
    duration_s_ = duration_s;
    start_ = hooks_.clock();
    chunks_ = 0;
    done_ = 0;
    failed_ = 0;
    last_tick_ = {0.0, 0};
    io_.restart();
    next_ = source_();
    watch_signals();
    tick();
    pump();
    // A server on this machine uses every CPU: without it, times are those at which this thread had its turn.
    static_cast<void>(prefer_short_turns());
    io_.run();
  }

  [[nodiscard]] double now() const { return hooks_.clock() - start_; }

  /// Sends the next request if it is due and has a place; else sees to it that this is called again when it
  /// may be.
  void pump() {
    if (next_.has_value() && std::max(now(), due()) >= duration_s_) next_.reset();
    if (!next_.has_value()) {
      if (in_flight_ == 0) finish();
      return;
    }
    if (limit_.has_value() && in_flight_ + kept_empty_ >= *limit_) return;
    if (now() < due()) {
      arrival_.expires_after(duration_of(due() - now()));
      arrival_.async_wait([this](error_code error) {
        if (!error) pump();
      });
      return;
    }
    launch(*next_);
    next_ = source_();
    // Not at once, so that what has arrived meanwhile is read first.
    if (!pump_posted_) {
      pump_posted_ = true;
      asio::post(io_, [this] {
        pump_posted_ = false;
        pump();
      });
    }
  }

  [[nodiscard]] double due() const { return open_loop_ ? next_->arrival_s : 0.0; }

  void launch(const WorkItem& item) {
    RequestRecord record;
    record.index = item.index;
    record.input_asked = item.input_tokens;
    record.output_asked = item.output_tokens;
    if (!plan_.text_prompts) record.input_tokens = item.input_tokens;
    HttpCall call = {"POST", plan_.endpoint == Endpoint::kChat ? "/v1/chat/completions" : "/v1/completions",
                     request_body(plan_, item), plan_.timeout_s};
    record.sent_s = now();
    record.arrival_s = open_loop_ ? item.arrival_s : record.sent_s;
    ++in_flight_;
    client_.start(std::move(call), std::make_shared<StreamRecorder>(
                                       std::move(record), StreamRecorder::Hooks{
                                                              [this] { return now(); },
                                                              [this] { ++chunks_; },
                                                              [this](RequestRecord r) { take(std::move(r)); },
                                                          }));
  }

  void take(RequestRecord record) {
    --in_flight_;
    const bool succeeded = record.outcome == Outcome::kDone;
    ++(succeeded ? done_ : failed_);
    run_.records.push_back(std::move(record));
    if (!succeeded && limit_.has_value() && !open_loop_ && next_.has_value()) keep_place_empty();
    pump();
  }

  void keep_place_empty() {
    ++kept_empty_;
    auto timer = std::make_shared<asio::steady_timer>(io_, duration_of(kFailedPlace));
    timer->async_wait([this, timer](error_code /*error*/) {
      --kept_empty_;
      if (next_.has_value()) pump();
    });
  }

  void watch_signals() {
    signals_.add(SIGINT);
    signals_.add(SIGTERM);
    signals_.async_wait([this](error_code error, int /*signal*/) {
      if (error) return;
      // From here on the system's own handling is back: the next one ends the process.
      signals_.clear();
      run_.stopped = true;
      next_.reset();
      client_.stop();
      pump();
    });
  }

  void tick() {
    const double time = now();
    const double passed = time - last_tick_.first;
    const double rate = passed > 0.0 ? static_cast<double>(chunks_ - last_tick_.second) / passed : 0.0;
    last_tick_ = {time, chunks_};
    hooks_.progress({warming_up_, done_, failed_, in_flight_, all_, rate});
    progress_.expires_after(duration_of(kProgressInterval));
    progress_.async_wait([this](error_code error) {
      if (!error) tick();
    });
  }

  /// Takes away what keeps the loop going.
  void finish() {
    arrival_.cancel();
    progress_.cancel();
    signals_.clear();
    signals_.cancel();
  }

  const LoadPlan& plan_;
  const LoadHooks& hooks_;
  Workload workload_;
  asio::io_context io_{1};
  HttpClient client_;
  asio::steady_timer arrival_;
  asio::steady_timer progress_;
  asio::signal_set signals_;

  Source source_;
  std::optional<WorkItem> next_;
  std::optional<int64_t> limit_;  ///< the most requests in flight
  std::optional<int64_t> all_;
  bool open_loop_ = false;  ///< requests have a time at which they are due
  bool warming_up_ = false;
  bool pump_posted_ = false;
  double duration_s_ = 0.0;
  double start_ = 0.0;
  int64_t in_flight_ = 0;
  int64_t kept_empty_ = 0;  ///< places of requests that failed
  int64_t done_ = 0;
  int64_t failed_ = 0;
  int64_t chunks_ = 0;
  std::pair<double, int64_t> last_tick_;
  LoadRun run_;
};

}  // namespace

LoadRun run_load(const LoadPlan& plan, const LoadHooks& hooks) {
  // Each stream is a descriptor.
  static_cast<void>(raise_open_files_limit());
  return Runner(plan, hooks).run();
}

}  // namespace caravan::load
