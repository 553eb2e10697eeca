// The tensors of a checkpoint folder by their names, for tests of what finds matrices among them.
#pragma once

#include "checkpoint/matrix_parts.h"
#include "checkpoint/weight_files.h"

namespace caravan::test {

struct OpenCheckpoint {
  std::vector<WeightFile> files;
  StoredTensors tensors;
};

inline OpenCheckpoint open_checkpoint(const std::filesystem::path& folder) {
  OpenCheckpoint checkpoint;
  checkpoint.files = open_weight_files(folder);
  for (const WeightFile& file : checkpoint.files) {
    for (StoredWeight& weight : weights_of(file)) {
      const std::string name = weight.name;
      checkpoint.tensors.emplace(name, std::move(weight));
    }
  }
  return checkpoint;
}

}  // namespace caravan::test
