#include "text/bpe_words.h"

#include <memory>
#include <utility>

namespace caravan {

namespace {

/// Longer words are rare, and a cache of them would be large.
constexpr size_t kMaxCachedWord = 64;
/// At most this many words are kept; then the cache starts anew. Bounds its memory to some 20 MB.
constexpr size_t kMaxCachedWords = 100'000;

struct Words {
  BpeModel model;
  std::vector<Cut> cuts;
  std::unordered_map<std::string, std::vector<int32_t>> cache;

  void encode(const std::string& word, std::vector<int32_t>& ids) {
    if (word.size() > kMaxCachedWord) return model.encode(word, ids);
    auto found = cache.find(word);
    if (found == cache.end()) {
      if (cache.size() >= kMaxCachedWords) cache.clear();
      found = cache.emplace(word, std::vector<int32_t>()).first;
      model.encode(word, found->second);
    }
    ids.insert(ids.end(), found->second.begin(), found->second.end());
  }
};

}  // namespace

EncodeSegment bpe_words(BpeModel model, std::vector<Cut> cuts) {
  const auto words = std::make_shared<Words>(Words{std::move(model), std::move(cuts), {}});
  return [words](std::string_view text, bool at_start, std::vector<int32_t>& ids) {
    for (const Word& word : cut(words->cuts, {std::string(text), at_start})) words->encode(word.text, ids);
  };
}

}  // namespace caravan
