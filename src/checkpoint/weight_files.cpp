#include "checkpoint/weight_files.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/json.h"

namespace caravan {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kIndexName = "model.safetensors.index.json";
constexpr std::string_view kExtension = ".safetensors";
/// A name and a shard for each of a million tensors, far more than any published model has.
constexpr uint64_t kMaxIndexBytes = 100'000'000;

/// The names of the regular files directly in `folder`, sorted.
std::vector<std::string> file_names(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    std::error_code unreadable;
    if (at->is_regular_file(unreadable)) names.push_back(at->path().filename().string());
  }
  if (error) fail(folder.string(), ": cannot be listed: ", error.message());
  std::sort(names.begin(), names.end());
  return names;
}

[[noreturn]] void fail_without_weights(const fs::path& folder, const std::vector<std::string>& names) {
  const auto foreign = std::find_if(names.begin(), names.end(), [](const std::string& name) {
    return name.ends_with(".bin") || name.ends_with(".pth") || name.ends_with(".pt");
  });
  if (foreign == names.end()) fail(folder.string(), ": holds no weights, expected *.safetensors files");
  fail(folder.string(), ": holds ", in_quotes(*foreign),
       " but no *.safetensors, which Caravan reads; load it with transformers and write it again by "
       "save_pretrained(folder, safe_serialization=True)");
}

WeightFile open_weight_file(const fs::path& path) {
  MappedFile file(path);
  SafetensorsHeader header = parse_safetensors_header(file.bytes(), file.bytes().size(), path.string());
  return {std::move(file), std::move(header)};
}

/// How a tensor of this dtype is read as a weight; nothing for integers, and for what Caravan has no dtype
/// for.
std::optional<Encoding> encoding_of(std::string_view safetensors_dtype) {
  const std::optional<DType> dtype = dtype_from_safetensors(safetensors_dtype);
  if (!dtype || !is_floating(*dtype)) return std::nullopt;
  return Encoding{*dtype, std::nullopt, 1, size_of(*dtype)};
}

std::vector<WeightFile> open_shards(const fs::path& folder) {
  const fs::path index = folder / kIndexName;
  const std::map<std::string, std::string> shard_of =
      parse_weight_index(read_file(index, kMaxIndexBytes), index.string());
  std::map<std::string, std::set<std::string>> promised;
  for (const auto& [tensor, shard] : shard_of) promised[shard].insert(tensor);

  std::vector<WeightFile> files;
  for (auto& [shard, names] : promised) {
    if (std::error_code missing; !fs::exists(folder / shard, missing))
      fail(index.string(), ": names the shard ", in_quotes(shard), ", which is not in the folder");
    files.push_back(open_weight_file(folder / shard));
    for (const StoredTensor& tensor : files.back().header.tensors) names.erase(tensor.name);
    if (!names.empty()) {
      fail(index.string(), ": says that the shard ", in_quotes(shard), " holds the tensor ",
           in_quotes(*names.begin()), ", which it does not");
    }
  }
  return files;
}

}  // namespace

std::map<std::string, std::string> parse_weight_index(std::string_view text, const std::string& source) {
  const Json json = parse_json(text, source);
  const JsonObject root(json, source);
  const std::optional<JsonObject> weight_map = root.object("weight_map");
  if (!weight_map) root.wrong("weight_map", "an object that names the shard of every tensor");
  if (weight_map->json().empty())
    fail(source, ": field \"weight_map\" is empty, expected the shard of every tensor");
  std::map<std::string, std::string> shard_of;
  for (const auto& [tensor, shard] : weight_map->json().items()) {
    const std::string name = shard.is_string() ? shard.get<std::string>() : "";
    const bool plain = name.find_first_of(std::string_view("/\\\0", 3)) == std::string::npos;
    if (!plain || !name.ends_with(kExtension))
      weight_map->wrong(tensor, "the name of a *.safetensors file in the same folder");
    shard_of.emplace(tensor, name);
  }
  return shard_of;
}

bool has_weight_files(const fs::path& folder) {
  require_folder(folder, "model path");
  const std::vector<std::string> names = file_names(folder);
  return std::any_of(names.begin(), names.end(), [](const std::string& name) {
    return name == kIndexName || name.ends_with(kExtension);
  });
}

std::vector<WeightFile> open_weight_files(const fs::path& folder) {
  require_folder(folder, "model path");
  std::vector<std::string> names = file_names(folder);
  const auto is_there = [&names](std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  if (is_there(kIndexName)) return open_shards(folder);

  std::vector<WeightFile> files;
  if (is_there("model.safetensors")) {
    files.push_back(open_weight_file(folder / "model.safetensors"));
    return files;
  }
  const auto is_consolidated = [](const std::string& name) { return name.starts_with("consolidated"); };
  std::vector<std::string> found;
  std::copy_if(names.begin(), names.end(), std::back_inserter(found),
               [](const std::string& name) { return name.ends_with(kExtension); });
  if (found.empty()) fail_without_weights(folder, names);
  if (!std::all_of(found.begin(), found.end(), is_consolidated)) std::erase_if(found, is_consolidated);
  for (const std::string& name : found) files.push_back(open_weight_file(folder / name));
  return files;
}

std::vector<StoredWeight> weights_of(const WeightFile& file) {
  std::vector<StoredWeight> weights;
  for (const StoredTensor& tensor : file.header.tensors) {
    StoredWeight weight;
    weight.file = &file.file;
    weight.bytes =
        file.file.bytes().subspan(file.header.data_start + tensor.begin, tensor.end - tensor.begin);
    weight.name = tensor.name;
    weight.type_name = tensor.dtype_name;
    weight.encoding = encoding_of(tensor.dtype_name);
    weight.shape = tensor.shape;
    weights.push_back(std::move(weight));
  }
  return weights;
}

}  // namespace caravan
