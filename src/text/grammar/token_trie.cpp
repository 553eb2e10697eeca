#include "text/grammar/token_trie.h"

#include <algorithm>

namespace caravan {

namespace {

std::vector<std::string> plain_bytes(const Tokenizer& tokenizer) {
  std::vector<std::string> bytes(static_cast<size_t>(tokenizer.vocab_size()));
  for (int32_t id = 0; id < tokenizer.vocab_size(); ++id) {
    if (!tokenizer.is_special(id)) bytes[static_cast<size_t>(id)] = tokenizer.bytes_of(id).bytes;
  }
  return bytes;
}

}  // namespace

TokenTrie::TokenTrie(const Tokenizer& tokenizer) : TokenTrie(plain_bytes(tokenizer)) {}

TokenTrie::TokenTrie(std::vector<std::string> bytes_by_id) : bytes_(std::move(bytes_by_id)) {
  for (size_t id = 0; id < bytes_.size(); ++id) {
    if (!bytes_[id].empty()) tokens_.push_back(static_cast<int32_t>(id));
  }
  std::stable_sort(tokens_.begin(), tokens_.end(),
                   [this](int32_t a, int32_t b) { return bytes_of(a) < bytes_of(b); });
  std::vector<uint32_t> path;  // the nodes above the next one
  std::string_view before;
  for (uint32_t at = 0; at < tokens_.size(); ++at) {
    const std::string_view bytes = bytes_of(tokens_[at]);
    const auto different = std::mismatch(before.begin(), before.end(), bytes.begin(), bytes.end()).first;
    const auto common = static_cast<size_t>(different - before.begin());
    for (; path.size() > common; path.pop_back())
      nodes_[path.back()].end = static_cast<uint32_t>(nodes_.size());
    for (size_t i = common; i < bytes.size(); ++i) {
      path.push_back(static_cast<uint32_t>(nodes_.size()));
      const auto depth = static_cast<uint32_t>(path.size());
      nodes_.push_back({.end = 0, .first_token = at, .depth = depth, .byte = static_cast<uint8_t>(bytes[i])});
      // Only the last place of the path has the token; those before it have none, and so end where they
      // begin.
    }
    max_depth_ = std::max(max_depth_, static_cast<uint32_t>(path.size()));
    before = bytes;
  }
  for (; !path.empty(); path.pop_back()) nodes_[path.back()].end = static_cast<uint32_t>(nodes_.size());
  nodes_.push_back({.end = static_cast<uint32_t>(nodes_.size()),
                    .first_token = static_cast<uint32_t>(tokens_.size()),
                    .depth = 0,
                    .byte = 0});
}

std::string_view TokenTrie::bytes_of(int32_t id) const {
  if (id < 0 || id >= vocab_size()) return {};
  return bytes_[static_cast<size_t>(id)];
}

}  // namespace caravan
