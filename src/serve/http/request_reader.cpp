#include "serve/http/request_reader.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <utility>

#include "serve/http/request_id.h"
#include "serve/http/url.h"

namespace caravan::http {

namespace {

namespace beast = boost::beast;
using ErrorCode = beast::error_code;
using Text = beast::string_view;

std::string to_string(Text text) { return {text.data(), text.size()}; }

}  // namespace

/// Beast's parser, writing straight into our Request.
class RequestReader::Parser : public beast::http::basic_parser<true> {
 public:
  explicit Parser(const RequestLimits& limits) {
    // Beast counts only what it has not consumed; feed() counts all.
    header_limit(static_cast<std::uint32_t>(std::min<size_t>(limits.max_header_bytes, UINT32_MAX)));
    body_limit(limits.max_body_bytes);
    // One put() then ends where the header does, so that feed() can count it.
    eager(false);
  }

  ReceivedRequest received;
  bool wish_to_continue = false;

 private:
  void on_request_impl(beast::http::verb /*method*/, Text method, Text target, int version,
                       ErrorCode& /*error*/) override {
    received.head_only = method == "HEAD";
    received.request.method = received.head_only ? "GET" : to_string(method);
    received.http_1_0 = version == 10;
    target_ = to_string(target);
  }
  void on_response_impl(int /*status*/, Text /*reason*/, int /*version*/, ErrorCode& /*error*/) override {}
  void on_field_impl(beast::http::field /*known*/, Text name, Text value, ErrorCode& /*error*/) override {
    // After the header, these are a chunked body's trailers.
    if (!header_done_) received.request.headers.add(to_string(name), to_string(value));
  }
  void on_header_impl(ErrorCode& /*error*/) override {
    header_done_ = true;
    received.keep_alive = keep_alive();
    check_target();
    check_fields();
  }
  void on_body_init_impl(const boost::optional<std::uint64_t>& /*length*/, ErrorCode& /*error*/) override {}
  std::size_t on_body_impl(Text body, ErrorCode& /*error*/) override { return add_body(body); }
  void on_chunk_header_impl(std::uint64_t /*size*/, Text /*extensions*/, ErrorCode& /*error*/) override {}
  std::size_t on_chunk_body_impl(std::uint64_t /*remaining*/, Text body, ErrorCode& /*error*/) override {
    return add_body(body);
  }
  void on_finish_impl(ErrorCode& /*error*/) override {}

  std::size_t add_body(Text body) {
    received.request.body.append(body.data(), body.size());
    return body.size();
  }

  void check_target() {
    try {
      Target target = http::parse_target(target_);
      if (target.path == "*" && received.request.method != "OPTIONS")
        fail("the request's target is \"*\", expected a path: only OPTIONS takes \"*\"");
      received.request.path = std::move(target.path);
      received.request.query = std::move(target.query);
    } catch (const Error& error) {
      throw RefusedRequest(400, error.what());
    }
  }

  void check_fields() {
    const Headers& headers = received.request.headers;
    const auto hosts = std::count_if(headers.fields().begin(), headers.fields().end(),
                                     [](const auto& field) { return same_name(field.first, "Host"); });
    if (hosts > 1 || (hosts == 0 && !received.http_1_0)) {
      throw RefusedRequest(400, "the request has " + std::to_string(hosts) + " Host headers, expected one");
    }
    if (const auto encoding = headers.find("Transfer-Encoding")) {
      if (received.http_1_0) throw RefusedRequest(400, "HTTP/1.0 has no Transfer-Encoding");
      if (!same_name(*encoding, "chunked")) {
        throw RefusedRequest(501, "the request's Transfer-Encoding is " + in_quotes(*encoding) +
                                      ", expected \"chunked\" or none");
      }
    }
    const auto expect = headers.find("Expect");
    if (!expect || received.http_1_0) return;
    if (!same_name(*expect, "100-continue")) {
      throw RefusedRequest(
          417, "the request's Expect is " + in_quotes(*expect) + ", expected \"100-continue\" or none");
    }
    wish_to_continue = true;
  }

  std::string target_;
  bool header_done_ = false;
};

RequestReader::RequestReader(const RequestLimits& limits) : limits_(limits) {}
RequestReader::~RequestReader() = default;

size_t RequestReader::feed(std::string_view bytes) {
  size_t taken = 0;
  if (!parser_) {
    // RFC 9112 section 2.2: empty lines before a request are passed over.
    taken = std::min(bytes.find_first_not_of("\r\n"), bytes.size());
    bytes.remove_prefix(taken);
    if (bytes.empty()) return taken;
    parser_ = std::make_unique<Parser>(limits_);
  }
  ErrorCode error;
  while (!error && !bytes.empty() && !parser_->is_done()) {
    const bool in_header = !parser_->is_header_done();
    const size_t count = parser_->put(boost::asio::const_buffer(bytes.data(), bytes.size()), error);
    bytes.remove_prefix(count);
    taken += count;
    if (in_header) header_bytes_ += count;
  }
  if (error == beast::http::error::body_limit) {
    throw RefusedRequest(413, "the request's body is over " + std::to_string(limits_.max_body_bytes) +
                                  " bytes, the limit here");
  }
  const size_t header_bytes = header_bytes_ + (parser_->is_header_done() ? 0 : bytes.size());
  if (error == beast::http::error::header_limit || header_bytes > limits_.max_header_bytes) {
    throw RefusedRequest(431, "the request's headers are over " + std::to_string(limits_.max_header_bytes) +
                                  " bytes, the limit here");
  }
  if (error && error != beast::http::error::need_more)
    throw RefusedRequest(400, "the request is not valid HTTP/1.1: " + error.message());
  if (!parser_->is_done() && bytes.size() > limits_.max_header_bytes)
    throw RefusedRequest(400, "a line between the body's chunks is too long");
  return taken;
}

bool RequestReader::begun() const { return parser_ != nullptr; }
bool RequestReader::complete() const { return parser_ && parser_->is_done(); }
bool RequestReader::head_only() const { return parser_ && parser_->received.head_only; }

bool RequestReader::take_wish_to_continue() {
  return parser_ && !parser_->is_done() && std::exchange(parser_->wish_to_continue, false);
}

const std::string& RequestReader::id() {
  if (!id_.empty()) return id_;
  const auto sent = parser_ ? parser_->received.request.headers.find("X-Request-Id") : std::nullopt;
  id_ = sent && sane_request_id(*sent) ? *sent : make_request_id();
  return id_;
}

ReceivedRequest RequestReader::take() {
  CARAVAN_CHECK(complete());
  parser_->received.request.id = id();
  return std::move(parser_->received);
}

}  // namespace caravan::http
