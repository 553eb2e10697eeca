// Which files of a checkpoint folder hold its weights, and what each says that it holds.
// Thread safety: pure functions.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "checkpoint/safetensors.h"
#include "checkpoint/stored_weight.h"

namespace caravan {

/// One mapped weight file with its checked header.
struct WeightFile {
  MappedFile file;
  SafetensorsHeader header;
};

/// Tensor name to the name of its shard, from the text of a model.safetensors.index.json. Throws Error,
/// naming `source`, unless every shard is the plain name of a *.safetensors file (no folder in it).
std::map<std::string, std::string> parse_weight_index(std::string_view text, const std::string& source);

/// Whether open_weight_files() would find any in `folder`.
bool has_weight_files(const std::filesystem::path& folder);

/// Opens the weight files of `folder`: the shards of model.safetensors.index.json where that exists, else
/// model.safetensors, else every *.safetensors in order of their names (consolidated*.safetensors, a second
/// copy under other names that some publishers add, only where nothing else is). Throws Error on none of
/// them, a missing shard, or a shard without a tensor that the index puts there.
std::vector<WeightFile> open_weight_files(const std::filesystem::path& folder);

/// The tensors of `file`, which must outlive them.
std::vector<StoredWeight> weights_of(const WeightFile& file);

}  // namespace caravan
