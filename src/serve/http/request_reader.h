// Bytes to one request, by Boost.Beast's parser, with our limits and our reading of what HTTP leaves open.
//
// Invariants: after feed() has thrown, or complete() is true and take() was called, only destruction is left.
// Keeps no copy of bytes that it has not consumed. Thread safety: one thread at a time.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "serve/http/message.h"

namespace caravan::http {

/// A request that no handler sees: the status that it is answered with, and why.
class RefusedRequest : public Error {
 public:
  RefusedRequest(int status, const std::string& message) : Error(message), status_(status) {}
  [[nodiscard]] int status() const { return status_; }

 private:
  int status_;
};

struct RequestLimits {
  size_t max_header_bytes = 0;  ///< request line and header fields; also one chunk's line, or the trailers
  size_t max_body_bytes = 0;    ///< without the chunks' framing
};

struct ReceivedRequest {
  Request request;          ///< but for peer and from_loopback
  bool head_only = false;   ///< it was a HEAD
  bool http_1_0 = false;    ///< the client knows no chunks
  bool keep_alive = false;  ///< the client wants to go on
};

class RequestReader {
 public:
  explicit RequestReader(const RequestLimits& limits);
  ~RequestReader();
  RequestReader(const RequestReader&) = delete;
  RequestReader& operator=(const RequestReader&) = delete;

  /// Takes what it can from the front of `bytes` and returns how many that was; the rest is to come again
  /// with more behind it. Stops at the request's end. Throws RefusedRequest: 400, 413, 417, 431 or 501.
  size_t feed(std::string_view bytes);

  /// Something other than empty lines has come.
  [[nodiscard]] bool begun() const;
  [[nodiscard]] bool complete() const;
  /// True once, where the client waits for "100 Continue" before it sends the body.
  [[nodiscard]] bool take_wish_to_continue();
  /// The id that the request has, or will have: the client's where it has come and is sane, else a new one.
  [[nodiscard]] const std::string& id();
  /// Whether the request is a HEAD, as far as read.
  [[nodiscard]] bool head_only() const;
  /// The request, once complete.
  [[nodiscard]] ReceivedRequest take();

 private:
  class Parser;
  RequestLimits limits_;
  std::unique_ptr<Parser> parser_;
  size_t header_bytes_ = 0;  ///< consumed
  std::string id_;
};

}  // namespace caravan::http
