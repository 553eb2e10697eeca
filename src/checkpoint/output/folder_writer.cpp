#include "checkpoint/output/folder_writer.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "checkpoint/output/bitmask.h"
#include "checkpoint/quantized/unpack.h"
#include "checkpoint/threads.h"

namespace caravan {

namespace fs = std::filesystem;

namespace {

/// Numbers that one thread reads at a time, and how many such pieces are written together.
constexpr int64_t kPiece = int64_t{1} << 20U;
constexpr int64_t kPieces = 16;

/// Files that belong to a checkpoint beside its weights and config.json.
constexpr std::array<std::string_view, 11> kTexts = {"tokenizer.json",
                                                     "tokenizer.model",
                                                     "tokenizer_config.json",
                                                     "special_tokens_map.json",
                                                     "added_tokens.json",
                                                     "vocab.json",
                                                     "merges.txt",
                                                     "generation_config.json",
                                                     "chat_template.jinja",
                                                     "chat_template.json",
                                                     "tiktoken.model"};
/// How the names of licences begin.
constexpr std::array<std::string_view, 4> kLicences = {"LICENSE", "LICENCE", "NOTICE", "USE_POLICY"};

bool is_text(const std::string& name) {
  return std::find(kTexts.begin(), kTexts.end(), name) != kTexts.end() ||
         std::any_of(kLicences.begin(), kLicences.end(),
                     [&name](std::string_view start) { return name.starts_with(start); });
}

fs::path without_slash(const fs::path& output) {
  return output.has_filename() ? output : output.parent_path();
}

/// `output` without a slash at its end, checked.
fs::path checked_output(const fs::path& output) {
  fs::path named = without_slash(output);
  std::error_code error;
  if (named.empty()) fail("the output folder's name is empty, expected that of a new folder");
  if (fs::exists(named, error) && !(fs::is_directory(named, error) && fs::is_empty(named, error)))
    fail(named.string(), ": is there already, expected the name of a new or empty folder");
  return named;
}

fs::path made_folder(const fs::path& output) {
  fs::path folder = QuantizedFolderWriter::unfinished(output);
  std::error_code error;
  fs::create_directory(folder, error);
  if (error) fail(folder.string(), ": cannot be made: ", error.message());
  return folder;
}

std::string_view bytes_of(const void* data, size_t size) { return {static_cast<const char*>(data), size}; }

template <typename T>
std::string_view bytes_of(const std::vector<T>& values) {
  return bytes_of(values.data(), values.size() * sizeof(T));
}

/// The module whose matrix `name` is.
std::string module_of(const std::string& name) {
  constexpr std::string_view kEnd = ".weight";
  CARAVAN_CHECK(name.ends_with(kEnd));
  return name.substr(0, name.size() - kEnd.size());
}

QuantScheme scheme_of(const QuantizedWeight& weight) {
  QuantScheme scheme;
  scheme.activations = weight.rows.mode;
  scheme.storage =
      scheme.activations == ActivationQuant::kNone ? QuantStorage::kPacked : QuantStorage::kBytes;
  scheme.bits = weight.quant.bits;
  scheme.symmetric = !weight.quant.zero_points;
  scheme.group = weight.quant.group;
  scheme.sharing = scheme.group == 0 ? ScaleSharing::kChannel : ScaleSharing::kGroup;
  scheme.symmetric_activations = scheme.activations == ActivationQuant::kSymmetric;
  return scheme;
}

/// Whether it is a matrix of a module of class Linear, of which a scheme's targets speak.
bool is_linear(const std::string& name, const Shape& shape) {
  return shape.rank() == 2 && name.ends_with(".weight") && !name.ends_with("embed_tokens.weight");
}

}  // namespace

fs::path QuantizedFolderWriter::unfinished(const fs::path& output) {
  fs::path folder = without_slash(output);
  folder += ".partial-" + std::to_string(::getpid());
  return folder;
}

QuantizedFolderWriter::QuantizedFolderWriter(const fs::path& output, uint64_t shard_bytes)
    : output_(checked_output(output)), folder_(made_folder(output_)), shards_(folder_, shard_bytes) {}

QuantizedFolderWriter::~QuantizedFolderWriter() {
  if (finished_) return;
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

void QuantizedFolderWriter::add_plain(const StoredWeight& weight) {
  const std::optional<DType> dtype = dtype_from_safetensors(weight.type_name);
  if (!dtype || weight.head_rows != 0) {
    fail(where_is(weight), " is stored as ", in_quotes(weight.type_name),
         ", expected a tensor of a safetensors file that is not quantised");
  }
  shards_.add({weight.name, *dtype, weight.shape}, [&weight](const ShardWriter::Sink& sink) {
    for (size_t at = 0; at < weight.bytes.size(); at += kPiece) {
      const auto part = weight.bytes.subspan(at, std::min<size_t>(kPiece, weight.bytes.size() - at));
      sink(bytes_of(part.data(), part.size()));
      weight.file->release(part);
    }
  });
  if (is_linear(weight.name, weight.shape)) schemes_.add_plain(module_of(weight.name));
}

void QuantizedFolderWriter::add_plain(const std::string& name, const ConstTensorView& tensor) {
  shards_.add({name, tensor.dtype, tensor.shape}, [&tensor](const ShardWriter::Sink& sink) {
    sink(bytes_of(tensor.data, static_cast<size_t>(tensor.shape.elements()) * size_of(tensor.dtype)));
  });
  if (is_linear(name, tensor.shape)) schemes_.add_plain(module_of(name));
}

void QuantizedFolderWriter::write_values(const QuantizedWeight& weight, QuantStorage storage,
                                         std::vector<float>& scales, std::vector<int8_t>& zeros) {
  const bool packs = storage == QuantStorage::kPacked;
  const int64_t in = weight.in;
  const int64_t groups = groups_of(weight.quant, in);
  const int64_t words = words_of(in, weight.quant.bits);
  const int64_t at_once = std::max<int64_t>(1, kPiece / in);
  const std::string name = module_of(weight.name) + (packs ? ".weight_packed" : ".weight");
  const TensorToWrite tensor = packs ? TensorToWrite{name, DType::kI32, {weight.out, words}}
                                     : TensorToWrite{name, DType::kI8, {weight.out, in}};
  shards_.add(tensor, [&](const ShardWriter::Sink& sink) {
    std::vector<int8_t> values(static_cast<size_t>(std::min(weight.out, at_once * kPieces) * in));
    std::vector<uint32_t> packed(packs ? values.size() / static_cast<size_t>(in) * static_cast<size_t>(words)
                                       : 0);
    for (int64_t begin = 0; begin < weight.out; begin += at_once * kPieces) {
      const int64_t rows = std::min(at_once * kPieces, weight.out - begin);
      for_each_in_parallel(static_cast<size_t>((rows + at_once - 1) / at_once), [&](size_t piece) {
        const int64_t first = static_cast<int64_t>(piece) * at_once;
        const int64_t count = std::min(at_once, rows - first);
        int8_t* to = values.data() + first * in;
        const int64_t group = (begin + first) * groups;
        weight.read(begin + first, count,
                    {to, scales.data() + group, zeros.empty() ? nullptr : zeros.data() + group});
        for (int64_t row = 0; packs && row < count; ++row)
          pack_row(to + row * in, weight.quant.bits, in, packed.data() + (first + row) * words);
      });
      sink(packs ? bytes_of(packed.data(), static_cast<size_t>(rows * words) * sizeof(uint32_t))
                 : bytes_of(values.data(), static_cast<size_t>(rows * in)));
    }
  });
}

bool QuantizedFolderWriter::write_sparse(const QuantizedWeight& weight, const QuantScheme& scheme,
                                         std::vector<float>& scales) {
  if (scheme.storage != QuantStorage::kBytes || weight.row_kept == 0) return false;
  const Bitmask bitmask = bitmask_of(weight, scales);
  if (!bitmask.saves(weight)) return false;
  write_without_zeros(shards_, module_of(weight.name), weight, bitmask);
  schemes_.add_sparse(module_of(weight.name), bitmask.kept, weight.out * weight.in);
  return true;
}

void QuantizedFolderWriter::write_scales(const std::string& name, const std::vector<float>& scales,
                                         DType dtype, const Shape& shape) {
  for (const float scale : scales) {
    if (std::isfinite(scale) && scale >= 0.0F) continue;
    fail("the tensor ", in_quotes(name), " would hold the scale ", scale,
         ", expected a finite number that is not negative");
  }
  std::vector<std::byte> stored(scales.size() * size_of(dtype));
  convert_elements(scales.data(), DType::kF32, stored.data(), dtype, scales.size());
  shards_.add({name, dtype, shape}, [&stored](const ShardWriter::Sink& sink) { sink(bytes_of(stored)); });
}

void QuantizedFolderWriter::write_zeros(const std::string& module, const QuantizedWeight& weight,
                                        QuantStorage storage, const std::vector<int8_t>& zeros) {
  const int64_t groups = groups_of(weight.quant, weight.in);
  const std::string name = module + ".weight_zero_point";
  if (storage == QuantStorage::kBytes) {
    shards_.add({name, DType::kI8, {weight.out, groups}},
                [&zeros](const ShardWriter::Sink& sink) { sink(bytes_of(zeros)); });
    return;
  }
  // Packed down the outputs: an int32 holds those of one group.
  const int64_t words = words_of(weight.out, weight.quant.bits);
  std::vector<uint32_t> packed(static_cast<size_t>(words * groups));
  std::vector<int8_t> column(static_cast<size_t>(weight.out));
  std::vector<uint32_t> column_words(static_cast<size_t>(words));
  for (int64_t group = 0; group < groups; ++group) {
    for (int64_t output = 0; output < weight.out; ++output)
      column[static_cast<size_t>(output)] = zeros[static_cast<size_t>(output * groups + group)];
    pack_row(column.data(), weight.quant.bits, weight.out, column_words.data());
    for (int64_t word = 0; word < words; ++word)
      packed[static_cast<size_t>(word * groups + group)] = column_words[static_cast<size_t>(word)];
  }
  shards_.add({name, DType::kI32, {words, groups}},
              [&packed](const ShardWriter::Sink& sink) { sink(bytes_of(packed)); });
}

void QuantizedFolderWriter::add_quantized(const QuantizedWeight& weight) {
  const std::string module = module_of(weight.name);
  const QuantScheme scheme = scheme_of(weight);
  const int64_t groups = groups_of(weight.quant, weight.in);
  std::vector<float> scales(static_cast<size_t>(weight.out * groups));
  std::vector<int8_t> zeros(weight.quant.zero_points ? scales.size() : 0);
  if (!write_sparse(weight, scheme, scales)) write_values(weight, scheme.storage, scales, zeros);
  write_scales(module + ".weight_scale", scales, weight.scale, {weight.out, groups});
  if (!zeros.empty()) write_zeros(module, weight, scheme.storage, zeros);
  if (scheme.storage == QuantStorage::kPacked) {
    const std::vector<int64_t> sizes = {weight.out, weight.in};
    shards_.add({module + ".weight_shape", DType::kI64, {2}},
                [&sizes](const ShardWriter::Sink& sink) { sink(bytes_of(sizes)); });
  }
  if (weight.rows.mode == ActivationQuant::kStatic) {
    write_scales(module + ".input_scale", {weight.rows.scale}, DType::kF32, {1});
    const std::vector<int8_t> zero = {static_cast<int8_t>(weight.rows.zero - 128)};
    shards_.add({module + ".input_zero_point", DType::kI8, {1}},
                [&zero](const ShardWriter::Sink& sink) { sink(bytes_of(zero)); });
  }
  schemes_.add(module, scheme);
}

void QuantizedFolderWriter::set_dynamic_kv_cache() { schemes_.set_kv_cache({true, false}); }

void QuantizedFolderWriter::add_kv_scales(const std::string& attention, const StoredKvScales& scales) {
  const auto heads = static_cast<int64_t>(scales.keys.size());
  CARAVAN_CHECK_EQ(scales.keys.size(), scales.values.size());
  const Shape shape = heads == 1 ? Shape{1} : Shape{heads, 1, 1};
  write_scales(attention + ".k_scale", scales.keys, DType::kF32, shape);
  write_scales(attention + ".v_scale", scales.values, DType::kF32, shape);
  schemes_.set_kv_cache({false, heads != 1});
}

void QuantizedFolderWriter::copy_texts(const fs::path& model) {
  std::error_code error;
  for (fs::directory_iterator at(model, error), end; !error && at != end; at.increment(error)) {
    std::error_code unreadable;
    const std::string name = at->path().filename().string();
    if (!at->is_regular_file(unreadable) || !is_text(name)) continue;
    fs::copy_file(at->path(), folder_ / name, unreadable);
    if (unreadable) fail(at->path().string(), ": cannot be copied: ", unreadable.message());
  }
  if (error) fail(model.string(), ": cannot be listed: ", error.message());
}

void QuantizedFolderWriter::finish(Json config) {
  shards_.finish();
  config.erase("compression_config");
  config["quantization_config"] = schemes_.json();
  OutputFile file(folder_ / "config.json");
  file.write(config.dump(2) + "\n");
  file.commit();
  std::error_code error;
  fs::rename(folder_, output_, error);
  if (error) fail(output_.string(), ": cannot be named: ", error.message());
  finished_ = true;
}

}  // namespace caravan
