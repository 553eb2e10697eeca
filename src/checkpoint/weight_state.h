// What a WeightStore keeps: what is there, and what was taken of it.
// Thread safety: as WeightStore's.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "checkpoint/gguf_weights.h"
#include "checkpoint/quantized_tensors.h"
#include "checkpoint/stored_weight.h"
#include "checkpoint/weight_files.h"
#include "checkpoint/weight_store.h"
#include "tensor/buffer.h"

namespace caravan {

/// What is there to be taken: the same for all stores of one checkpoint, which share it.
struct WeightStore::Opened {
  std::filesystem::path folder;
  std::vector<WeightFile> files;  ///< of a folder with safetensors
  std::optional<GgufFile> gguf;   ///< or this
  StoredTensors places;

  void add(std::vector<StoredWeight>&& weights);
};

struct WeightStore::State {
  std::shared_ptr<const Opened> opened;
  LoadFormat format = LoadFormat::kAuto;

  std::set<std::string> taken;
  FoundWeights quantized;
  Sparsity sparsity = Sparsity::kNone;  ///< of what is rounded to a sparse format
  /// What take() converted or drew, so that asking twice (tied embeddings) costs once.
  std::map<std::pair<std::string, DType>, Tensor> owned;
  /// What take_vectors() put together.
  std::vector<Tensor> assembled;
  /// What take_panels() and take_quantized() did.
  Slabs packed;

  [[nodiscard]] Tensor allocate(const std::string& where, const Shape& shape, DType dtype) const;
  [[nodiscard]] TensorView allocate_packed(const std::string& where, const Shape& shape, DType dtype);
  [[nodiscard]] std::string where_is(const std::string& name) const;
  /// Where the shapes of the weights are said.
  [[nodiscard]] const char* described_by() const { return opened->gguf ? "its metadata" : "config.json"; }
  [[nodiscard]] std::string readable_types(const StoredWeight& weight) const;
  const StoredWeight& find(const std::string& name, const Shape& shape);
  [[nodiscard]] Tensor draw(const std::string& name, const Shape& shape, DType dtype) const;
  QuantizedWeight quantized_part(const WeightPart& part, int64_t in, const QuantizedFormat& format);
  QuantizedWeight round(const WeightPart& part, int64_t in, const QuantizedFormat& format);
  void fill_panels(std::span<const WeightPart> parts, bool interleaved, const TensorView& panels, int64_t in);
  void fill_quantized(std::span<const WeightPart> parts, bool interleaved,
                      const QuantizedFormat& quantized_as, const TensorView& blob, int64_t in);
};

}  // namespace caravan
