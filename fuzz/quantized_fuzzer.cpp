// A quantised checkpoint: its config.json and its tensors. Whatever the bytes, an Error, or matrices of sizes
// that their tensors pay for and whose every row can be read. The input is 4 bytes, the length of
// config.json; config.json; and a safetensors file.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "base/error.h"
#include "checkpoint/quantized_tensors.h"
#include "checkpoint/weight_files.h"

namespace {

/// A file of these bytes that no folder has.
caravan::MappedFile file_of(std::string_view bytes) {
  const int descriptor = ::memfd_create("fuzz", 0);
  if (descriptor < 0 || ::write(descriptor, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size()))
    std::abort();
  try {
    caravan::MappedFile file("/proc/self/fd/" + std::to_string(descriptor));
    ::close(descriptor);
    return file;
  } catch (const caravan::Error&) {
    ::close(descriptor);
    throw;
  }
}

/// Reads all rows, some at a time.
void read_all(const caravan::QuantizedWeight& weight, uint64_t file_size) {
  const int64_t groups = caravan::groups_of(weight.quant, weight.in);
  if (weight.out < 1 || weight.in < 1 || (weight.quant.bits != 4 && weight.quant.bits != 8)) std::abort();
  if (weight.quant.group != 0 && weight.in % weight.quant.group != 0) std::abort();
  // Of a number that is not stored there is a bit.
  if (static_cast<uint64_t>(weight.out) * static_cast<uint64_t>(weight.in) > 8 * file_size) std::abort();
  if (weight.rows.zero < 0 || weight.rows.zero > 255) std::abort();
  const int64_t most = weight.quant.bits == 4 ? 7 : 127;
  const int64_t at_once = weight.out / 3 + 1;
  std::vector<int8_t> values(static_cast<size_t>(at_once * weight.in));
  std::vector<float> scales(static_cast<size_t>(at_once * groups));
  std::vector<int8_t> zeros(weight.quant.zero_points ? scales.size() : 0);
  for (int64_t first = 0; first < weight.out; first += at_once) {
    const int64_t count = std::min(at_once, weight.out - first);
    weight.read(first, count, {values.data(), scales.data(), zeros.empty() ? nullptr : zeros.data()});
    for (int64_t i = 0; i < count * weight.in; ++i) {
      if (values[static_cast<size_t>(i)] > most || values[static_cast<size_t>(i)] < -most - 1) std::abort();
    }
    for (int64_t i = 0; i < count * groups; ++i) {
      const float scale = scales[static_cast<size_t>(i)];
      if (!std::isfinite(scale) || scale < 0.0F) std::abort();
    }
  }
}

void read_checkpoint(std::string_view config_text, std::string_view file_bytes) {
  const caravan::Json json = caravan::parse_json(config_text, "config.json");
  const auto config = caravan::parse_quantization_config(json, "config.json");
  if (!config) return;
  caravan::WeightFile file = {file_of(file_bytes), {}};
  file.header = caravan::parse_safetensors_header(file.file.bytes(), file_bytes.size(), "fuzz");
  caravan::StoredTensors tensors;
  for (caravan::StoredWeight& weight : caravan::weights_of(file)) tensors.emplace(weight.name, weight);
  static_cast<void>(caravan::find_kv_scales(*config, tensors));
  for (const auto& [name, found] : caravan::find_quantized(*config, tensors)) {
    if (found.weight.name != name || found.parts.size() < 2) std::abort();
    for (const std::string& part : found.parts) {
      if (!tensors.contains(part)) std::abort();
    }
    read_all(found.weight, file_bytes.size());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  uint32_t length = 0;
  if (size < sizeof length) return 0;
  std::memcpy(&length, data, sizeof length);
  const std::string_view rest(reinterpret_cast<const char*>(data) + sizeof length, size - sizeof length);
  try {
    const size_t cut = std::min<size_t>(length, rest.size());
    read_checkpoint(rest.substr(0, cut), rest.substr(cut));
  } catch (const caravan::Error&) {
  }
  return 0;
}
