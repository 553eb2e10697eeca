// Every dialect, side by side: a path that two of them have goes to the one whose request it is.
// Thread safety: pure functions.
#pragma once

#include <vector>

#include "serve/api/dialect.h"

namespace caravan::serve {

/// No two routes of them stand for the same requests.
std::vector<Dialect> all_dialects();

/// Takes the route of `method` and `path` out of `dialect`, which has one.
Route take_route(Dialect& dialect, const std::string& method, const std::string& path);

}  // namespace caravan::serve
