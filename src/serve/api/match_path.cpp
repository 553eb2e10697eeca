#include "serve/api/match_path.h"

namespace caravan::serve {

namespace {

/// The part before the next slash, which with that slash is taken off `path`.
std::string_view take_part(std::string_view& path) {
  const size_t slash = path.find('/');
  const std::string_view part = path.substr(0, slash);
  path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
  return part;
}

}  // namespace

std::optional<PathValues> match_path(std::string_view pattern, std::string_view path) {
  PathValues values;
  while (!pattern.empty() && !path.empty()) {
    const bool more_pattern = pattern.find('/') != std::string_view::npos;
    const std::string_view expected = take_part(pattern);
    const bool names = expected.starts_with('{') && expected.ends_with('}');
    if (names && expected.ends_with("...}")) {
      values[std::string(expected.substr(1, expected.size() - 5))] = path;
      return values;
    }
    const bool more_path = path.find('/') != std::string_view::npos;
    const std::string_view part = take_part(path);
    if (more_path != more_pattern) return std::nullopt;
    if (names && !part.empty()) {
      values[std::string(expected.substr(1, expected.size() - 2))] = part;
    } else if (part != expected) {
      return std::nullopt;
    }
  }
  if (!pattern.empty() || !path.empty()) return std::nullopt;
  return values;
}

}  // namespace caravan::serve
