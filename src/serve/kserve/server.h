// What a KServe v2 server tells of itself and its model. Thread safety: pure functions.
#pragma once

#include <string_view>

#include "serve/api/dialect.h"

namespace caravan::serve {

/// The only version of the model.
constexpr std::string_view kModelVersion = "1";
/// The tensors that /infer takes and gives.
constexpr std::string_view kTextInput = "text_input";
constexpr std::string_view kTokenInput = "input0";
constexpr std::string_view kTextOutput = "text_output";
constexpr std::string_view kTokenOutput = "output0";

/// Throws RequestError (kNotFound) unless the path names the model, and the version, that are served.
void require_model(const PathValues& values, const ModelView& model);

Outcome kserve_server(const http::Request& request, const PathValues& values, const Context& context);
Outcome kserve_live(const http::Request& request, const PathValues& values, const Context& context);
Outcome kserve_ready(const http::Request& request, const PathValues& values, const Context& context);
Outcome kserve_model(const http::Request& request, const Context& context);
Outcome kserve_model_ready(const http::Request& request, const Context& context);
/// In MindIE's words.
Outcome kserve_config(const http::Request& request, const Context& context);
/// MindIE's: how many sequences more may run, and tokens be cached.
Outcome kserve_slot_count(const http::Request& request, const Context& context);

}  // namespace caravan::serve
