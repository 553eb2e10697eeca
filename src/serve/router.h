// Which dialect's route a request goes to.
// Thread safety: constant once built.
#pragma once

#include <vector>

#include "serve/api/dialect.h"

namespace caravan::serve {

struct Match {
  const Dialect* dialect = nullptr;
  const Route* route = nullptr;
  PathValues values;
};

class Router {
 public:
  /// Aborts if two routes stand for the same requests.
  explicit Router(std::vector<Dialect> dialects);

  /// The route for `method` and `path`. `read_elsewhere`: a GET of the path is answered without a route.
  /// Throws RequestError: kNotFound where nobody has the path, kMethod, with those that it has, where nobody
  /// has the method.
  [[nodiscard]] Match find(const std::string& method, const std::string& path,
                           bool read_elsewhere = false) const;
  /// The dialect whose words an answer to `path` takes where no route handles it: that of the route with the
  /// longest beginning in common.
  [[nodiscard]] const Dialect& dialect_of(const std::string& path) const;

 private:
  std::vector<Dialect> dialects_;
};

}  // namespace caravan::serve
