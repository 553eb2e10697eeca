// Writes a quantised checkpoint as a Hugging Face folder that compressed-tensors and vLLM read.
//
// Tensors go to a folder beside the one that is wanted, as they come, and the whole takes its name when it is
// complete: a half-written checkpoint never stands there. Numbers whose inputs are quantised too are written
// as bytes ("int-quantized"), and without those that are 0 where the matrix was pruned and that takes less
// ("sparse-bitmask"); all others packed ("pack-quantized": which is what vLLM expects of weights alone). In
// memory are a few megabytes, and the scales and zero points of one matrix. Thread safety: none.
#pragma once

#include <filesystem>
#include <string>

#include "base/json.h"
#include "checkpoint/output/shard_writer.h"
#include "checkpoint/output/written_schemes.h"
#include "checkpoint/quantized_tensors.h"

namespace caravan {

class QuantizedFolderWriter {
 public:
  /// Throws Error unless `output` is a new name, or an empty folder's, in a folder that can be written.
  explicit QuantizedFolderWriter(const std::filesystem::path& output, uint64_t shard_bytes = kShardBytes);
  /// Removes what was written, unless it is complete.
  ~QuantizedFolderWriter();
  QuantizedFolderWriter(const QuantizedFolderWriter&) = delete;
  QuantizedFolderWriter& operator=(const QuantizedFolderWriter&) = delete;

  /// Where this process writes `output` until it is complete.
  static std::filesystem::path unfinished(const std::filesystem::path& output);

  /// A tensor byte by byte as another checkpoint stores it. Throws Error, naming it, where it is stored in
  /// blocks, of a dtype that Caravan has none for, or in llama.cpp's order of rows.
  void add_plain(const StoredWeight& weight);
  /// A contiguous tensor.
  void add_plain(const std::string& name, const ConstTensorView& tensor);

  /// A matrix, read a few megabytes of rows at a time, on every core. Throws Error where read() does, and on
  /// a negative scale, which the format has none of.
  void add_quantized(const QuantizedWeight& weight);

  /// An int8 KV cache: with scales from each token, or with these, which are one or one for each KV head.
  void set_dynamic_kv_cache();
  void add_kv_scales(const std::string& attention, const StoredKvScales& scales);

  /// The tokenizer, chat template, generation config and licence of the checkpoint in the folder `model`.
  void copy_texts(const std::filesystem::path& model);

  /// Writes `config`, a whole config.json, with the quantization_config of what was added, and gives the
  /// folder its name.
  void finish(Json config);

 private:
  void write_values(const QuantizedWeight& weight, QuantStorage storage, std::vector<float>& scales,
                    std::vector<int8_t>& zeros);
  /// False, and nothing written, where the matrix is to be stored with its zeros.
  bool write_sparse(const QuantizedWeight& weight, const QuantScheme& scheme, std::vector<float>& scales);
  void write_zeros(const std::string& module, const QuantizedWeight& weight, QuantStorage storage,
                   const std::vector<int8_t>& zeros);
  void write_scales(const std::string& name, const std::vector<float>& scales, DType dtype,
                    const Shape& shape);

  std::filesystem::path output_;
  std::filesystem::path folder_;  ///< where it is written
  ShardWriter shards_;
  WrittenSchemes schemes_;
  bool finished_ = false;
};

}  // namespace caravan
