#include "cli/load/fake_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>
#include <unistd.h>
#include <csignal>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <list>
#include <mutex>
#include <sstream>
#include <thread>

#include "base/json.h"

namespace caravan::test {

namespace {

/// A socket that has a free port of loopback.
int bind_to_loopback() {
  const int bound = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(bound, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    throw std::runtime_error("no port on loopback");
  return bound;
}

/// A listening socket on a free port of loopback.
int listen_on_loopback() {
  const int listener = bind_to_loopback();
  if (::listen(listener, 512) != 0) throw std::runtime_error("no port to listen on");
  return listener;
}

int port_of(int socket) {
  sockaddr_in address = {};
  socklen_t size = sizeof address;
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

std::shared_ptr<SSL_CTX> self_signed_context() {
  const std::shared_ptr<EVP_PKEY> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  const std::shared_ptr<X509> certificate(X509_new(), X509_free);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -60);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  X509_set_pubkey(certificate.get(), key.get());
  X509_NAME* name = X509_get_subject_name(certificate.get());
  const std::string host = "127.0.0.1";
  X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(host.c_str()), -1, -1, 0);
  X509_set_issuer_name(certificate.get(), name);
  X509_sign(certificate.get(), key.get(), EVP_sha256());
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  SSL_CTX_use_certificate(context.get(), certificate.get());
  SSL_CTX_use_PrivateKey(context.get(), key.get());
  return context;
}

/// A connection's bytes, in clear or not.
class Channel {
 public:
  Channel(int socket, SSL_CTX* context) : socket_(socket) {
    if (context == nullptr) return;
    tls_.reset(SSL_new(context), SSL_free);
    SSL_set_fd(tls_.get(), socket);
    open_ = SSL_accept(tls_.get()) == 1;
  }

  [[nodiscard]] bool is_open() const { return open_; }
  /// False at the end.
  bool read_more(std::string& bytes) {
    char part[65536];
    const auto size =
        tls_ ? ssize_t{SSL_read(tls_.get(), part, sizeof part)} : ::recv(socket_, part, sizeof part, 0);
    if (size <= 0) return false;
    bytes.append(part, static_cast<size_t>(size));
    return true;
  }
  bool write(const std::string& bytes) {
    size_t sent = 0;
    while (sent < bytes.size()) {
      const size_t left = bytes.size() - sent;
      const auto size = tls_ ? ssize_t{SSL_write(tls_.get(), bytes.data() + sent, static_cast<int>(left))}
                             : ::send(socket_, bytes.data() + sent, left, MSG_NOSIGNAL);
      if (size <= 0) return false;
      sent += static_cast<size_t>(size);
    }
    return true;
  }

 private:
  int socket_;
  std::shared_ptr<SSL> tls_;
  bool open_ = true;
};

/// Reads a request, which leaves in `bytes` what comes after it. False at the end.
bool read_request(Channel& channel, std::string& bytes, SeenRequest& request) {
  size_t end = 0;
  while ((end = bytes.find("\r\n\r\n")) == std::string::npos) {
    if (!channel.read_more(bytes)) return false;
  }
  request.head = bytes.substr(0, end + 2);
  bytes.erase(0, end + 4);
  std::istringstream line(request.head);
  line >> request.method >> request.path;
  const std::string field = "Content-Length: ";
  const size_t at = request.head.find(field);
  const size_t length = at == std::string::npos ? 0 : std::stoul(request.head.substr(at + field.size()));
  while (bytes.size() < length) {
    if (!channel.read_more(bytes)) return false;
  }
  request.body = bytes.substr(0, length);
  bytes.erase(0, length);
  return true;
}

}  // namespace

Reply json_reply(int status, const std::string& body) {
  return {{{0, "HTTP/1.1 " + std::to_string(status) + " Status\r\nContent-Type: application/json\r\n" +
                   "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body}},
          false};
}

Reply stream_reply(const std::vector<std::string>& events, int delay_ms) {
  Reply reply;
  reply.parts.push_back({0,
                         "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
                         "Transfer-Encoding: chunked\r\n\r\n"});
  const auto add = [&reply](int delay, const std::string& data) {
    std::ostringstream chunk;
    const std::string event = "data: " + data + "\n\n";
    chunk << std::hex << event.size() << "\r\n" << event << "\r\n";
    reply.parts.push_back({delay, chunk.str()});
  };
  for (const std::string& event : events) add(delay_ms, event);
  add(0, "[DONE]");
  reply.parts.push_back({0, "0\r\n\r\n"});
  return reply;
}

std::string text_chunk(const std::string& text) {
  return Json{{"choices", {{{"index", 0}, {"text", text}, {"finish_reason", nullptr}}}}, {"usage", nullptr}}
      .dump();
}

std::string end_chunk() {
  return Json{{"choices", {{{"index", 0}, {"text", ""}, {"finish_reason", "length"}}}}}.dump();
}

std::string usage_chunk(int64_t prompt_tokens, int64_t completion_tokens) {
  return Json{{"choices", Json::array()},
              {"usage", {{"prompt_tokens", prompt_tokens}, {"completion_tokens", completion_tokens}}}}
      .dump();
}

Reply completion_reply(const SeenRequest& request, int delay_ms) {
  const Json body = parse_json(request.body, "the request");
  const auto tokens = body["max_tokens"].get<int64_t>();
  const auto words = [](const std::string& text) { return std::count(text.begin(), text.end(), ' ') + 1; };
  const int64_t prompt = body.contains("messages")    ? words(body["messages"][0]["content"])
                         : body["prompt"].is_string() ? words(body["prompt"])
                                                      : static_cast<int64_t>(body["prompt"].size());
  std::vector<std::string> events(static_cast<size_t>(tokens), text_chunk(" a"));
  events.push_back(end_chunk());
  events.push_back(usage_chunk(prompt, tokens));
  return stream_reply(events, delay_ms);
}

struct FakeServer::State {
  Answer answer;
  std::shared_ptr<SSL_CTX> context;
  int listener = -1;
  mutable std::mutex mutex;  ///< of all that follows
  std::vector<SeenRequest> seen;
  std::vector<int> sockets;
  std::vector<std::thread> threads;
  bool ending = false;
  std::thread acceptor;

  void accept_all() {
    while (true) {
      const int socket = ::accept(listener, nullptr, nullptr);
      if (socket < 0) return;
      const std::scoped_lock lock(mutex);
      if (ending) {
        ::close(socket);
        return;
      }
      const auto number = static_cast<int>(sockets.size());
      sockets.push_back(socket);
      threads.emplace_back([this, socket, number] { serve(socket, number); });
    }
  }

  void serve(int socket, int number) {
    Channel channel(socket, context.get());
    std::string bytes;
    SeenRequest request;
    request.connection = number;
    while (channel.is_open() && read_request(channel, bytes, request)) {
      Reply reply;
      {
        const std::scoped_lock lock(mutex);
        seen.push_back(request);
        reply = answer(request);
      }
      for (const Reply::Part& part : reply.parts) {
        std::this_thread::sleep_for(std::chrono::milliseconds(part.delay_ms));
        if (part.before) part.before();
        if (!channel.write(part.bytes)) break;
      }
      if (reply.close) break;
    }
    // The descriptor is closed at the end, so that its number is not another's meanwhile.
    ::shutdown(socket, SHUT_RDWR);
  }
};

FakeServer::FakeServer(Answer answer, Security security) : state_(std::make_unique<State>()) {
  // As in the program: a peer that has gone shows as an error of write.
  std::signal(SIGPIPE, SIG_IGN);
  state_->answer = std::move(answer);
  if (security == Security::kSelfSigned) state_->context = self_signed_context();
  state_->listener = listen_on_loopback();
  state_->acceptor = std::thread([this] { state_->accept_all(); });
}

FakeServer::~FakeServer() {
  {
    const std::scoped_lock lock(state_->mutex);
    state_->ending = true;
    for (const int socket : state_->sockets) ::shutdown(socket, SHUT_RDWR);
  }
  ::shutdown(state_->listener, SHUT_RDWR);
  state_->acceptor.join();
  for (std::thread& thread : state_->threads) thread.join();
  for (const int socket : state_->sockets) ::close(socket);
  ::close(state_->listener);
}

std::string FakeServer::url() const {
  return (state_->context ? "https://127.0.0.1:" : "http://127.0.0.1:") +
         std::to_string(port_of(state_->listener));
}

std::vector<SeenRequest> FakeServer::seen() const {
  const std::scoped_lock lock(state_->mutex);
  return state_->seen;
}

std::string dead_url() {
  // Never listens, and is never closed, so that no other test's server gets the port.
  static const int bound = bind_to_loopback();
  return "http://127.0.0.1:" + std::to_string(port_of(bound));
}

}  // namespace caravan::test
