// The checkpoint that is to be quantised: a Hugging Face folder of safetensors, whose tensors are read one at
// a time. Thread safety: reading is const.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/json.h"
#include "checkpoint/weight_files.h"
#include "graph/graph.h"
#include "models/config.h"
#include "tensor/buffer.h"

namespace caravan {

class SourceCheckpoint {
 public:
  /// Throws Error on a folder that is no checkpoint, on a GGUF file, and on one that is quantised already.
  explicit SourceCheckpoint(const std::filesystem::path& folder);

  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }
  [[nodiscard]] const ModelConfig& config() const { return config_; }
  [[nodiscard]] const Json& config_json() const { return json_; }
  /// Of most of its elements.
  [[nodiscard]] DType dtype() const { return dtype_; }
  /// In the order of their names.
  [[nodiscard]] const std::map<std::string, StoredWeight>& tensors() const { return tensors_; }
  /// Bytes of all of them.
  [[nodiscard]] uint64_t bytes() const;

  /// The tensor that `spec` of a graph means: one of its names, of its shape. Throws Error, naming it.
  [[nodiscard]] const StoredWeight& find(const WeightSpec& spec) const;
  /// Its elements in fp32.
  [[nodiscard]] Tensor read(const StoredWeight& weight) const;

 private:
  std::filesystem::path folder_;
  ModelConfig config_;
  Json json_;
  std::vector<WeightFile> files_;
  std::map<std::string, StoredWeight> tensors_;
  DType dtype_ = DType::kF32;
};

}  // namespace caravan
