// The weights of one checkpoint, a folder or a GGUF file, by Hugging Face's names: mapped where they lie,
// converted where another dtype is asked for or where they are stored in blocks, or made up where the folder
// holds only a config (`--load-format dummy`).
//
// Invariants: every byte range was checked against its file before it is handed out; a view is valid as long
// as the store lives. Thread safety: none while loading; the views may be read from any thread.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/prune.h"
#include "checkpoint/quantized/config.h"
#include "checkpoint/quantized_weight.h"
#include "tensor/view.h"

namespace caravan {

enum class LoadFormat : uint8_t { kAuto, kDummy };

/// Whether every byte of a weight is read in every step, or only some rows (an embedding's), which then come
/// into memory when they are first touched.
enum class Residency : uint8_t { kWhole, kOnDemand };

/// A stored tensor that is part of a larger weight.
struct WeightPart {
  std::string name;
  int64_t rows = 0;  ///< or elements, of a vector
};

class WeightStore {
 public:
  /// Opens the GGUF file that `model_path` means (checkpoint/gguf/model_file.h), or the safetensors files of
  /// that folder (model.safetensors.index.json with its shards, or every *.safetensors there); with kDummy
  /// reads no weight file and answers to every name. Throws Error, naming the file, on no weights, a header
  /// that is truncated, lies, overlaps, doubles a name or overflows, or a missing shard.
  static WeightStore open(const std::filesystem::path& model_path, LoadFormat format);

  /// A store of the same checkpoint, of which nothing was asked yet; files are not opened again.
  [[nodiscard]] WeightStore again() const;

  /// Tells the system that no page of the files is needed soon, so that they count for nobody's memory.
  void release_pages() const;

  WeightStore(WeightStore&&) noexcept;
  WeightStore& operator=(WeightStore&&) noexcept;
  ~WeightStore();

  [[nodiscard]] bool has(const std::string& name) const;

  /// Makes the matrices known that the files hold quantised: as `config` says, or the blocks of a GGUF file
  /// that kernels take as they are. Throws Error, naming file and tensor, where they are not stored so.
  void find_quantized(const std::optional<QuantizationConfig>& config);

  /// What find_quantized() found, in order of their names.
  [[nodiscard]] std::vector<const QuantizedWeight*> quantized() const;

  /// What take_quantized() rounds to a sparse format becomes so sparse before, by magnitude.
  void prune_before_rounding(Sparsity sparsity);

  /// "FILE: the tensor "NAME"", for messages.
  [[nodiscard]] std::string where_is(const std::string& name) const;

  /// Whether take() of `name` in `dtype` is a view of the mapped file, which takes no memory of its own.
  [[nodiscard]] bool is_mapped_as(const std::string& name, DType dtype) const;

  /// The tensor `name`, which must be floating and of exactly `shape`, in `dtype`: a view of the mapped file
  /// if it is stored so (and its address is aligned to its element), else a converted copy that the store
  /// owns (the source's pages are released). A dummy tensor is drawn, the same for the same name: norms are
  /// 1, biases 0, the rest uniform with standard deviation 0.02. Throws Error, naming file and tensor, when
  /// it is missing or not of `shape`.
  ConstTensorView take(const std::string& name, const Shape& shape, DType dtype,
                       Residency residency = Residency::kWhole);

  /// The matrices `parts`, each [rows, in], as one weight in panels (tensor/panels.h): one below the other,
  /// or of two by turns kInterleave rows of each. The store owns the copy; the sources' pages are released
  /// as they are read. With `experts`, the parts are those of so many weights, of as many parts each, and lie
  /// so within each weight; the weights follow each other. Throws Error as take() does.
  ConstTensorView take_panels(const std::vector<WeightPart>& parts, int64_t in, DType dtype, bool interleaved,
                              int64_t experts = 1);

  /// The matrices `parts`, each [rows, in], as one quantised weight in panels (tensor/quantization.h), in the
  /// same order. Those that find_quantized() found are as the checkpoint has them, whose scheme must be the
  /// format's; the others are rounded to the nearest numbers (checkpoint/round_to_nearest.h). Throws Error as
  /// take() does.
  ConstTensorView take_quantized(const std::vector<WeightPart>& parts, int64_t in,
                                 const QuantizedFormat& format, bool interleaved, int64_t experts = 1);

  /// The vectors `parts` as one in fp32: one after the other, or of two by turns kInterleave elements of
  /// each, filled up with zeros. Throws Error as take() does.
  ConstTensorView take_vectors(const std::vector<WeightPart>& parts, bool interleaved);

  /// The names that the files hold and take() was never asked for.
  [[nodiscard]] std::vector<std::string> unused() const;

  /// The dtype that most elements of the weight files are stored in, bf16 where that is in blocks;
  /// `otherwise` for dummy weights.
  [[nodiscard]] DType stored_dtype(DType otherwise) const;

  /// Bytes of all tensors in the files, and of them by dtype name, for `caravan info`.
  [[nodiscard]] std::vector<std::pair<std::string, uint64_t>> bytes_by_dtype() const;

 private:
  struct Opened;
  struct State;
  explicit WeightStore(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace caravan
