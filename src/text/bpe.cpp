#include "text/bpe.h"

#include <algorithm>
#include <queue>

#include "base/utf8.h"

namespace caravan {

namespace {

/// A symbol of the word in progress, linked to its neighbours by index; merged-away ones have id -1.
struct Symbol {
  int32_t id = 0;
  int32_t previous = -1;
  int32_t next = -1;
};

/// A merge that was possible when it was queued; it is out of date if its symbols have changed since.
struct Candidate {
  Merge merge;
  int32_t left = 0;  ///< index of the left symbol
  int32_t left_id = 0;
  int32_t right_id = 0;
};

struct GoesLater {
  bool operator()(const Candidate& a, const Candidate& b) const {
    return a.merge.rank != b.merge.rank ? a.merge.rank > b.merge.rank : a.left > b.left;
  }
};

class Merger {
 public:
  Merger(const BpeModel& model, const std::vector<int32_t>& ids) : model_(model) {
    const auto count = static_cast<int32_t>(ids.size());
    symbols_.reserve(ids.size());
    for (int32_t i = 0; i < count; ++i) {
      symbols_.push_back({ids[static_cast<size_t>(i)], i - 1, i + 1 < count ? i + 1 : -1});
    }
    for (int32_t i = 0; i + 1 < count; ++i) queue_pair(i);
  }

  void run(std::vector<int32_t>& out) {
    while (!queue_.empty()) {
      const Candidate top = queue_.top();
      queue_.pop();
      Symbol& left = at(top.left);
      if (left.id != top.left_id || left.next < 0 || at(left.next).id != top.right_id) continue;
      Symbol& right = at(left.next);
      left.id = top.merge.merged;
      left.next = right.next;
      right.id = -1;
      if (left.next >= 0) at(left.next).previous = top.left;
      if (left.previous >= 0) queue_pair(left.previous);
      queue_pair(top.left);
    }
    for (const Symbol& symbol : symbols_) {
      if (symbol.id >= 0) out.push_back(symbol.id);
    }
  }

 private:
  Symbol& at(int32_t index) { return symbols_[static_cast<size_t>(index)]; }

  void queue_pair(int32_t left) {
    const Symbol& symbol = at(left);
    if (symbol.next < 0) return;
    const int32_t right_id = at(symbol.next).id;
    const auto merge = model_.merges.find(BpeModel::pair_key(symbol.id, right_id));
    if (merge != model_.merges.end()) queue_.push({merge->second, left, symbol.id, right_id});
  }

  const BpeModel& model_;
  std::vector<Symbol> symbols_;
  std::priority_queue<Candidate, std::vector<Candidate>, GoesLater> queue_;
};

}  // namespace

std::string byte_token(unsigned char byte) {
  constexpr char kHex[] = "0123456789ABCDEF";
  return {'<', '0', 'x', kHex[byte >> 4U], kHex[byte & 15U], '>'};
}

std::optional<unsigned char> byte_of_token(std::string_view token) {
  if (token.size() != 6 || token.substr(0, 3) != "<0x" || token[5] != '>') return std::nullopt;
  unsigned value = 0;
  for (const char digit : token.substr(3, 2)) {
    value *= 16;
    if (digit >= '0' && digit <= '9') {
      value += static_cast<unsigned>(digit - '0');
    } else if (digit >= 'A' && digit <= 'F') {
      value += static_cast<unsigned>(digit - 'A') + 10;
    } else {
      return std::nullopt;
    }
  }
  return static_cast<unsigned char>(value);
}

bool BpeModel::append_bytes(std::string_view character, std::vector<int32_t>& ids) const {
  std::vector<int32_t> bytes;
  for (const char byte : character) {
    const auto token = vocab.find(byte_token(static_cast<unsigned char>(byte)));
    if (token == vocab.end()) return false;
    bytes.push_back(token->second);
  }
  ids.insert(ids.end(), bytes.begin(), bytes.end());
  return true;
}

std::vector<int32_t> BpeModel::characters(std::string_view word) const {
  std::vector<int32_t> ids;
  bool after_unknown = false;
  size_t at = 0;
  while (at < word.size()) {
    const size_t length = std::max<size_t>(1, utf8_length_at(word, at));
    const std::string_view character = word.substr(at, length);
    at += length;
    const auto known = vocab.find(std::string(character));
    if (known != vocab.end()) {
      ids.push_back(known->second);
      after_unknown = false;
    } else if (byte_fallback && append_bytes(character, ids)) {
      after_unknown = false;
    } else if (unknown.has_value()) {
      if (!after_unknown || !fuse_unknown) ids.push_back(*unknown);
      after_unknown = true;
    }
  }
  return ids;
}

void BpeModel::encode(std::string_view word, std::vector<int32_t>& ids) const {
  if (ignore_merges) {
    const auto whole = vocab.find(std::string(word));
    if (whole != vocab.end()) {
      ids.push_back(whole->second);
      return;
    }
  }
  Merger(*this, characters(word)).run(ids);
}

}  // namespace caravan
