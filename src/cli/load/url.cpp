#include "cli/load/url.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "base/error.h"

namespace caravan::load {

namespace {

[[noreturn]] void fail_url(const std::string& flag, const std::string& text, const std::string& expected) {
  fail(flag, ": found ", in_quotes(text), ", expected ", expected);
}

bool is_port(const std::string& text) {
  constexpr uint32_t kHighest = 65535;
  uint32_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port >= 1 && port <= kHighest;
}

}  // namespace

std::string Url::authority() const {
  const bool usual = port == (tls ? "443" : "80");
  const std::string name = host.find(':') == std::string::npos ? host : "[" + host + "]";
  return usual ? name : name + ":" + port;
}

Url parse_url(const std::string& flag, const std::string& text) {
  const std::string example = "an address like http://127.0.0.1:8000";
  const auto is_plain = [](char c) { return c > ' ' && c <= '~' && c != '"' && c != '\\'; };
  if (!std::all_of(text.begin(), text.end(), is_plain)) fail_url(flag, text, example);
  Url url;
  std::string rest;
  if (text.starts_with("http://")) {
    rest = text.substr(7);
  } else if (text.starts_with("https://")) {
    url.tls = true;
    rest = text.substr(8);
  } else {
    fail_url(flag, text, example);
  }
  if (rest.find_first_of("@?#") != std::string::npos)
    fail_url(flag, text, example + ", without user name, query or fragment");
  const size_t slash = std::min(rest.find('/'), rest.size());
  url.path = rest.substr(slash);
  while (url.path.ends_with('/')) url.path.pop_back();
  if (url.path.ends_with("/v1")) url.path.resize(url.path.size() - 3);
  rest.resize(slash);
  url.port = url.tls ? "443" : "80";
  const size_t bracket = rest.starts_with('[') ? rest.find(']') : 0;
  if (bracket == std::string::npos) fail_url(flag, text, example);
  const size_t colon = rest.find(':', bracket);
  if (colon != std::string::npos) url.port = rest.substr(colon + 1);
  url.host = rest.substr(0, colon);
  if (bracket > 0) {
    if (url.host.size() != bracket + 1) fail_url(flag, text, example);
    url.host = rest.substr(1, bracket - 1);
  }
  if (url.host.empty() || !is_port(url.port)) fail_url(flag, text, example);
  return url;
}

}  // namespace caravan::load
