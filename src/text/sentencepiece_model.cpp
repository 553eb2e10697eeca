#include "text/sentencepiece_model.h"

#include <sentencepiece_processor.h>

#include <algorithm>

#include "base/error.h"
#include "base/utf8.h"

namespace caravan {

namespace {

using Processor = sentencepiece::SentencePieceProcessor;

/// The ids of `text`. Throws Error where the library refuses it, as a damaged model may make it do.
std::vector<int> encoded(const Processor& processor, const std::string& text) {
  std::vector<int> ids;
  const auto status = processor.Encode(text, &ids);
  if (!status.ok()) {
    fail("tokenizer.model: SentencePiece cannot encode the text (", utf8_repaired(status.ToString()), ")");
  }
  return ids;
}

/// Encodes `text` without the space that the library puts before every text: after an unknown token there is
/// none.
void append_continued(const Processor& processor, std::string_view text, std::vector<int32_t>& ids) {
  const std::string& unknown = processor.IdToPiece(processor.unk_id());
  const size_t prefix = encoded(processor, unknown).size();
  const std::vector<int> whole = encoded(processor, unknown + std::string(text));
  const size_t shared = std::min(prefix, whole.size());
  ids.insert(ids.end(), whole.begin() + static_cast<std::ptrdiff_t>(shared), whole.end());
}

bool is_ascii_word(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/// The sign that stands for a space.
constexpr std::string_view kSpaceSign = "\xE2\x96\x81";

/// Whether a text may be cut before a space: no piece goes on after a space that follows something else, and
/// the library itself puts the space before what comes after the cut.
bool may_be_cut(const std::vector<std::string>& pieces, bool adds_space) {
  return adds_space && std::none_of(pieces.begin(), pieces.end(), [](const std::string& piece) {
           const size_t text = piece.find_first_not_of(kSpaceSign);
           return text != std::string::npos && piece.find(kSpaceSign, text) != std::string::npos;
         });
}

/// The library's queue of merges outgrows the caches on long texts; parts of this many bytes are encoded
/// twice as fast.
constexpr size_t kPartBytes = 4096;

/// The end of the part of `text` that begins at `begin`: at a single space between two ASCII letters or
/// digits, which no normalization changes, or at the end of the text.
size_t end_of_part(std::string_view text, size_t begin) {
  for (size_t i = begin + kPartBytes; i + 1 < text.size(); ++i) {
    if (text[i] == ' ' && is_ascii_word(text[i - 1]) && is_ascii_word(text[i + 1])) return i;
  }
  return text.size();
}

EncodeSegment segment_encoder(const std::shared_ptr<Processor>& processor, bool legacy, bool cuts) {
  return [processor, legacy, cuts](std::string_view text, bool at_start, std::vector<int32_t>& ids) {
    for (size_t begin = 0; begin < text.size();) {
      const size_t end = cuts ? end_of_part(text, begin) : text.size();
      const std::string_view part = text.substr(begin, end - begin);
      if (!legacy && !at_start && begin == 0) {
        append_continued(*processor, part, ids);
      } else {
        const std::vector<int> encoded_part = encoded(*processor, std::string(part));
        ids.insert(ids.end(), encoded_part.begin(), encoded_part.end());
      }
      begin = end + 1;  // the library puts the space before the next part
    }
  };
}

}  // namespace

TokenizerParts parse_sentencepiece(std::string_view bytes, const TokenizerConfig& config,
                                   const std::string& source) {
  const auto processor = std::make_shared<Processor>();
  const auto status = processor->LoadFromSerializedProto({bytes.data(), bytes.size()});
  if (!status.ok()) {
    fail(source, ": is neither a SentencePiece model nor a list of BPE ranks (",
         utf8_repaired(status.ToString()), ")");
  }
  TokenizerParts parts;
  for (int id = 0; id < processor->GetPieceSize(); ++id) {
    parts.tokens.push_back(processor->IdToPiece(id));
    if (!processor->IsControl(id) && !processor->IsUnknown(id)) continue;
    AddedToken token = {.id = id, .content = parts.tokens.back(), .special = true};
    parts.raw_finder.add(token.content, token);
    parts.added.push_back(std::move(token));
  }
  if (config.add_bos_token && processor->bos_id() >= 0) parts.prefix = {processor->bos_id()};
  if (config.add_eos_token && processor->eos_id() >= 0) parts.suffix = {processor->eos_id()};
  std::vector<int> probe;
  // The library says whether this model puts a space before a text only by doing it.
  const bool adds_space = processor->Encode("a", &probe).ok() && !probe.empty() &&
                          processor->IdToPiece(probe.front()).starts_with(kSpaceSign);
  parts.decoding = sentencepiece_rules(adds_space);
  parts.kind = "SentencePiece (tokenizer.model)";
  parts.normalize = [](const std::string& text) { return text; };
  parts.encode_segment = segment_encoder(processor, config.legacy, may_be_cut(parts.tokens, adds_space));
  return parts;
}

}  // namespace caravan
