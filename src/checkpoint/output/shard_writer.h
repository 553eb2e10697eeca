// Writes safetensors files of a folder tensor by tensor: model.safetensors, or shards and their index.
//
// A header stands before the data that it describes, so that room for it is kept free and filled when a file
// is full; a file is full when its data or its header is. Every tensor lies at a multiple of its element's
// size, which PyTorch asks for: those whose bytes would move what follows wait for the end of their file.
// Thread safety: none.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "checkpoint/safetensors.h"

namespace caravan {

/// What the tools that write Hugging Face's checkpoints keep to, in bytes of data.
constexpr uint64_t kShardBytes = 5'000'000'000;

class ShardWriter {
 public:
  /// Takes the bytes of a tensor, one part after the other.
  using Sink = std::function<void(std::string_view bytes)>;

  /// Writes into `folder`, which exists and holds no weights.
  ShardWriter(std::filesystem::path folder, uint64_t shard_bytes);

  /// Writes one tensor, whose bytes fill() hands to the sink. Throws Error if a write fails, or the name is
  /// one that no header has room for.
  void add(const TensorToWrite& tensor, const std::function<void(const Sink& sink)>& fill);

  /// Names the files, once nothing more comes, and writes their index where there is more than one.
  void finish();

 private:
  struct Waiting {
    TensorToWrite tensor;
    std::string bytes;
  };
  struct Shard {
    std::filesystem::path path;  ///< until all shards are counted
    std::vector<TensorToWrite> tensors;
  };

  void open();
  void close();
  void stream(const TensorToWrite& tensor, const std::function<void(const Sink& sink)>& fill);
  void write_index(const std::vector<std::string>& names) const;

  std::filesystem::path folder_;
  uint64_t shard_bytes_;
  std::vector<Shard> shards_;         ///< the last one is being written while file_ is there
  std::unique_ptr<OutputFile> file_;  ///< null between two shards
  std::vector<Waiting> waiting_;      ///< for the end of the file
  uint64_t data_bytes_ = 0;           ///< of the file being written, and of what waits
  uint64_t header_bytes_ = 0;         ///< at most, of the same
};

}  // namespace caravan
