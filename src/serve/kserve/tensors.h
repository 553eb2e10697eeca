// The tensors of a KServe v2 inference request: from JSON, or from Triton's binary tensor extension.
// Thread safety: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "serve/http/message.h"

namespace caravan::serve {

/// A request's JSON, and the bytes that follow it.
struct InferBody {
  Json json;
  std::string_view binary;  ///< of the request's body, which must outlive it
};

/// Splits the body where the header Inference-Header-Content-Length says; without it all is JSON. Throws
/// RequestError.
InferBody parse_infer_body(const http::Request& request);

/// The prompt of an inference request.
struct PromptTensor {
  std::vector<std::string> texts;  ///< of datatype BYTES: one for each element
  std::vector<int64_t>
      ids;  ///< of a datatype of whole numbers: one prompt; not checked against any vocabulary
  [[nodiscard]] bool is_text() const { return !texts.empty(); }
};

/// Reads {"name", "shape", "datatype", "data" | "parameters": {"binary_data_size"}}; shape [N] or [1, N] (or
/// [N, 1], of texts), N at least 1; datatype BYTES, INT32, INT64, UINT32 or UINT64. `path` names it in
/// messages. Throws RequestError.
PromptTensor read_prompt_tensor(const Json& tensor, std::string_view binary, const std::string& path);

}  // namespace caravan::serve
