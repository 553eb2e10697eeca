// A server in a thread of its own, and handlers for tests.
// Thread safety: one test thread.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "serve/http/server.h"
#include "serve_http/client.h"

namespace caravan::test {

class RunningServer {
 public:
  explicit RunningServer(http::Handler handler, const http::ServerOptions& options = {});
  /// Stops it and waits for its thread.
  ~RunningServer();
  RunningServer(const RunningServer&) = delete;
  RunningServer& operator=(const RunningServer&) = delete;

  http::Server& operator*() { return *server_; }
  http::Server* operator->() { return server_.get(); }
  /// Runs `work` on the I/O thread and waits for it.
  void on_io(const std::function<void()>& work);
  /// Stops the server and destroys it.
  void end();
  /// A client that is connected to it.
  std::unique_ptr<Client> client(int receive_buffer = 0);
  /// Sends `text` on a connection of its own and reads the answer.
  Reply ask(const std::string& text);

 private:
  std::unique_ptr<http::Server> server_;
  std::thread thread_;
};

/// Waits up to ten seconds until `holds`; whether it does.
bool eventually(const std::function<bool()>& holds);

/// Answers at once with "METHOD PATH", "NAME=VALUE" of the query, and the body, in lines.
void echo(const http::Request& request, const std::shared_ptr<http::Responder>& responder);

/// Keeps requests for the test to answer; touched on the I/O thread only.
struct Held {
  std::vector<http::Request> requests;
  std::vector<std::shared_ptr<http::Responder>> responders;
  size_t gone = 0;

  /// A handler that keeps everything here, and begins a stream with each where `streams`.
  http::Handler handler(bool streams);
};

}  // namespace caravan::test
