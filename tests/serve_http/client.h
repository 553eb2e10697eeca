// A client of HTTP that sends exactly what a test gives it, over a real socket on this machine.
// Thread safety: one thread at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "serve/http/message.h"

namespace caravan::test {

struct Reply {
  int status = 0;  ///< 0: the connection ended before a status line
  http::Headers headers;
  std::string body;
  std::vector<std::string> chunks;  ///< of a chunked body, as they came
  bool complete = false;            ///< the body came to its end

  /// The first value of the header `name`, or "(none)".
  [[nodiscard]] std::string header(std::string_view name) const;
};

class Client {
 public:
  /// A socket that is not connected yet. `receive_buffer`: the system's, in bytes, 0 for its default.
  explicit Client(int receive_buffer = 0);
  virtual ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Connects to `address`, numeric IPv4 or IPv6; whether that worked.
  virtual bool connect(uint16_t port, const std::string& address = "127.0.0.1");
  /// Sends all of `bytes`; false where the connection is broken.
  virtual bool send(std::string_view bytes);
  /// What comes next, at most `size` bytes; empty at the end, on a reset, and after two silent minutes.
  virtual std::string receive(size_t size = 65536);
  /// Reads status, headers and body. `head`: the answer to a HEAD, which has no body.
  Reply reply(bool head = false);
  /// Reads status and headers only; the body is left for next_chunk().
  Reply reply_head();
  /// The next chunk of a chunked body; empty at its end, or where the connection ends.
  std::string next_chunk();
  /// Whether the server has closed, and nothing came before that.
  bool ended();
  /// Whether nothing comes for `time`.
  bool silent_for(std::chrono::milliseconds time);
  /// Sends no more, still reads.
  void shut_output();
  void close();
  /// Closes with a reset (RST).
  void reset();

 protected:
  [[nodiscard]] int descriptor() const { return descriptor_; }

 private:
  /// Everything up to and with `mark`, or all that came.
  std::string until(std::string_view mark);
  std::string exactly(size_t size);

  int descriptor_ = -1;
  std::string unread_;
};

/// "METHOD TARGET HTTP/1.1", Host, `headers` (each with its line end), Content-Length where there is a body.
std::string request_text(const std::string& method, const std::string& target,
                         const std::string& headers = "", const std::string& body = "");

}  // namespace caravan::test
