#include "serve/http/response_head.h"

#include <algorithm>
#include <boost/beast/http/status.hpp>
#include <string_view>

#include "base/error.h"
#include "base/json.h"
#include "serve/http/server.h"

namespace caravan::http {

namespace {

bool is_token(std::string_view name) {
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  return !name.empty() && std::all_of(name.begin(), name.end(), [&](char letter) {
    return (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'z') ||
           (letter >= 'A' && letter <= 'Z') || kOthers.find(letter) != std::string_view::npos;
  });
}

bool is_value(std::string_view value) {
  return std::none_of(value.begin(), value.end(), [](char byte) {
    return (static_cast<unsigned char>(byte) < 0x20 && byte != '\t') || byte == 0x7f;
  });
}

void add_field(std::string& out, std::string_view name, std::string_view value) {
  if (!is_token(name) || !is_value(value)) {
    fail("the response has the header ", in_quotes(std::string(name)), " with ",
         in_quotes(std::string(value)), ", expected a token and a value of one line");
  }
  out.append(name).append(": ").append(value).append("\r\n");
}

void add_own_fields(std::string& out, const Response& response) {
  for (const auto& [name, value] : response.headers) {
    for (const std::string_view taken :
         {"Content-Type", "Content-Length", "Transfer-Encoding", "X-Request-Id"}) {
      if (same_name(name, taken))
        fail("the response sets the header ", name, ", which the server writes itself");
    }
    if (!same_name(name, "Connection")) add_field(out, name, value);
  }
}

}  // namespace

std::string response_head(const Response& response, const HeadForm& form) {
  if (form.body != BodyForm::kWhole && !has_body(response.status))
    fail("the stream has status ", response.status, ", expected one that has a body");
  const auto reason = boost::beast::http::obsolete_reason(
      boost::beast::http::int_to_status(static_cast<unsigned>(response.status)));
  std::string out = "HTTP/1.1 " + std::to_string(response.status) + " ";
  out.append(reason.data(), reason.size()).append("\r\n");
  if (has_body(response.status)) {
    if (!response.content_type.empty()) add_field(out, "Content-Type", response.content_type);
    if (form.body == BodyForm::kWhole) add_field(out, "Content-Length", std::to_string(response.body.size()));
    if (form.body == BodyForm::kChunked) add_field(out, "Transfer-Encoding", "chunked");
  }
  add_field(out, "X-Request-Id", form.request_id);
  if (form.cors_origin) {
    add_field(out, "Access-Control-Allow-Origin", *form.cors_origin);
    add_field(out, "Access-Control-Expose-Headers", "X-Request-Id, Retry-After");
    if (*form.cors_origin != "*") add_field(out, "Vary", "Origin");
  }
  add_own_fields(out, response);
  if (!form.keep_alive) {
    add_field(out, "Connection", "close");
  } else if (form.http_1_0) {
    add_field(out, "Connection", "keep-alive");
  }
  return out + "\r\n";
}

bool asks_to_close(const Response& response) {
  return std::any_of(response.headers.begin(), response.headers.end(), [](const auto& field) {
    return same_name(field.first, "Connection") && same_name(field.second, "close");
  });
}

bool has_body(int status) { return status != 204 && status != 304; }

std::optional<Response> preflight_response(const Request& request) {
  if (request.method != "OPTIONS" || !request.headers.find("Origin") ||
      !request.headers.find("Access-Control-Request-Method"))
    return std::nullopt;
  Response response{204, "", "", {{"Access-Control-Allow-Methods", "GET, HEAD, POST, OPTIONS"}}};
  // Clients add headers of their own (OpenAI's send x-stainless-…), so whatever is asked for is allowed.
  if (auto wanted = request.headers.find("Access-Control-Request-Headers"))
    response.headers.emplace_back("Access-Control-Allow-Headers", std::move(*wanted));
  response.headers.emplace_back("Access-Control-Max-Age", "600");
  return response;
}

Response default_error_body(int status, const std::string& message) {
  Json error;
  error["error"]["message"] = message;
  error["error"]["type"] = status >= 500 ? "server_error" : "invalid_request_error";
  error["error"]["param"] = nullptr;
  error["error"]["code"] = nullptr;
  return {status, "application/json", error.dump(-1, ' ', false, Json::error_handler_t::replace), {}};
}

}  // namespace caravan::http
