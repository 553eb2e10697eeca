#include "serve/router.h"

#include <algorithm>
#include <set>

namespace caravan::serve {

namespace {

/// "/a/b" is "a" and "b"; a last "/" adds an empty part.
std::vector<std::string> parts_of(const std::string& path) {
  std::vector<std::string> parts;
  size_t at = 1;
  while (at <= path.size()) {
    const size_t slash = std::min(path.find('/', at), path.size());
    parts.push_back(path.substr(at, slash - at));
    at = slash + 1;
  }
  return parts;
}

bool is_name(const std::string& part) {
  return part.size() >= 2 && part.front() == '{' && part.back() == '}';
}

constexpr std::string_view kRest = "...}";

bool takes_rest(const std::string& part) { return is_name(part) && part.ends_with(kRest); }

size_t common_beginning(const std::string& a, const std::string& b) {
  size_t length = 0;
  while (length < std::min(a.size(), b.size()) && a[length] == b[length]) ++length;
  return length;
}

}  // namespace

std::optional<PathValues> match_path(const std::string& pattern, const std::string& path) {
  const std::vector<std::string> wanted = parts_of(pattern);
  const std::vector<std::string> given = parts_of(path);
  PathValues values;
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (i >= given.size()) return std::nullopt;
    if (takes_rest(wanted[i])) {
      std::string rest = given[i];
      for (size_t j = i + 1; j < given.size(); ++j) rest += "/" + given[j];
      if (rest.empty()) return std::nullopt;
      values[wanted[i].substr(1, wanted[i].size() - 1 - kRest.size())] = rest;
      return values;
    }
    if (is_name(wanted[i])) {
      if (given[i].empty()) return std::nullopt;
      values[wanted[i].substr(1, wanted[i].size() - 2)] = given[i];
    } else if (wanted[i] != given[i]) {
      return std::nullopt;
    }
  }
  if (given.size() != wanted.size()) return std::nullopt;
  return values;
}

Router::Router(std::vector<Dialect> dialects) : dialects_(std::move(dialects)) {
  std::set<std::string> seen;
  for (const Dialect& dialect : dialects_) {
    for (const Route& route : dialect.routes) {
      CARAVAN_CHECK(!route.path.empty() && route.path.front() == '/');
      CARAVAN_CHECK(seen.insert(route.method + " " + route.path).second);
    }
  }
}

Match Router::find(const std::string& method, const std::string& path) const {
  // A HEAD is a GET without the body, which the server leaves out.
  const std::string wanted = method == "HEAD" ? "GET" : method;
  std::string others;
  std::optional<Match> found;
  for (const Dialect& dialect : dialects_) {
    for (const Route& route : dialect.routes) {
      std::optional<PathValues> values = match_path(route.path, path);
      if (!values.has_value()) continue;
      if (route.method != wanted) {
        others += (others.empty() ? "" : ", ") + route.method;
        continue;
      }
      // A path without names is meant more exactly than one with.
      if (!found.has_value() || values->size() < found->values.size())
        found = Match{&dialect, &route, std::move(*values)};
    }
  }
  if (found.has_value()) return *found;
  if (others.empty())
    throw RequestError({FailureKind::kNotFound, "there is no path " + in_quotes(path), "", ""});
  throw RequestError(
      {FailureKind::kMethod, path + " does not take " + in_quotes(method) + ", expected " + others, "", ""});
}

const Dialect& Router::dialect_of(const std::string& path) const {
  const Dialect* best = &dialects_.front();
  size_t longest = 0;
  for (const Dialect& dialect : dialects_) {
    for (const Route& route : dialect.routes) {
      const size_t length = common_beginning(route.path, path);
      if (length <= longest) continue;
      longest = length;
      best = &dialect;
    }
  }
  return *best;
}

}  // namespace caravan::serve
