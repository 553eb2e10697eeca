#include "serve_http/running_server.h"

#include <future>
#include <utility>

namespace caravan::test {

RunningServer::RunningServer(http::Handler handler, const http::ServerOptions& options)
    : server_(std::make_unique<http::Server>(options, std::move(handler))),
      thread_([server = server_.get()] { server->run(); }) {}

RunningServer::~RunningServer() { end(); }

void RunningServer::end() {
  if (!server_) return;
  server_->stop();
  thread_.join();
  server_.reset();
}

void RunningServer::on_io(const std::function<void()>& work) {
  std::promise<void> done;
  server_->post([&] {
    work();
    done.set_value();
  });
  done.get_future().wait();
}

std::unique_ptr<Client> RunningServer::client(int receive_buffer) {
  auto client = std::make_unique<Client>(receive_buffer);
  client->connect(server_->port());
  return client;
}

Reply RunningServer::ask(const std::string& text) {
  const auto one = client();
  one->send(text);
  return one->reply(text.starts_with("HEAD "));
}

bool eventually(const std::function<bool()>& holds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!holds()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

void echo(const http::Request& request, const std::shared_ptr<http::Responder>& responder) {
  std::string text = request.method + " " + request.path + "\n";
  for (const auto& [name, value] : request.query) text.append(name).append("=").append(value).append("\n");
  responder->send({200, "text/plain", text + request.body, {}});
}

http::Handler Held::handler(bool streams) {
  return [this, streams](http::Request request, const std::shared_ptr<http::Responder>& responder) {
    responder->on_gone([this] { ++gone; });
    if (streams) responder->start({200, "text/event-stream", "", {}});
    requests.push_back(std::move(request));
    responders.push_back(responder);
  };
}

}  // namespace caravan::test
