// A model behind HTTP: the server, its dialects, and the engine's thread, put together.
//
// It listens at once and answers 503 until the model is loaded. Three threads share the work: the I/O thread
// (all sockets, all answers), the engine's, and a worker that reads requests, which may be long. Thread
// safety: run() on one thread; the rest as said.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "serve/api_keys.h"
#include "serve/calls.h"
#include "serve/http/server.h"
#include "serve/router.h"
#include "serve/worker.h"
#include "text/grammar/token_trie.h"

namespace caravan::serve {

struct ServeOptions {
  http::ServerOptions http;
  std::optional<std::filesystem::path> api_key_file;
  int64_t max_waiting = 1024;           ///< generations that may wait beside those that run
  std::chrono::seconds drain_time{30};  ///< for what runs to finish, once told to stop
};

/// What is known of a model before its weights are loaded. The view's pointers belong to the caller.
struct ServedModel {
  ModelView view;  ///< without what the engine decides: dtype, max_context, max_sequences …
  /// Throws LoadStopped where `stop` is requested before the engine is made.
  std::function<std::unique_ptr<Engine>(const std::stop_token& stop)> make_engine;
};

class ModelServer {
 public:
  /// Listens. Throws Error where that fails, or on a bad key file.
  ModelServer(const ServeOptions& options, ServedModel model);
  ~ModelServer();

  [[nodiscard]] uint16_t port() const { return http_.port(); }
  /// Loads the model and serves until stopped. `ready` is called on the I/O thread once requests are taken.
  /// Throws what loading throws, but ends without a word where loading was stopped.
  void run(const std::function<void()>& ready = {});
  /// Finishes what runs, refuses what is new, then ends run(), after drain_time at the latest. A model that
  /// is still loading is given up. Any thread.
  void drain();
  /// Ends run() now. Any thread.
  void stop();

  [[nodiscard]] const EngineService& engine() const { return *engine_; }

 private:
  struct Prepared;

  void load();
  void finish_loading();
  void handle(http::Request request, const std::shared_ptr<http::Responder>& responder);
  /// Reads the request as its route says. On the worker's thread, or the I/O thread where there is no body.
  [[nodiscard]] Prepared prepare(const Match& match, const http::Request& request,
                                 const ServerStatus& status) const;
  /// Does what the request asks for. On the I/O thread.
  void carry_out(Prepared prepared, CallOrigin origin, const std::shared_ptr<http::Responder>& responder);
  [[nodiscard]] std::optional<Failure> refuse_key(http::Request& request, std::string& client) const;
  /// Stops once every request is answered and every answer sent.
  void stop_when_idle();

  ServeOptions options_;
  ServedModel model_;
  ModelView view_;
  ApiKeys keys_;
  Router router_;
  ServerMetrics metrics_;
  http::Server http_;
  std::shared_ptr<const TokenTrie> trie_;
  std::unique_ptr<EngineService> engine_;
  std::unique_ptr<Calls> calls_;
  std::thread loader_;
  std::stop_source loading_;
  std::exception_ptr load_error_;
  std::function<void()> ready_;
  bool draining_ = false;
  std::unique_ptr<Worker> worker_;
};

}  // namespace caravan::serve
