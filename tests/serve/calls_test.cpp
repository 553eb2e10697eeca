// Calls over the real engine, whose steps wait for the test: what happens between one and the next is exact.
#include "serve/calls.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>

#include "serve/all_dialects.h"
#include "serve/router.h"
#include "serve/running_model.h"
#include "support/served.h"

namespace caravan::serve {
namespace {

/// Keeps what would be sent, and whom to tell when the client goes.
class Recorder : public http::Responder {
 public:
  void send(http::Response response) override { sent = std::move(response.body); }
  void start(http::Response /*head*/) override {}
  void write(std::string piece) override { sent += piece; }
  void finish() override {}
  [[nodiscard]] size_t queued_bytes() const override { return 0; }
  void on_gone(std::function<void()> function) override { gone = std::move(function); }

  std::string sent;
  std::function<void()> gone;
};

/// The engine's thread hands over what each step brought, and waits until the test has taken it.
class Steps {
 public:
  void deliver(StepEvents events) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return open_ || !events_.has_value(); });
    if (open_) return;
    events_ = std::move(events);
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_ || !events_.has_value(); });
  }
  /// Calls `look` with the next events, while the engine waits.
  void next(const std::function<void(const StepEvents& events)>& look) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return events_.has_value(); });
    look(*events_);
    events_.reset();
    changed_.notify_all();
  }
  /// The engine waits no more.
  void let_go() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<StepEvents> events_;
  bool open_ = false;
};

class CallsTest : public testing::Test {
 protected:
  CallsTest()
      : engine_([] { return test::make_demo_engine({}); },
                [this](StepEvents events) { steps_.deliver(std::move(events)); }) {
    view_.max_context = 512;
  }
  ~CallsTest() override { steps_.let_go(); }

  std::shared_ptr<Recorder> open(Calls& calls, const std::string& path, const std::string& body) {
    const http::Request request = test::post(path, body);
    const Match match = router_.find("POST", path);
    auto responder = std::make_shared<Recorder>();
    Outcome outcome = match.route->handle(request, match.values, {view_, {}});
    calls.open({request.id, path, "client", 0.0}, std::get<Call>(std::move(outcome)), {nullptr},
               *match.dialect, responder);
    return responder;
  }

  Router router_{all_dialects()};
  ModelView view_ = test::demo_model();
  ServerMetrics metrics_{"demo", "test", 512};
  Steps steps_;
  EngineService engine_;
};

TEST_F(CallsTest, EndASequenceBeforeTheNextStepOnceItsClientHasGone) {
  Calls calls(engine_, view_, metrics_, {8}, [](auto /*delay*/, const auto& /*work*/) { return nullptr; });
  const auto responder = open(calls, "/v1/completions",
                              R"({"prompt": "Once", "max_tokens": 60, "stream": true, "ignore_eos": true})");
  for (int step = 0; step < 3; ++step) {
    steps_.next([&](const StepEvents& events) {
      calls.deliver(events);
      if (step < 2) return;
      EXPECT_EQ(events.results.size(), 1U);
      EXPECT_LT(events.state.free_blocks, events.state.total_blocks);
      ASSERT_TRUE(responder->gone != nullptr);
      responder->gone();
    });
  }
  steps_.next([&](const StepEvents& events) {
    EXPECT_TRUE(events.results.empty());
    EXPECT_EQ(events.state.running, 0);
    EXPECT_EQ(events.state.free_blocks, events.state.total_blocks);
  });
}

TEST_F(CallsTest, LetGoOfATimeLimitWithItsCall) {
  std::vector<std::weak_ptr<void>> timers;
  Calls calls(engine_, view_, metrics_, {8}, [&timers](auto delay, const auto& /*work*/) {
    EXPECT_EQ(delay, std::chrono::seconds(65535));
    auto timer = std::make_shared<int>();
    timers.push_back(timer);
    return timer;
  });
  const auto responder =
      open(calls, "/infer", R"({"inputs": "Once", "parameters": {"max_new_tokens": 2, "timeout": 65535}})");
  ASSERT_EQ(timers.size(), 1U);
  EXPECT_FALSE(timers[0].expired());
  while (responder->sent.empty()) steps_.next([&](const StepEvents& events) { calls.deliver(events); });
  EXPECT_TRUE(timers[0].expired());
}

}  // namespace
}  // namespace caravan::serve
