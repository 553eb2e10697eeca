#include "serve/openai/logprobs.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/utf8.h"
#include "serve/api/prompt.h"
#include "text/detokenizer.h"

namespace caravan::serve::openai {

namespace {

constexpr double kNever = -9999.0;

double finite(double logprob) { return std::isfinite(logprob) ? logprob : kNever; }

Json byte_list(const std::string& bytes) {
  Json list = Json::array();
  for (const char byte : bytes) list.push_back(static_cast<unsigned char>(byte));
  return list;
}

Json chat_token(const ModelView& model, int32_t id, double logprob) {
  const std::string bytes = token_bytes(model, id);
  return {{"token", utf8_repaired(bytes)}, {"logprob", finite(logprob)}, {"bytes", byte_list(bytes)}};
}

/// The likeliest, at most `top` of them.
std::vector<TopToken> likeliest(const TokenResult& token, size_t top) {
  return {token.top.begin(),
          token.top.begin() + static_cast<std::ptrdiff_t>(std::min(top, token.top.size()))};
}

}  // namespace

std::string TokenLabels::label(int32_t id) const {
  if (as_ids) return "token_id:" + std::to_string(id);
  std::string bytes = token_bytes(*model, id);
  if (!utf8_first_invalid(bytes)) return bytes;
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string label = "bytes:";
  for (const char byte : bytes) {
    const auto value = static_cast<unsigned char>(byte);
    label += "\\x";
    label += kDigits[value >> 4U];
    label += kDigits[value & 15U];
  }
  return label;
}

void CompletionLogprobs::add(const TokenResult& token, int64_t offset) {
  tokens_.push_back(labels_.label(token.id));
  text_offset_.push_back(offset);
  if (!token.logprob) {
    token_logprobs_.push_back(nullptr);
    top_logprobs_.push_back(nullptr);
    return;
  }
  token_logprobs_.push_back(finite(*token.logprob));
  Json top = Json::object();
  // Of tokens that are written alike the likelier one counts.
  for (const TopToken& other : likeliest(token, top_)) {
    const std::string name = labels_.label(other.id);
    if (!top.contains(name)) top[name] = finite(other.logprob);
  }
  const std::string own = labels_.label(token.id);
  if (!top.contains(own)) top[own] = finite(*token.logprob);
  top_logprobs_.push_back(std::move(top));
}

Json CompletionLogprobs::json() const {
  return {{"tokens", tokens_},
          {"token_logprobs", token_logprobs_},
          {"top_logprobs", top_logprobs_},
          {"text_offset", text_offset_}};
}

Json chat_logprobs(const ModelView& model, const std::vector<TokenResult>& tokens, size_t top) {
  Json content = Json::array();
  for (const TokenResult& token : tokens) {
    Json entry = chat_token(model, token.id, token.logprob.value_or(kNever));
    entry["top_logprobs"] = Json::array();
    for (const TopToken& other : likeliest(token, top))
      entry["top_logprobs"].push_back(chat_token(model, other.id, other.logprob));
    content.push_back(std::move(entry));
  }
  return {{"content", std::move(content)}, {"refusal", nullptr}};
}

Json prompt_logprobs(const ModelView& model, const std::vector<TokenResult>& tokens, size_t top) {
  Json list = Json::array();
  for (const TokenResult& token : tokens) {
    if (!token.logprob) {
      list.push_back(nullptr);
      continue;
    }
    Json entry = Json::object();
    const auto add = [&](int32_t id, double logprob, int64_t rank) {
      entry[std::to_string(id)] = {{"logprob", finite(logprob)},
                                   {"rank", rank},
                                   {"decoded_token", utf8_repaired(token_bytes(model, id))}};
    };
    add(token.id, *token.logprob, token.rank);
    int64_t rank = 0;
    for (const TopToken& other : likeliest(token, top)) {
      ++rank;
      if (other.id != token.id) add(other.id, other.logprob, rank);
    }
    list.push_back(std::move(entry));
  }
  return list;
}

int64_t characters(std::string_view text) {
  return std::count_if(text.begin(), text.end(),
                       [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; });
}

std::vector<int64_t> prompt_offsets(const ModelView& model, const std::vector<int32_t>& prompt,
                                    std::string_view text) {
  Detokenizer detokenizer(*model.tokenizer, {}, true);
  std::vector<int64_t> offsets;
  size_t at = 0;
  int64_t before = 0;
  for (const int32_t id : prompt) {
    offsets.push_back(before);
    const bool special = model.tokenizer->is_special(id);
    const std::string piece = special ? model.tokenizer->token_text(id) : detokenizer.push(id);
    const std::string_view rest = text.substr(at);
    // A special token takes room only where it stands in the text; a normalizer may have changed other text.
    if (special && !rest.starts_with(piece)) continue;
    const std::string_view taken = rest.substr(0, piece.size());
    at += taken.size();
    before += characters(taken);
  }
  return offsets;
}

}  // namespace caravan::serve::openai
