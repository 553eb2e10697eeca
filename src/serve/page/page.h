// The web page that the server answers at `/`: its files, and the headers that go with them.
//
// Use: answer GET and HEAD of a path that find_asset() knows with its bytes, `Content-Type`, `ETag` and
// kPageHeaders; answer 304 without a body where If-None-Match holds the etag. The page needs no API key: it
// asks for one when the API answers 401. Thread safety: pure functions and constants.
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <utility>

namespace caravan::page {

struct Asset {
  std::string_view content_type;
  std::string_view bytes;
  std::string_view etag;  ///< in quotes, as the header has it
};

/// The file at `path` ("/style.css"); "/" is index.html. Nothing where there is none.
std::optional<Asset> find_asset(std::string_view path);

/// Only what this server sends may load, run or be asked; no other site may frame the page.
constexpr std::string_view kContentSecurityPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// no-cache: a browser asks again each time and mostly gets a 304, so that a new version shows at once.
constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kPageHeaders = {{
    {"Content-Security-Policy", kContentSecurityPolicy},
    {"X-Content-Type-Options", "nosniff"},
    {"X-Frame-Options", "DENY"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cache-Control", "no-cache"},
}};

}  // namespace caravan::page
