// Whether a path is a route's. Thread safety: pure.
#pragma once

#include <optional>
#include <string_view>

#include "serve/api/dialect.h"

namespace caravan::serve {

/// The values of the {names} of `pattern` (Route::path) in `path`, or nothing where it is another path. No
/// value is empty. A last {name...} takes the slashes too, as models' names have them.
std::optional<PathValues> match_path(std::string_view pattern, std::string_view path);

}  // namespace caravan::serve
