#include "text/tokenizer_json.h"

#include <limits>

#include "base/error.h"
#include "base/json.h"
#include "text/bpe.h"
#include "text/bpe_words.h"
#include "text/normalizer.h"
#include "text/post_processor.h"
#include "text/pre_tokenizer.h"

namespace caravan {

namespace {

/// Eight times the largest published vocabulary; it bounds the tables that ids index.
constexpr int64_t kMaxId = 2'000'000;

void place_token(TokenizerParts& parts, int32_t id, const std::string& text, const std::string& source) {
  const auto index = static_cast<size_t>(id);
  if (index >= parts.tokens.size()) parts.tokens.resize(index + 1);
  std::string& token = parts.tokens[index];
  if (!token.empty() && token != text) {
    fail(source, ": the id ", id, " belongs to both ", in_quotes(token), " and ", in_quotes(text),
         ", expected one token for each id");
  }
  token = text;
}

void read_vocab(const JsonObject& model, BpeModel& bpe, TokenizerParts& parts) {
  const std::optional<JsonObject> vocab = model.object("vocab");
  if (!vocab) model.wrong("vocab", "an object of tokens and ids");
  for (const auto& [token, id] : vocab->json().items()) {
    if (!id.is_number_unsigned() || id.get<uint64_t>() > static_cast<uint64_t>(kMaxId)) {
      fail(model.source(), ": the id of the token ", in_quotes(token), " is ", describe(id),
           ", expected an integer from 0 to ", kMaxId);
    }
    const auto number = id.get<int32_t>();
    bpe.vocab.emplace(token, number);
    place_token(parts, number, token, model.source());
  }
}

/// "a b", or since 2024 ["a", "b"].
std::pair<std::string, std::string> read_merge(const Json& merge, const std::string& source) {
  if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
    return {merge[0].get<std::string>(), merge[1].get<std::string>()};
  }
  if (merge.is_string()) {
    const auto& text = merge.get_ref<const std::string&>();
    const size_t space = text.find(' ');
    if (space != std::string::npos && text.find(' ', space + 1) == std::string::npos) {
      return {text.substr(0, space), text.substr(space + 1)};
    }
  }
  fail(source, ": a merge is ", describe(merge), ", expected two tokens such as \"t h\" or [\"t\", \"h\"]");
}

int32_t id_of(const BpeModel& bpe, const std::string& token, const std::string& source) {
  const auto found = bpe.vocab.find(token);
  if (found == bpe.vocab.end())
    fail(source, ": a merge names ", in_quotes(token), ", which is not in the vocabulary");
  return found->second;
}

void read_merges(const JsonObject& model, BpeModel& bpe) {
  const Json* merges = model.array("merges");
  if (merges == nullptr) model.wrong("merges", "a list of merges");
  bpe.merges.reserve(merges->size());
  int32_t rank = 0;
  for (const Json& merge : *merges) {
    const auto [left, right] = read_merge(merge, model.source());
    const Merge entry = {rank++, id_of(bpe, left + right, model.source())};
    const uint64_t key =
        BpeModel::pair_key(id_of(bpe, left, model.source()), id_of(bpe, right, model.source()));
    // A merge that is listed twice keeps its last rank, as in the original.
    bpe.merges[key] = entry;
  }
}

BpeModel read_model(const JsonObject& root, TokenizerParts& parts) {
  const std::optional<JsonObject> model = root.object("model");
  if (!model) root.wrong("model", "an object");
  // Files of before 2020 leave the type out; vocab and merges are BPE's.
  const std::string type = model->string_or("type", "BPE");
  if (type != "BPE")
    fail(root.source(), ": the model type ", in_quotes(type), " is not supported, expected BPE");
  for (const char* field : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    if (!model->string_or(field, "").empty()) model->wrong(field, "null: Caravan has no words in pieces");
  }
  if (model->number_or("dropout", 0.0, 1.0, 0.0) != 0.0)
    model->wrong("dropout", "null: it is for training only");
  BpeModel bpe;
  read_vocab(*model, bpe, parts);
  read_merges(*model, bpe);
  bpe.fuse_unknown = model->boolean_or("fuse_unk", false);
  bpe.byte_fallback = model->boolean_or("byte_fallback", false);
  bpe.ignore_merges = model->boolean_or("ignore_merges", false);
  if (model->has("unk_token")) {
    const auto found = bpe.vocab.find(model->string("unk_token"));
    if (found == bpe.vocab.end()) model->wrong("unk_token", "a token of the vocabulary");
    bpe.unknown = found->second;
  }
  return bpe;
}

void read_added_tokens(const JsonObject& root, const std::vector<Normalize>& normalizers, const BpeModel& bpe,
                       TokenizerParts& parts) {
  const Json* tokens = root.array("added_tokens");
  if (tokens == nullptr) return;
  for (const Json& entry : *tokens) {
    const JsonObject object(entry, root.source(), "added_tokens");
    AddedToken token;
    token.id = static_cast<int32_t>(object.integer("id", 0, kMaxId));
    token.content = object.string("content");
    token.special = object.boolean_or("special", false);
    token.single_word = object.boolean_or("single_word", false);
    token.lstrip = object.boolean_or("lstrip", false);
    token.rstrip = object.boolean_or("rstrip", false);
    token.normalized = object.boolean_or("normalized", !token.special);
    // The vocabulary's id wins, as in the original.
    if (const auto known = bpe.vocab.find(token.content); known != bpe.vocab.end()) token.id = known->second;
    place_token(parts, token.id, token.content, root.source());
    if (token.normalized) {
      parts.normalized_finder.add(normalized(normalizers, token.content), token);
    } else {
      parts.raw_finder.add(token.content, token);
    }
    parts.added.push_back(std::move(token));
  }
}

}  // namespace

TokenizerParts parse_tokenizer_json(std::string_view text, const std::string& source) {
  const Json json = parse_json(text, source);
  const JsonObject root(json, source);
  TokenizerParts parts;
  const BpeModel bpe = read_model(root, parts);
  std::vector<Normalize> normalizers;
  if (const Json* normalizer = root.find("normalizer")) normalizers = parse_normalizers(*normalizer, source);
  read_added_tokens(root, normalizers, bpe, parts);
  std::vector<Cut> cuts;
  if (const Json* pre_tokenizer = root.find("pre_tokenizer"))
    cuts = parse_pre_tokenizers(*pre_tokenizer, source);
  if (const Json* decoder = root.find("decoder")) parts.decoding = parse_decoder(*decoder, source);
  if (const Json* post_processor = root.find("post_processor"))
    parse_post_processor(*post_processor, source, parts);
  parts.kind = parts.decoding.byte_level ? "byte-level BPE (tokenizer.json)" : "BPE (tokenizer.json)";
  parts.normalize = [normalizers](const std::string& part) { return normalized(normalizers, part); };
  parts.encode_segment = bpe_words(bpe, std::move(cuts));
  return parts;
}

}  // namespace caravan
