// An independent check of a JSON value against a JSON schema, for the tests' own schemas.
#pragma once

#include <string>

#include "base/json.h"

namespace caravan::test {

/// What of `value` is against `schema`; "" if nothing is. `root` is the whole schema, for $ref.
std::string against(const Json& schema, const Json& value, const Json& root);

}  // namespace caravan::test
