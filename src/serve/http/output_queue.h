// Bytes on their way to one client: what was queued and not yet taken, in one piece, so that all that has
// gathered goes out in one write.
//
// Invariants: an empty queue holds no more than kKeptBytes of memory. Thread safety: one thread at a time.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace caravan::http {

class OutputQueue {
 public:
  /// Queues `bytes` as they are.
  void append(std::string_view bytes);
  /// Queues `piece` as one chunk of a chunked body (RFC 9112 section 7.1); an empty one is none.
  void append_chunk(std::string_view piece);

  [[nodiscard]] bool empty() const { return taken_ == bytes_.size(); }
  [[nodiscard]] size_t size() const { return bytes_.size() - taken_; }
  /// All that is queued; valid until the next call of another function.
  [[nodiscard]] std::string_view bytes() const { return std::string_view(bytes_).substr(taken_); }
  /// The first `count` bytes have been taken.
  void consume(size_t count);
  /// Lets go of everything.
  void clear();

  static constexpr size_t kKeptBytes = 4096;

 private:
  std::string bytes_;
  size_t taken_ = 0;
};

}  // namespace caravan::http
