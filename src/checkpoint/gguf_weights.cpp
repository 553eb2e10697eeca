#include "checkpoint/gguf_weights.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/error.h"
#include "checkpoint/gguf/blocks.h"

namespace caravan {

namespace {

using NamePair = std::pair<std::string_view, std::string_view>;

constexpr std::array<NamePair, 3> kGlobalNames = {{
    {"token_embd", "model.embed_tokens"},
    {"output_norm", "model.norm"},
    {"output", "lm_head"},
}};

/// After "blk.N." and "model.layers.N.".
constexpr std::array<NamePair, 9> kLayerNames = {{
    {"attn_norm", "input_layernorm"},
    {"attn_q", "self_attn.q_proj"},
    {"attn_k", "self_attn.k_proj"},
    {"attn_v", "self_attn.v_proj"},
    {"attn_output", "self_attn.o_proj"},
    {"ffn_norm", "post_attention_layernorm"},
    {"ffn_gate", "mlp.gate_proj"},
    {"ffn_up", "mlp.up_proj"},
    {"ffn_down", "mlp.down_proj"},
}};

template <size_t kCount>
std::string_view find_name(const std::array<NamePair, kCount>& names, std::string_view name) {
  const auto found =
      std::find_if(names.begin(), names.end(), [name](const NamePair& pair) { return pair.first == name; });
  return found == names.end() ? std::string_view() : found->second;
}

/// How a tensor of `type` is read; nothing if it is not, as a vector of blocks, which no converter writes.
std::optional<Encoding> encoding_of(GgmlType type, const Shape& shape) {
  const std::optional<DType> dtype = dtype_of(type);
  if (dtype && is_floating(*dtype)) return Encoding{*dtype, std::nullopt, 1, size_of(*dtype)};
  if (!is_expandable(type) || shape.rank() < 2) return std::nullopt;
  const GgmlTypeInfo& info = info_of(type);
  return Encoding{DType::kBF16, type, static_cast<size_t>(info.block_elements),
                  static_cast<size_t>(info.block_bytes)};
}

/// The key that counts the heads of the tensor of this name, or "".
std::string heads_key(const std::string& name) {
  if (name.find(".attn_q.") != std::string::npos) return "llama.attention.head_count";
  if (name.find(".attn_k.") != std::string::npos) return "llama.attention.head_count_kv";
  return "";
}

int64_t head_rows_of(const GgufTensor& tensor, const JsonObject& fields) {
  std::string key = heads_key(tensor.name);
  if (key.empty()) return 0;
  // As many for keys as for queries, unless the file says otherwise.
  if (!fields.has(key)) key = "llama.attention.head_count";
  const int64_t heads = fields.integer(key, 1, INT32_MAX);
  const int64_t rows = tensor.shape.rank() == 0 ? 1 : tensor.shape[0];
  if (rows % heads != 0 || rows / heads % 2 != 0 || rows == 0) {
    fail(fields.source(), ": the tensor ", in_quotes(tensor.name), " has ", rows,
         " rows, expected an even number for each of the ", heads, " heads of ", in_quotes(key));
  }
  return rows / heads;
}

}  // namespace

std::string hugging_face_name(std::string_view gguf_name) {
  constexpr std::string_view kLayer = "blk.";
  const size_t dot = gguf_name.rfind('.');
  if (dot == std::string_view::npos) return std::string(gguf_name);
  const std::string_view module = gguf_name.substr(0, dot);
  const std::string_view end = gguf_name.substr(dot);  // ".weight" or ".bias"
  if (!module.starts_with(kLayer)) {
    const std::string_view name = find_name(kGlobalNames, module);
    return std::string(name.empty() ? module : name).append(end);
  }
  const size_t layer_end = module.find('.', kLayer.size());
  if (layer_end == std::string_view::npos) return std::string(gguf_name);
  const std::string_view layer = module.substr(kLayer.size(), layer_end - kLayer.size());
  const std::string_view name = find_name(kLayerNames, module.substr(layer_end + 1));
  if (name.empty()) return std::string(gguf_name);
  return std::string("model.layers.").append(layer).append(".").append(name).append(end);
}

std::vector<StoredWeight> weights_of(const GgufFile& gguf) {
  const Json json = gguf_fields(gguf.header);
  const JsonObject fields(json, gguf.file.path().string());
  std::vector<StoredWeight> weights;
  for (const GgufTensor& tensor : gguf.header.tensors) {
    StoredWeight weight;
    weight.file = &gguf.file;
    weight.bytes =
        gguf.file.bytes().subspan(gguf.header.data_start + tensor.begin, tensor.end - tensor.begin);
    weight.name = hugging_face_name(tensor.name);
    weight.type_name = info_of(tensor.type).name;
    weight.encoding = encoding_of(tensor.type, tensor.shape);
    weight.shape = tensor.shape;
    weight.head_rows = head_rows_of(tensor, fields);
    weights.push_back(std::move(weight));
  }
  return weights;
}

}  // namespace caravan
