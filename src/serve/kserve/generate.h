// Triton's generate extension, with MindIE's details, and MindIE's /stopInfer.
// Thread safety: an Answer belongs to its request; the rest are pure functions, random seeds aside.
#pragma once

#include "serve/api/plain_parameters.h"

namespace caravan::serve {

/// `text_input`, and parameters under `parameters` or beside it. Throws RequestError.
Outcome kserve_generate(const http::Request& request, const Context& context);
Outcome kserve_generate_stream(const http::Request& request, const Context& context);
/// {"id"}: ends the request of that id.
Outcome kserve_stop_infer(const http::Request& request, const Context& context);

/// {"id", "model_name", "model_version", "text_output"}; each event of a stream has what is new of the text.
class GenerateAnswer final : public Answer {
 public:
  GenerateAnswer(std::string id, std::string model, bool details)
      : id_(std::move(id)), model_(std::move(model)), details_(details) {}

  std::string event(const ChoiceEvent& event) override;
  std::string end(const std::vector<GenerationResult>& /*results*/) override { return {}; }
  std::string failed(const Failure& failure) override;
  http::Response whole(const std::vector<GenerationResult>& results) override;

 private:
  [[nodiscard]] Json body(const std::string& text) const;

  std::string id_;
  std::string model_;
  bool details_;
  size_t tokens_ = 0;  ///< of a stream so far
};

}  // namespace caravan::serve
