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

EncodeSegment segment_encoder(const std::shared_ptr<Processor>& processor, bool legacy) {
  return [processor, legacy](std::string_view text, bool at_start, std::vector<int32_t>& ids) {
    if (!legacy && !at_start) return append_continued(*processor, text, ids);
    const std::vector<int> segment = encoded(*processor, std::string(text));
    ids.insert(ids.end(), segment.begin(), segment.end());
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
                          processor->IdToPiece(probe.front()).starts_with("\xE2\x96\x81");
  parts.decoding = sentencepiece_rules(adds_space);
  parts.kind = "SentencePiece (tokenizer.model)";
  parts.normalize = [](const std::string& text) { return text; };
  parts.encode_segment = segment_encoder(processor, config.legacy);
  return parts;
}

}  // namespace caravan
