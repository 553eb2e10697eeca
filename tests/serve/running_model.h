// The demo model behind a server of its own on a free port of this machine, and requests to it.
// Thread safety: one thread.
#pragma once

#include <string>
#include <thread>

#include "serve/model_server.h"
#include "serve_http/client.h"

namespace caravan::test {

struct ServerSettings {
  int64_t max_sequences = 8;
  std::optional<int64_t> kv_blocks;
  bool prefix_cache = true;
  std::optional<DType> kv_cache_dtype;
  int64_t max_batch_tokens = 512;
  int64_t max_waiting = 64;
  size_t max_queued_bytes = size_t{8} << 20U;
  std::string keys;  ///< of the key file; none where empty
};

std::unique_ptr<Engine> make_demo_engine(const ServerSettings& settings);

class RunningModel {
 public:
  explicit RunningModel(const ServerSettings& settings = {});
  ~RunningModel();
  RunningModel(const RunningModel&) = delete;
  RunningModel& operator=(const RunningModel&) = delete;

  [[nodiscard]] serve::ModelServer& server() { return *server_; }
  [[nodiscard]] uint16_t port() const { return server_->port(); }
  /// Sends one request on a connection of its own.
  [[nodiscard]] Reply ask(const std::string& method, const std::string& path, const std::string& body = "",
                          const std::string& headers = "") const;
  /// The same for a POST whose answer is JSON.
  [[nodiscard]] Json post(const std::string& path, const std::string& body) const;
  /// The value of a metric without labels but the model's.
  [[nodiscard]] double metric(const std::string& name) const;
  /// Waits until the metric has the value, a few minutes at most; whether it has.
  [[nodiscard]] bool wait_for(const std::string& name, double value) const;
  /// Waits for run() to end.
  void join();

 private:
  Tokenizer tokenizer_;
  std::optional<ChatTemplate> chat_template_;
  std::unique_ptr<serve::ModelServer> server_;
  std::thread thread_;
};

}  // namespace caravan::test
