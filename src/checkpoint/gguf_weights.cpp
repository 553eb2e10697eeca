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

/// What a mixture's modules are called after "model.layers.N.", by GgufArchitecture.
struct MixtureNames {
  std::string_view gate;     ///< what experts are chosen by
  std::string_view experts;  ///< before an expert's number
  /// The matrices of an expert.
  std::array<NamePair, 3> matrices;
};

constexpr std::array<MixtureNames, 2> kMixtures = {{
    {"block_sparse_moe.gate",
     "block_sparse_moe.experts.",
     {{{"ffn_gate", ".w1"}, {"ffn_up", ".w3"}, {"ffn_down", ".w2"}}}},
    {"mlp.gate",
     "mlp.experts.",
     {{{"ffn_gate", ".gate_proj"}, {"ffn_up", ".up_proj"}, {"ffn_down", ".down_proj"}}}},
}};

/// Of kQwen2Moe's expert of all tokens.
constexpr std::array<NamePair, 4> kSharedNames = {{
    {"ffn_gate_shexp", "mlp.shared_expert.gate_proj"},
    {"ffn_up_shexp", "mlp.shared_expert.up_proj"},
    {"ffn_down_shexp", "mlp.shared_expert.down_proj"},
    {"ffn_gate_inp_shexp", "mlp.shared_expert_gate"},
}};

/// The end of the name of what that expert is weighed by, [1, hidden].
constexpr std::string_view kSharedGate = ".mlp.shared_expert_gate.weight";

/// The end of the name of a matrix of all experts: [experts, out, in].
constexpr std::string_view kStackEnd = "_exps.weight";

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

/// After "model.layers.N.": what "ffn_gate_inp", or "ffn_gate.3", the older files' matrix of an expert,
/// becomes; "" of others.
std::string mixture_name(std::string_view name, GgufArchitecture architecture) {
  const MixtureNames& names = kMixtures.at(static_cast<size_t>(architecture));
  if (name == "ffn_gate_inp") return std::string(names.gate);
  if (architecture == GgufArchitecture::kQwen2Moe) {
    const std::string_view shared = find_name(kSharedNames, name);
    if (!shared.empty()) return std::string(shared);
  }
  const size_t dot = name.find('.');
  if (dot == std::string_view::npos) return "";
  const std::string_view expert = name.substr(dot + 1);
  const std::string_view matrix = find_name(names.matrices, name.substr(0, dot));
  const bool is_number = !expert.empty() && expert.find_first_not_of("0123456789") == std::string_view::npos;
  if (matrix.empty() || !is_number) return "";
  return std::string(names.experts).append(expert).append(matrix);
}

/// The key that counts the heads of the tensor of this name, or "".
std::string heads_key(const std::string& name) {
  if (name.find(".attn_q.") != std::string::npos) return "llama.attention.head_count";
  if (name.find(".attn_k.") != std::string::npos) return "llama.attention.head_count_kv";
  return "";
}

int64_t head_rows_of(const GgufTensor& tensor, const JsonObject& fields, GgufArchitecture architecture) {
  if (architecture != GgufArchitecture::kLlama) return 0;
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

/// Hugging Face's name of the matrix of one expert in the stack `name`, or "" if that is none.
std::string name_in_stack(const std::string& name, int64_t expert, GgufArchitecture architecture) {
  if (!name.ends_with(kStackEnd)) return "";
  const std::string alone =
      name.substr(0, name.size() - kStackEnd.size()) + "." + std::to_string(expert) + ".weight";
  std::string found = hugging_face_name(alone, architecture);
  return found == alone ? "" : found;
}

int64_t experts_of(const GgufTensor& stack, const JsonObject& fields, GgufArchitecture architecture) {
  const std::string key = gguf_key(architecture, "expert_count");
  const int64_t experts = fields.integer(key, 1, kMaxExperts);
  const bool fits = stack.shape.rank() == 3 && stack.shape[0] == experts && stack.shape.elements() > 0;
  if (fits) return experts;
  fail(fields.source(), ": the tensor ", in_quotes(stack.name), " has shape ", stack.shape,
       ", expected a matrix for each of the ", experts, " experts of ", in_quotes(key));
}

/// The matrices of the experts in `stack`, the weight of a whole tensor, one after the other.
void add_experts(const StoredWeight& stack, int64_t experts, GgufArchitecture architecture,
                 std::vector<StoredWeight>& weights) {
  const size_t bytes = stack.bytes.size() / static_cast<size_t>(experts);
  for (int64_t expert = 0; expert < experts; ++expert) {
    StoredWeight weight = stack;
    weight.name = name_in_stack(stack.name, expert, architecture);
    weight.bytes = stack.bytes.subspan(static_cast<size_t>(expert) * bytes, bytes);
    weight.shape = {stack.shape[1], stack.shape[2]};
    weights.push_back(std::move(weight));
  }
}

}  // namespace

std::string hugging_face_name(std::string_view gguf_name, GgufArchitecture architecture) {
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
  std::string name(find_name(kLayerNames, module.substr(layer_end + 1)));
  if (name.empty()) name = mixture_name(module.substr(layer_end + 1), architecture);
  if (name.empty()) return std::string(gguf_name);
  return std::string("model.layers.").append(layer).append(".").append(name).append(end);
}

std::vector<StoredWeight> weights_of(const GgufFile& gguf) {
  const Json json = gguf_fields(gguf.header);
  const JsonObject fields(json, gguf.file.path().string());
  const GgufArchitecture architecture = architecture_of(fields);
  std::vector<StoredWeight> weights;
  for (const GgufTensor& tensor : gguf.header.tensors) {
    StoredWeight weight;
    weight.file = &gguf.file;
    weight.bytes =
        gguf.file.bytes().subspan(gguf.header.data_start + tensor.begin, tensor.end - tensor.begin);
    weight.name = hugging_face_name(tensor.name, architecture);
    weight.type_name = info_of(tensor.type).name;
    weight.encoding = encoding_of(tensor.type, tensor.shape);
    weight.shape = tensor.shape;
    weight.head_rows = head_rows_of(tensor, fields, architecture);
    if (!name_in_stack(tensor.name, 0, architecture).empty()) {
      add_experts(weight, experts_of(tensor, fields, architecture), architecture, weights);
      continue;
    }
    // llama.cpp's converter leaves out sizes of 1.
    if (weight.name.ends_with(kSharedGate) && weight.shape.rank() == 1) weight.shape = {1, weight.shape[0]};
    weights.push_back(std::move(weight));
  }
  return weights;
}

}  // namespace caravan
