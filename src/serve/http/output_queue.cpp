#include "serve/http/output_queue.h"

#include <array>
#include <charconv>

#include "base/error.h"

namespace caravan::http {

void OutputQueue::append(std::string_view bytes) { bytes_.append(bytes); }

void OutputQueue::append_chunk(std::string_view piece) {
  if (piece.empty()) return;
  std::array<char, 16> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), piece.size(), 16).ptr;
  bytes_.append(digits.data(), end).append("\r\n").append(piece).append("\r\n");
}

void OutputQueue::consume(size_t count) {
  CARAVAN_CHECK(count <= size());
  taken_ += count;
  if (taken_ == bytes_.size()) {
    taken_ = 0;
    bytes_.clear();
    if (bytes_.capacity() > kKeptBytes) std::string().swap(bytes_);
  } else if (taken_ > bytes_.size() / 2) {
    bytes_.erase(0, taken_);
    taken_ = 0;
  }
}

void OutputQueue::clear() {
  std::string().swap(bytes_);
  taken_ = 0;
}

}  // namespace caravan::http
