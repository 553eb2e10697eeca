#include "cli/load/http_client.h"

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <chrono>
#include <limits>
#include <optional>
#include <set>
#include <type_traits>
#include <vector>

#include "base/error.h"

namespace caravan::load {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;
using Deadline = std::chrono::steady_clock::time_point;

struct HttpClient::Shared {
  explicit Shared(asio::io_context& context) : io(context), tls(asio::ssl::context::tls_client) {}

  asio::io_context& io;
  asio::ssl::context tls;
  Url url;
  HttpOptions options;
  tcp::resolver::results_type endpoints;
  std::vector<std::shared_ptr<Connection>> idle;
  std::set<Connection*> all;  ///< each from its construction to its destruction
  bool stopped = false;
};

class HttpClient::Connection : public std::enable_shared_from_this<Connection> {
 public:
  explicit Connection(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {
    shared_->all.insert(this);
  }
  virtual ~Connection() { shared_->all.erase(this); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  virtual void run(HttpCall call, Deadline deadline, std::shared_ptr<HttpExchange> exchange) = 0;
  virtual void close() = 0;

  static std::shared_ptr<Connection> make(const std::shared_ptr<Shared>& shared);

 protected:
  [[nodiscard]] Shared& shared() const { return *shared_; }
  [[nodiscard]] const std::shared_ptr<Shared>& shared_pointer() const { return shared_; }

 private:
  std::shared_ptr<Shared> shared_;
};

template <typename Stream>
class HttpClient::ConnectionOf final : public Connection {
 public:
  template <typename... Parts>
  explicit ConnectionOf(std::shared_ptr<Shared> shared, Parts&&... parts)
      : Connection(std::move(shared)), stream_(std::forward<Parts>(parts)...) {}

  void run(HttpCall call, Deadline deadline, std::shared_ptr<HttpExchange> exchange) override {
    call_ = std::move(call);
    deadline_ = deadline;
    exchange_ = std::move(exchange);
    answered_ = false;
    lowest().expires_at(deadline_);
    reused_ = connected_;
    if (connected_) return write();
    lowest().async_connect(this->shared().endpoints,
                           beast::bind_front_handler(&ConnectionOf::on_connected, self()));
  }

  void close() override { lowest().close(); }

 private:
  static constexpr bool kTls = !std::is_same_v<Stream, beast::tcp_stream>;

  std::shared_ptr<ConnectionOf> self() {
    return std::static_pointer_cast<ConnectionOf>(this->shared_from_this());
  }
  auto& lowest() { return beast::get_lowest_layer(stream_); }

  void on_connected(error_code error, const tcp::endpoint& /*endpoint*/) {
    if (error) return fail_with(error, HttpFailure::kConnect);
    error_code ignored;  // without it small packets may wait for each other, which is no failure
    lowest().socket().set_option(tcp::no_delay(true), ignored);
    if constexpr (kTls) {
      stream_.async_handshake(asio::ssl::stream_base::client,
                              beast::bind_front_handler(&ConnectionOf::on_handshake, self()));
    } else {
      on_handshake({});
    }
  }

  void on_handshake(error_code error) {
    if (error) return fail_with(error, HttpFailure::kConnect);
    connected_ = true;
    write();
  }

  void write() {
    const Url& url = this->shared().url;
    request_ = {};
    request_.version(11);
    request_.method(http::string_to_verb(call_.method));
    request_.target(url.path + call_.path);
    request_.set(http::field::host, url.authority());
    request_.set(http::field::user_agent, "caravan");
    request_.set(http::field::accept, "text/event-stream, application/json");
    const std::string& key = this->shared().options.api_key;
    if (!key.empty()) request_.set(http::field::authorization, "Bearer " + key);
    if (!call_.body.empty()) request_.set(http::field::content_type, "application/json");
    request_.body() = call_.body;
    request_.prepare_payload();
    http::async_write(stream_, request_, beast::bind_front_handler(&ConnectionOf::on_written, self()));
  }

  void on_written(error_code error, size_t /*bytes*/) {
    if (error) return fail_with(error, HttpFailure::kBroken);
    parser_.emplace();
    // Boost 1.74 takes no limit at all for a limit below every length.
    parser_->body_limit(std::numeric_limits<uint64_t>::max());
    http::async_read_header(stream_, buffer_, *parser_,
                            beast::bind_front_handler(&ConnectionOf::on_head, self()));
  }

  void on_head(error_code error, size_t bytes) {
    answered_ = bytes > 0;
    if (error) return fail_with(error, HttpFailure::kBroken);
    // From here on everything that has arrived is taken at once.
    parser_->eager(true);
    const boost::string_view type = parser_->get()[http::field::content_type];
    exchange_->on_head(static_cast<int>(parser_->get().result_int()), {type.data(), type.size()});
    take_body();
  }

  /// Tells what has arrived of the body, and waits for more. Not by http::async_read_some: that keeps a chunk
  /// back until the next one begins.
  void take_body() {
    error_code error;
    while (!error && buffer_.size() > 0 && !parser_->is_done()) {
      parser_->get().body().data = part_.data();
      parser_->get().body().size = part_.size();
      buffer_.consume(parser_->put(buffer_.data(), error));
      const size_t size = part_.size() - parser_->get().body().size;
      if (size > 0 && !exchange_->on_body({part_.data(), size})) return finish(false);
      if (error == http::error::need_buffer) error = {};
    }
    if (error && error != http::error::need_more) return fail_with(error, HttpFailure::kBroken);
    if (parser_->is_done()) return finish(parser_->get().keep_alive());
    stream_.async_read_some(buffer_.prepare(part_.size()),
                            beast::bind_front_handler(&ConnectionOf::on_body, self()));
  }

  void on_body(error_code error, size_t bytes) {
    buffer_.commit(bytes);
    if (error == asio::error::eof) {
      parser_->put_eof(error);
      if (!error) return finish(false);
    }
    if (error) return fail_with(error, HttpFailure::kBroken);
    take_body();
  }

  void finish(bool keep) {
    const std::shared_ptr<HttpExchange> exchange = std::move(exchange_);
    if (keep && !this->shared().stopped) {
      lowest().expires_never();
      this->shared().idle.push_back(self());
    } else {
      lowest().close();
    }
    exchange->on_end();
  }

  void fail_with(error_code error, HttpFailure failure) {
    const std::shared_ptr<HttpExchange> exchange = std::move(exchange_);
    lowest().close();
    if (this->shared().stopped) return exchange->on_failure(HttpFailure::kStopped, "stopped");
    if (error == beast::error::timeout) return exchange->on_failure(HttpFailure::kTimeout, timeout_message());
    if (reused_ && !answered_)
      return make(this->shared_pointer())->run(std::move(call_), deadline_, exchange);
    exchange->on_failure(failure, error.message());
  }

  [[nodiscard]] std::string timeout_message() const {
    if (!connected_) return "no connection within --timeout";
    return answered_ ? "not done within --timeout" : "no answer within --timeout";
  }

  Stream stream_;
  HttpCall call_;
  Deadline deadline_;
  std::shared_ptr<HttpExchange> exchange_;
  http::request<http::string_body> request_;
  beast::flat_buffer buffer_;
  std::optional<http::response_parser<http::buffer_body>> parser_;
  std::array<char, 16384> part_ = {};
  bool connected_ = false;
  bool reused_ = false;
  bool answered_ = false;
};

std::shared_ptr<HttpClient::Connection> HttpClient::Connection::make(const std::shared_ptr<Shared>& shared) {
  using TlsStream = beast::ssl_stream<beast::tcp_stream>;
  if (!shared->url.tls) return std::make_shared<ConnectionOf<beast::tcp_stream>>(shared, shared->io);
  TlsStream stream(beast::tcp_stream(shared->io), shared->tls);
  // The name in the clear, for servers that have several (RFC 6066); OpenSSL takes it as a void*.
  SSL_ctrl(stream.native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
           const_cast<char*>(shared->url.host.c_str()));
  if (shared->options.verify_tls)
    stream.set_verify_callback(asio::ssl::host_name_verification(shared->url.host));
  return std::make_shared<ConnectionOf<TlsStream>>(shared, std::move(stream));
}

HttpClient::HttpClient(asio::io_context& io, const Url& url, const HttpOptions& options)
    : shared_(std::make_shared<Shared>(io)) {
  shared_->url = url;
  shared_->options = options;
  error_code error;
  tcp::resolver resolver(io);
  shared_->endpoints = resolver.resolve(url.host, url.port, error);
  if (error) fail(url.authority(), ": ", error.message(), ", expected the name of a machine");
  if (!url.tls) return;
  shared_->tls.set_default_verify_paths(error);
  shared_->tls.set_verify_mode(options.verify_tls ? asio::ssl::verify_peer : asio::ssl::verify_none);
}

HttpClient::~HttpClient() { stop(); }

void HttpClient::start(HttpCall call, std::shared_ptr<HttpExchange> exchange) {
  CARAVAN_CHECK(!shared_->stopped);
  const Deadline deadline =
      std::chrono::steady_clock::now() +
      std::chrono::duration_cast<Deadline::duration>(std::chrono::duration<double>(call.timeout_s));
  std::shared_ptr<Connection> connection;
  if (shared_->idle.empty()) {
    connection = Connection::make(shared_);
  } else {
    connection = std::move(shared_->idle.back());
    shared_->idle.pop_back();
  }
  connection->run(std::move(call), deadline, std::move(exchange));
}

void HttpClient::stop() {
  shared_->stopped = true;
  for (Connection* connection : shared_->all) connection->close();
  const std::vector<std::shared_ptr<Connection>> idle = std::move(shared_->idle);
  shared_->idle.clear();
}

}  // namespace caravan::load
