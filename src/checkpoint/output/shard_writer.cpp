#include "checkpoint/output/shard_writer.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "base/error.h"
#include "base/json.h"

namespace caravan {

namespace fs = std::filesystem;

namespace {

/// Room for the header of each file: some 600 tensors, more than a shard of a large model has.
constexpr size_t kHeaderRoom = size_t{128} << 10U;
/// Of a tensor in a header beside its name: its dtype, four sizes and two offsets.
constexpr uint64_t kEntryBytes = 200;
/// Longer than any name of a model.
constexpr size_t kMaxName = 1000;
/// What waits for the end of a file is kept in memory.
constexpr uint64_t kMaxWaiting = uint64_t{1} << 20U;
/// The largest element's: what is a multiple of it keeps what follows aligned.
constexpr uint64_t kAlignment = 8;

/// What transformers asks for.
const std::map<std::string, std::string>& metadata() {
  static const std::map<std::string, std::string> kMetadata = {{"format", "pt"}};
  return kMetadata;
}

uint64_t bytes_of(const TensorToWrite& tensor) {
  return static_cast<uint64_t>(tensor.shape.elements()) * size_of(tensor.dtype);
}

/// "model-00002-of-00003.safetensors".
std::string shard_name(size_t index, size_t count) {
  if (count == 1) return "model.safetensors";
  char name[64];
  std::snprintf(name, sizeof name, "model-%05zu-of-%05zu.safetensors", index + 1, count);
  return name;
}

}  // namespace

ShardWriter::ShardWriter(fs::path folder, uint64_t shard_bytes)
    : folder_(std::move(folder)), shard_bytes_(shard_bytes) {}

void ShardWriter::open() {
  shards_.push_back({folder_ / ("shard-" + std::to_string(shards_.size())), {}});
  file_ = std::make_unique<OutputFile>(shards_.back().path);
  file_->write(std::string(kHeaderRoom, ' '));
  data_bytes_ = 0;
  header_bytes_ = kEntryBytes;
}

void ShardWriter::close() {
  if (file_ == nullptr) return;
  // The widest first, so that each is aligned.
  std::stable_sort(waiting_.begin(), waiting_.end(), [](const Waiting& a, const Waiting& b) {
    return size_of(a.tensor.dtype) > size_of(b.tensor.dtype);
  });
  for (const Waiting& each : waiting_) {
    file_->write(each.bytes);
    shards_.back().tensors.push_back(each.tensor);
  }
  waiting_.clear();
  const std::string header = safetensors_header(shards_.back().tensors, metadata(), kHeaderRoom);
  CARAVAN_CHECK_EQ(header.size(), kHeaderRoom);
  file_->write_at(0, header);
  file_->commit();
  file_.reset();
}

void ShardWriter::stream(const TensorToWrite& tensor, const std::function<void(const Sink& sink)>& fill) {
  uint64_t written = 0;
  const bool waits = bytes_of(tensor) % kAlignment != 0 && bytes_of(tensor) <= kMaxWaiting;
  std::string kept;
  fill([&](std::string_view bytes) {
    written += bytes.size();
    if (waits) {
      kept += bytes;
    } else {
      file_->write(bytes);
    }
  });
  CARAVAN_CHECK_EQ(written, bytes_of(tensor));
  if (waits) {
    waiting_.push_back({tensor, std::move(kept)});
  } else {
    shards_.back().tensors.push_back(tensor);
  }
}

void ShardWriter::add(const TensorToWrite& tensor, const std::function<void(const Sink& sink)>& fill) {
  if (tensor.name.size() > kMaxName) {
    fail("the name ", in_quotes(tensor.name), " of a tensor has ", tensor.name.size(),
         " bytes, expected at most ", kMaxName);
  }
  const uint64_t bytes = bytes_of(tensor);
  const uint64_t entry = Json(tensor.name).dump().size() + kEntryBytes;
  // Too large to wait, and nothing may follow it.
  const bool alone = bytes % kAlignment != 0 && bytes > kMaxWaiting;
  const bool full = data_bytes_ + bytes > shard_bytes_ || header_bytes_ + entry > kHeaderRoom;
  if (file_ != nullptr && (alone || full)) close();
  if (file_ == nullptr) open();
  data_bytes_ += bytes;
  header_bytes_ += entry;
  stream(tensor, fill);
  if (alone) close();
}

void ShardWriter::write_index(const std::vector<std::string>& names) const {
  uint64_t total = 0;
  Json map = Json::object();
  for (size_t shard = 0; shard < shards_.size(); ++shard) {
    for (const TensorToWrite& tensor : shards_[shard].tensors) {
      total += bytes_of(tensor);
      map[tensor.name] = names[shard];
    }
  }
  OutputFile index(folder_ / "model.safetensors.index.json");
  index.write(Json({{"metadata", {{"total_size", total}}}, {"weight_map", map}}).dump(2) + "\n");
  index.commit();
}

void ShardWriter::finish() {
  close();
  std::vector<std::string> names;
  for (size_t i = 0; i < shards_.size(); ++i) {
    names.push_back(shard_name(i, shards_.size()));
    std::error_code error;
    fs::rename(shards_[i].path, folder_ / names.back(), error);
    if (error) fail((folder_ / names.back()).string(), ": cannot be named: ", error.message());
  }
  if (names.size() > 1) write_index(names);
}

}  // namespace caravan
