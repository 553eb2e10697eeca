// A server that is told to stop while its model is still loading.
#include <gtest/gtest.h>

#include <future>

#include "serve/model_server.h"
#include "support/paths.h"

namespace caravan::serve {
namespace {

/// Never gets ready: it loads until it is told to stop.
class LoadingServer {
 public:
  LoadingServer() : tokenizer_(load_tokenizer(test::source_dir() / "models" / "demo").value()) {
    ModelView view;
    view.name = "demo";
    view.tokenizer = &tokenizer_;
    const auto load = [this](const std::stop_token& stop) -> std::unique_ptr<Engine> {
      std::promise<void> stopped;
      const std::stop_callback callback(stop, [&stopped] { stopped.set_value(); });
      begun_.set_value();
      stopped.get_future().wait();
      throw LoadStopped();
    };
    ServeOptions options;
    options.http.port = 0;
    server_ = std::make_unique<ModelServer>(options, ServedModel{view, load});
    ended_ = std::async(std::launch::async, [this] { server_->run(); });
    begun_.get_future().wait();
  }

  [[nodiscard]] ModelServer& server() { return *server_; }
  /// Waits for run(), and throws what it throws.
  void join() { ended_.get(); }

 private:
  Tokenizer tokenizer_;
  std::promise<void> begun_;
  std::unique_ptr<ModelServer> server_;
  std::future<void> ended_;
};

TEST(LoadingServer, GivesUpTheModelWhenItIsDrained) {
  LoadingServer loading;
  loading.server().drain();
  EXPECT_NO_THROW(loading.join());
}

TEST(LoadingServer, GivesUpTheModelWhenItIsStopped) {
  LoadingServer loading;
  loading.server().stop();
  EXPECT_NO_THROW(loading.join());
}

}  // namespace
}  // namespace caravan::serve
