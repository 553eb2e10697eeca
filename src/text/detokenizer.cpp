#include "text/detokenizer.h"

#include <algorithm>

#include "base/utf8.h"

namespace caravan {

namespace {

constexpr const char* kReplacement = "\xEF\xBF\xBD";

}  // namespace

Detokenizer::Detokenizer(const Tokenizer& tokenizer, std::span<const int32_t> before, bool skip_special)
    : tokenizer_(tokenizer), skip_special_(skip_special) {
  at_start_ = std::all_of(before.begin(), before.end(),
                          [&](int32_t id) { return skip_special && tokenizer.is_special(id); });
}

std::string Detokenizer::push(int32_t id) {
  if (skip_special_ && tokenizer_.is_special(id)) return {};
  const TokenBytes& token = tokenizer_.bytes_of(id);
  std::string done;
  if (token.raw_byte != pending_is_raw_ && !pending_.empty()) done = flush();
  pending_is_raw_ = token.raw_byte;
  pending_ += token.bytes;
  const size_t incomplete = utf8_incomplete_tail(pending_);
  std::string complete = pending_.substr(0, pending_.size() - incomplete);
  pending_.erase(0, complete.size());
  if (!pending_is_raw_) return done + shown(utf8_repaired(complete));
  // Each raw byte that is no part of a character shows as one U+FFFD.
  std::string text;
  size_t at = 0;
  while (at < complete.size()) {
    const size_t length = utf8_length_at(complete, at);
    text += length == 0 ? kReplacement : complete.substr(at, length);
    at += std::max<size_t>(1, length);
  }
  return done + shown(text);
}

std::string Detokenizer::flush() {
  std::string text;
  if (pending_is_raw_) {
    for (size_t i = 0; i < pending_.size(); ++i) text += kReplacement;
  } else {
    text = utf8_repaired(pending_);
  }
  pending_.clear();
  return shown(text);
}

std::string Detokenizer::shown(std::string text) {
  if (text.empty() || !at_start_) return text;
  at_start_ = false;
  if (tokenizer_.strips_leading_space() && text.front() == ' ') text.erase(0, 1);
  return text;
}

}  // namespace caravan
