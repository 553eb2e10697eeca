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

/// That `path` does not take `method`, but the methods `allowed`, a list as the header Allow has it.
[[nodiscard]] Failure wrong_method(const std::string& method, const std::string& path,
                                   const std::string& allowed);

class Router {
 public:
  /// Aborts if two routes stand for the same requests.
  explicit Router(std::vector<Dialect> dialects);

  /// The route for `method` and `path`. Throws RequestError: kNotFound where no route has the path, kMethod,
  /// with those that it has, where none has the method.
  [[nodiscard]] Match find(const std::string& method, const std::string& path) const;
  /// The dialect whose words an answer to `path` takes where no route handles it: that of the route with the
  /// longest beginning in common.
  [[nodiscard]] const Dialect& dialect_of(const std::string& path) const;

 private:
  std::vector<Dialect> dialects_;
};

}  // namespace caravan::serve
