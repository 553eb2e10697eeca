// The fields that say what an answer must match: OpenAI's response_format, and vLLM's structured_outputs and
// guided_json, guided_regex, guided_choice, guided_grammar. Thread safety: pure functions.
#pragma once

#include <optional>
#include <string>

#include "serve/api/body.h"
#include "text/grammar/guide_spec.h"

namespace caravan::serve {

struct GuideField {
  GuideSpec spec;
  std::string field;  ///< that asked for it
};

/// What the request asks for, or nothing. Schemas are only checked to be JSON here. Throws RequestError where
/// a field is of another form, or where more than one guides.
std::optional<GuideField> read_guide(const Fields& fields);

}  // namespace caravan::serve
