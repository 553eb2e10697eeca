// GGUF files from untrusted hands: whatever the bytes, an Error, or a header that keeps its promises, a
// config that can be used, and a tokenizer whose ids lie in its vocabulary.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "base/error.h"
#include "checkpoint/gguf/blocks.h"
#include "models/config_gguf.h"
#include "text/gguf_tokenizer.h"

namespace {

using Bytes = std::span<const std::byte>;

/// What gguf_weights.cpp relies on: tensors one after the other inside the file, of the size that their shape
/// says.
void require_promises(const caravan::GgufHeader& header, uint64_t file_size) {
  uint64_t covered = 0;
  for (const caravan::GgufTensor& tensor : header.tensors) {
    if (tensor.begin < covered || tensor.end < tensor.begin) std::abort();
    covered = tensor.end;
    const caravan::GgmlTypeInfo& info = caravan::info_of(tensor.type);
    const int64_t blocks = tensor.shape.elements() / info.block_elements;
    if (tensor.end - tensor.begin != static_cast<uint64_t>(blocks * info.block_bytes)) std::abort();
  }
  if (header.data_start + covered > file_size) std::abort();
}

/// Expands the first block of each tensor, so that the sanitizers see what it reads.
void expand_some(const caravan::GgufHeader& header, Bytes data) {
  for (const caravan::GgufTensor& tensor : header.tensors) {
    const auto bytes = static_cast<size_t>(caravan::info_of(tensor.type).block_bytes);
    if (!caravan::is_expandable(tensor.type) || tensor.end - tensor.begin < bytes) continue;
    std::array<float, caravan::kMaxBlockElements> values{};
    caravan::expand_blocks(tensor.type, data.subspan(tensor.begin, bytes), values.data());
  }
}

void use_config(const caravan::GgufHeader& header, Bytes data) {
  try {
    const caravan::ModelConfig config = caravan::config_of_gguf(header, data, "fuzz");
    if (config.parameters() < 1 || config.num_heads % config.num_kv_heads != 0 || config.head_dim % 2 != 0)
      std::abort();
    for (const int32_t token : config.eos_tokens) {
      if (token < 0 || token >= config.vocab_size) std::abort();
    }
  } catch (const caravan::Error&) {
  }
}

void use_tokenizer(const caravan::GgufHeader& header) {
  try {
    std::optional<caravan::TokenizerParts> parts = caravan::parse_gguf_tokenizer(header, "fuzz");
    if (!parts.has_value()) return;
    const caravan::Tokenizer tokenizer(std::move(*parts));
    const std::vector<int32_t> ids =
        tokenizer.encode("Once upon a time, 从前 <s> 123\n\n  'LL \xF0\x9F\xA6\x99");
    for (const int32_t id : ids) {
      if (id < 0 || id >= tokenizer.vocab_size()) std::abort();
    }
    static_cast<void>(tokenizer.decode(ids, false));
  } catch (const caravan::Error&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Bytes bytes = std::as_bytes(std::span(data, size));
  try {
    const caravan::GgufHeader header = caravan::parse_gguf_header(bytes, "fuzz");
    require_promises(header, size);
    const Bytes tensors = bytes.subspan(header.data_start);
    expand_some(header, tensors);
    use_config(header, tensors);
    use_tokenizer(header);
  } catch (const caravan::Error&) {
  }
  return 0;
}
