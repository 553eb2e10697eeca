#include "serve/router.h"

#include <algorithm>
#include <set>

#include "serve/api/match_path.h"

namespace caravan::serve {

namespace {

/// "GET, HEAD, POST": whoever answers a GET answers a HEAD.
std::string list_of(const std::set<std::string>& methods) {
  std::string list;
  for (const std::string& method : methods) {
    list += (list.empty() ? "" : ", ") + method;
    if (method == "GET") list += ", HEAD";
  }
  return list;
}

size_t common_beginning(const std::string& a, const std::string& b) {
  size_t length = 0;
  while (length < std::min(a.size(), b.size()) && a[length] == b[length]) ++length;
  return length;
}

}  // namespace

Router::Router(std::vector<Dialect> dialects) : dialects_(std::move(dialects)) {
  std::set<std::string> seen;
  for (const Dialect& dialect : dialects_) {
    for (const Route& route : dialect.routes) {
      CARAVAN_CHECK(!route.path.empty() && route.path.front() == '/');
      CARAVAN_CHECK(seen.insert(route.method + " " + route.path).second);
    }
  }
}

Match Router::find(const std::string& method, const std::string& path, bool read_elsewhere) const {
  // A HEAD is a GET without the body, which the server leaves out.
  const std::string wanted = method == "HEAD" ? "GET" : method;
  std::set<std::string> others;
  if (read_elsewhere) others.insert("GET");
  std::optional<Match> found;
  for (const Dialect& dialect : dialects_) {
    for (const Route& route : dialect.routes) {
      std::optional<PathValues> values = match_path(route.path, path);
      if (!values.has_value()) continue;
      if (route.method != wanted) {
        others.insert(route.method);
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
  const std::string methods = list_of(others);
  throw RequestError({FailureKind::kMethod,
                      path + " does not take " + in_quotes(method) + ", expected " + methods, "", "",
                      methods});
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
