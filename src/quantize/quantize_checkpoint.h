// Quantises a checkpoint, matrix by matrix, into a folder that is being written.
//
// Without a text the weights alone decide. With one the model runs over it, group of matrices by group, in
// fp32: each is quantised by the inputs that it has while all before it are quantised already, so that GPTQ
// and static ranges see what the finished model will see. In memory are the activations of the texts and the
// weights of one group, in fp32 and in numbers. Thread safety: one thread, which leads others.
#pragma once

#include <exception>
#include <functional>
#include <span>
#include <stop_token>
#include <vector>

#include "checkpoint/output/folder_writer.h"
#include "quantize/group_quantizer.h"

namespace caravan {

/// Is told from time to time what is going on.
using QuantizeProgress = std::function<void(const std::string& what)>;

/// Whoever wanted the checkpoint wants it no longer: QuantizeJob::stop said so. No mistake of anybody's.
class QuantizeStopped : public std::exception {
 public:
  [[nodiscard]] const char* what() const noexcept override { return "quantising was stopped"; }
};

struct QuantizeJob {
  const SourceCheckpoint& source;
  const QuantizeOptions& options;
  std::span<const std::vector<int32_t>> texts;  ///< in tokens; none where the options need none
  QuantizeProgress progress;
  std::stop_token stop = {};  ///< is asked before each tensor is read or written
};

/// Writes all of the checkpoint but its texts (tokenizer …), and finishes the folder. Returns what became of
/// each matrix, in the model's order. Throws Error on what is wrong with the checkpoint's tensors, and
/// QuantizeStopped where it is asked to stop.
std::vector<MatrixResult> quantize_checkpoint(const QuantizeJob& job, QuantizedFolderWriter& writer);

}  // namespace caravan
