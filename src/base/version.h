// Caravan's own version, as `caravan --version` and the servers tell it.
// Thread safety: a constant.
#pragma once

#include <string_view>

namespace caravan {

constexpr std::string_view kVersion = "0.1.0";

}  // namespace caravan
