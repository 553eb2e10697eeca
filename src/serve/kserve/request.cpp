#include "serve/kserve/request.h"

#include <algorithm>
#include <limits>

#include "serve/api/prompt.h"
#include "serve/api/shared_fields.h"

namespace caravan::serve {

namespace {

constexpr size_t kLongestId = 256;

bool fits_id(char letter) {
  return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
         (letter >= '0' && letter <= '9') || letter == '_' || letter == '-';
}

}  // namespace

std::optional<std::string> request_id(const Fields& body) {
  std::optional<std::string> id = body.string("id");
  if (!id) return std::nullopt;
  if (id->empty() || id->size() > kLongestId || !std::all_of(id->begin(), id->end(), fits_id)) {
    body.wrong("id", "1 to 256 letters, digits, \"_\" and \"-\"");
  }
  return id;
}

PlainParameters read_kserve_parameters(const Json& parameters, const ModelView& model,
                                       Generation& generation) {
  const Fields fields(parameters, "parameters");
  read_vllm_fields(fields, model, generation);
  const PlainParameters plain = read_plain_parameters(fields, model, true, generation);
  if (fields.has("max_tokens") && fields.has("max_new_tokens")) {
    fields.wrong("max_tokens", "one of \"max_tokens\" and \"max_new_tokens\"");
  }
  const auto asked = fields.integer("max_tokens", 1, std::numeric_limits<int32_t>::max());
  if (asked) generation.max_output = std::min(*asked, room_after(model, generation.prompt.size()));
  require_min_output(generation, generation.max_output);
  return plain;
}

}  // namespace caravan::serve
