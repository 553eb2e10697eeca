// Any bytes as a guide of each kind: compiled, and its matcher fed with more of them; what a mask says of a
// token must be what the token by itself gives. Only caravan::Error may come out.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "text/grammar/matcher.h"

namespace {

using caravan::GuideSpec;

/// Every byte, and some of what guides often have.
std::shared_ptr<const caravan::TokenTrie> vocabulary() {
  static const auto trie = [] {
    std::vector<std::string> tokens;
    for (int byte = 0; byte < 256; ++byte) tokens.emplace_back(1, static_cast<char>(byte));
    for (const char* text :
         {"{\"", "\":", "\",", "\"}", "ab", "abc", "00", "你", "\xE4\xBD", "\n  ", "true", ""}) {
      tokens.emplace_back(text);
    }
    return std::make_shared<const caravan::TokenTrie>(std::move(tokens));
  }();
  return trie;
}

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> out;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    out.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return out;
}

/// Takes tokens as `choices` say, as long as there are any.
void walk(caravan::GrammarMatcher matcher, const std::string& choices) {
  const caravan::TokenTrie& trie = matcher.guide().trie();
  std::vector<uint64_t> mask(trie.mask_words());
  for (const char choice : choices) {
    (void)matcher.allowed(mask);
    std::vector<int32_t> ids;
    for (int32_t id = 0; id < trie.vocab_size(); ++id) {
      caravan::GrammarMatcher probe = matcher;
      const bool accepted = probe.accept_token(id);
      CARAVAN_CHECK_EQ(accepted,
                       ((mask[static_cast<size_t>(id) / 64] >> (static_cast<size_t>(id) % 64)) & 1U) != 0);
      if (accepted) ids.push_back(id);
    }
    if (ids.empty()) break;
    CARAVAN_CHECK(matcher.accept_token(ids[static_cast<unsigned char>(choice) % ids.size()]));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const std::string all(reinterpret_cast<const char*>(data) + 1, size - 1);
  // What stands after a zero byte is the text; before it, the guide.
  const size_t cut = std::min(all.find('\0'), all.size());
  const std::string text = all.substr(0, cut);
  const std::string rest = cut < all.size() ? all.substr(cut + 1) : "";
  constexpr GuideSpec::Kind kKinds[] = {GuideSpec::Kind::kJsonSchema, GuideSpec::Kind::kRegex,
                                        GuideSpec::Kind::kChoice, GuideSpec::Kind::kGrammar,
                                        GuideSpec::Kind::kJsonObject};
  try {
    const GuideSpec spec{.kind = kKinds[data[0] % 5], .text = text, .choices = lines(text)};
    const auto guide = caravan::compile_guide(spec, vocabulary());
    caravan::GrammarMatcher matcher(guide, {});
    (void)matcher.accept(rest);
    walk(caravan::GrammarMatcher(guide, {}), rest.substr(0, 16));
  } catch (const caravan::Error&) {
    // A guide that is wrong is what the fuzzer mostly makes.
  }
  return 0;
}
