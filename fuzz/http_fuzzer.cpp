// A request from the network, cut into two at any point: a refusal, or a request that keeps its promises.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/utf8.h"
#include "serve/http/request_id.h"
#include "serve/http/request_reader.h"
#include "serve/http/response_head.h"

namespace {

namespace http = caravan::http;

constexpr http::RequestLimits kLimits{4096, 4096};

void require_invariants(const http::Request& request) {
  if (!http::sane_request_id(request.id)) std::abort();
  if (request.path != "*" && !request.path.starts_with('/')) std::abort();
  if (request.body.size() > kLimits.max_body_bytes || caravan::utf8_first_invalid(request.path)) std::abort();
  for (const auto& [name, value] : request.query) {
    if (caravan::utf8_first_invalid(name) || caravan::utf8_first_invalid(value)) std::abort();
  }
  // What the request brings goes into an answer's head without breaking it.
  if (const auto preflight = http::preflight_response(request))
    (void)http::response_head(*preflight, {.request_id = request.id});
}

/// The refusal's status, 200 for a request, 0 where more is needed; what it read goes to `out`.
int read_request(std::string_view first, std::string_view second, std::string& out) {
  try {
    http::RequestReader reader(kLimits);
    std::string held;
    for (const std::string_view part : {first, second}) {
      held += part;
      if (held.empty() || reader.complete()) continue;
      held.erase(0, reader.feed(held));
      (void)reader.take_wish_to_continue();
    }
    if (!reader.complete()) return 0;
    const http::Request request = reader.take().request;
    require_invariants(request);
    out = request.method + " " + request.path + "\n" + request.body;
    return 200;
  } catch (const http::RefusedRequest& refused) {
    return refused.status();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const size_t cut = text.size() * data[0] / 255;
  std::string whole;
  std::string parts;
  const int at_once = read_request(text, "", whole);
  const int in_parts = read_request(text.substr(0, cut), text.substr(cut), parts);
  // However the network cuts it, what is read is the same.
  if ((at_once == 200 || in_parts == 200) && (at_once != in_parts || whole != parts)) std::abort();
  return 0;
}
