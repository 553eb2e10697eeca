#include "text/tiktoken.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/error.h"
#include "text/bpe.h"
#include "text/bpe_words.h"
#include "text/byte_level.h"
#include "text/pre_tokenizer.h"

namespace caravan {

namespace {

constexpr const char* kLlama3Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

/// LLaMA-3.1's; the gaps up to 256 are numbered reserves.
constexpr std::array<const char*, 11> kSpecialTokens = {"<|begin_of_text|>",
                                                        "<|end_of_text|>",
                                                        "<|reserved_special_token_0|>",
                                                        "<|reserved_special_token_1|>",
                                                        "<|finetune_right_pad_id|>",
                                                        "<|reserved_special_token_2|>",
                                                        "<|start_header_id|>",
                                                        "<|end_header_id|>",
                                                        "<|eom_id|>",
                                                        "<|eot_id|>",
                                                        "<|python_tag|>"};
constexpr int32_t kNumSpecialTokens = 256;
constexpr int32_t kFirstNumberedReserve = 3;
/// Eight times LLaMA-3's.
constexpr int64_t kMaxRank = 1'000'000;
/// LLaMA-3's longest token has 128 bytes; every cut of a token is looked up, which is quadratic in its
/// length.
constexpr size_t kMaxBase64 = 2'000;

/// RFC 4648, with padding; nothing if `text` is not that.
std::optional<std::string> from_base64(std::string_view text) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  if (text.empty() || text.size() > kMaxBase64 || text.size() % 4 != 0) return std::nullopt;
  const size_t padding = text.ends_with("==") ? 2 : (text.ends_with("=") ? 1 : 0);
  std::string bytes;
  for (size_t at = 0; at < text.size(); at += 4) {
    uint32_t group = 0;
    for (size_t i = 0; i < 4; ++i) {
      const bool pad = at + i >= text.size() - padding;
      const size_t digit = pad ? 0 : kAlphabet.find(text[at + i]);
      if (digit == std::string_view::npos) return std::nullopt;
      group = (group << 6U) | static_cast<uint32_t>(digit);
    }
    for (int shift = 16; shift >= 0; shift -= 8)
      bytes += static_cast<char>((group >> static_cast<unsigned>(shift)) & 0xFFU);
  }
  bytes.resize(bytes.size() - padding);
  return bytes;
}

struct Line {
  std::string token;  ///< in the byte-level alphabet
  int32_t rank = 0;
};

std::optional<Line> parse_line(std::string_view line) {
  const size_t space = line.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  const std::optional<std::string> bytes = from_base64(line.substr(0, space));
  const std::string_view number = line.substr(space + 1);
  int32_t rank = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), rank);
  if (!bytes || error != std::errc() || end != number.data() + number.size() || rank < 0 || rank > kMaxRank) {
    return std::nullopt;
  }
  return Line{to_byte_level(*bytes), rank};
}

/// Every way of making a token from two others is a merge, and its rank is the token's.
void add_merges(BpeModel& bpe) {
  for (const auto& [token, id] : bpe.vocab) {
    for (size_t cut_at = 1; cut_at < token.size(); ++cut_at) {
      const auto left = bpe.vocab.find(token.substr(0, cut_at));
      if (left == bpe.vocab.end()) continue;
      const auto right = bpe.vocab.find(token.substr(cut_at));
      if (right != bpe.vocab.end()) bpe.merges[BpeModel::pair_key(left->second, right->second)] = {id, id};
    }
  }
}

std::string special_token(int32_t index) {
  if (index < static_cast<int32_t>(kSpecialTokens.size()))
    return kSpecialTokens.at(static_cast<size_t>(index));
  const int32_t number = index - static_cast<int32_t>(kSpecialTokens.size()) + kFirstNumberedReserve;
  return "<|reserved_special_token_" + std::to_string(number) + "|>";
}

std::vector<Cut> llama3_cuts(const std::string& source) {
  Json split = {{"type", "Split"}, {"behavior", "Isolated"}, {"invert", false}};
  split["pattern"] = {{"Regex", kLlama3Pattern}};
  const Json bytes = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}};
  std::vector<Cut> cuts = parse_pre_tokenizers(split, source);
  for (Cut& step : parse_pre_tokenizers(bytes, source)) cuts.push_back(std::move(step));
  return cuts;
}

}  // namespace

bool is_tiktoken(std::string_view bytes) {
  return parse_line(bytes.substr(0, std::min(bytes.find('\n'), bytes.size()))).has_value();
}

TokenizerParts parse_tiktoken(std::string_view bytes, const std::string& source) {
  TokenizerParts parts;
  BpeModel bpe;
  bpe.ignore_merges = true;
  size_t start = 0;
  for (size_t number = 1; start < bytes.size(); ++number) {
    const size_t end = std::min(bytes.find('\n', start), bytes.size());
    const std::optional<Line> line = parse_line(bytes.substr(start, end - start));
    if (!line) fail(source, ": line ", number, " is not a token in base64 and its rank, such as \"IQ== 0\"");
    const auto index = static_cast<size_t>(line->rank);
    if (index >= parts.tokens.size()) parts.tokens.resize(index + 1);
    if (!parts.tokens[index].empty() || !bpe.vocab.emplace(line->token, line->rank).second) {
      fail(source, ": line ", number, " repeats a token or a rank, expected each once");
    }
    parts.tokens[index] = line->token;
    start = end + 1;
  }
  add_merges(bpe);
  const auto first = static_cast<int32_t>(parts.tokens.size());
  for (int32_t i = 0; i < kNumSpecialTokens; ++i) {
    AddedToken token = {.id = first + i, .content = special_token(i), .special = true};
    parts.raw_finder.add(token.content, token);
    parts.tokens.push_back(token.content);
    parts.added.push_back(std::move(token));
  }
  parts.prefix = {first};
  parts.decoding.byte_level = true;
  parts.kind = "byte-level BPE (LLaMA-3's list of ranks)";
  parts.normalize = [](const std::string& text) { return text; };
  parts.encode_segment = bpe_words(std::move(bpe), llama3_cuts(source));
  return parts;
}

}  // namespace caravan
