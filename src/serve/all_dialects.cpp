#include "serve/all_dialects.h"

#include <algorithm>

#include "serve/api/body.h"
#include "serve/kserve/dialect.h"
#include "serve/mindie/dialect.h"
#include "serve/openai/dialect.h"
#include "serve/tgi/dialect.h"

namespace caravan::serve {

Route take_route(Dialect& dialect, const std::string& method, const std::string& path) {
  const auto found = std::find_if(dialect.routes.begin(), dialect.routes.end(), [&](const Route& route) {
    return route.method == method && route.path == path;
  });
  CARAVAN_CHECK(found != dialect.routes.end());
  Route route = std::move(*found);
  dialect.routes.erase(found);
  return route;
}

std::vector<Dialect> all_dialects() {
  Dialect openai = openai_dialect();
  Dialect tgi = tgi_dialect();
  // TGI's text is called "inputs", vLLM's "prompt" or "messages".
  Route by_vllm = take_route(openai, "POST", "/tokenize");
  Route by_tgi = take_route(tgi, "POST", "/tokenize");
  Dialect tokenize = {"tokenize", {}, openai.failure};
  tokenize.routes.push_back(
      {"POST", "/tokenize",
       [by_vllm, by_tgi](const http::Request& request, const PathValues& values, const Context& context) {
         const Json body = parse_body(request);
         const Route& route = Fields(body).has("inputs") ? by_tgi : by_vllm;
         return route.handle(request, values, context);
       }});
  // Both say 200 or 503, and nobody reads more.
  static_cast<void>(take_route(tgi, "GET", "/health"));
  return {std::move(openai),  std::move(tgi),   std::move(tokenize),
          generate_dialect(), mindie_dialect(), kserve_dialect()};
}

}  // namespace caravan::serve
