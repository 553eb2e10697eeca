// The safetensors header and the shard index: whatever the bytes, an Error or a header that keeps its
// promises.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "base/error.h"
#include "checkpoint/safetensors.h"
#include "checkpoint/weight_files.h"

namespace {

/// What weight_store.cpp relies on: consecutive tensors inside the file, of the size that their shape says.
void require_promises(const caravan::SafetensorsHeader& header, uint64_t file_size) {
  uint64_t at = 0;
  for (const caravan::StoredTensor& tensor : header.tensors) {
    if (tensor.begin != at || tensor.end < tensor.begin) std::abort();
    at = tensor.end;
    const auto dtype = caravan::dtype_from_safetensors(tensor.dtype_name);
    const auto elements = static_cast<uint64_t>(tensor.shape.elements());
    if (dtype && elements * caravan::size_of(*dtype) != tensor.end - tensor.begin) std::abort();
  }
  if (header.data_start + at != file_size) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    require_promises(caravan::parse_safetensors_header(std::as_bytes(std::span(data, size)), size, "fuzz"),
                     size);
  } catch (const caravan::Error&) {
  }
  try {
    for (const auto& [tensor, shard] : caravan::parse_weight_index(text, "fuzz")) {
      if (shard.find('/') != std::string::npos || !shard.ends_with(".safetensors")) std::abort();
    }
  } catch (const caravan::Error&) {
  }
  return 0;
}
