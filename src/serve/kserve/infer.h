// KServe v2's /infer: texts or token ids in, texts or token ids out.
// Thread safety: an Answer belongs to its request; the rest are pure functions, random seeds aside.
#pragma once

#include "serve/api/plain_parameters.h"

namespace caravan::serve {

/// One input (tensors.h), `parameters` of the request or of the input, and at most one output. Throws
/// RequestError.
Outcome kserve_infer(const http::Request& request, const Context& context);

/// How an inference request wants to be answered.
struct InferForm {
  std::string id;
  std::string model;
  std::string output;  ///< the name of the output tensor
  bool text = false;   ///< it holds texts, else token ids
  bool details = false;
};

/// {"id", "model_name", "model_version", "outputs": [{"name", "datatype", "shape", "data"}]}: BYTES of shape
/// [texts], or UINT32 of shape [1, tokens].
class TensorAnswer final : public Answer {
 public:
  explicit TensorAnswer(InferForm form) : form_(std::move(form)) {}

  std::string event(const ChoiceEvent& /*event*/) override { return {}; }
  std::string end(const std::vector<GenerationResult>& /*results*/) override { return {}; }
  std::string failed(const Failure& /*failure*/) override { return {}; }
  http::Response whole(const std::vector<GenerationResult>& results) override;

 private:
  InferForm form_;
};

}  // namespace caravan::serve
