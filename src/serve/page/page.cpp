#include "serve/page/page.h"

#include "base/error.h"
#include "serve/page/embedded.h"

namespace caravan::page {

namespace {

std::string_view content_type_of(std::string_view name) {
  if (name.ends_with(".html")) return "text/html; charset=utf-8";
  if (name.ends_with(".css")) return "text/css; charset=utf-8";
  if (name.ends_with(".js")) return "text/javascript; charset=utf-8";
  if (name.ends_with(".json")) return "application/json";
  CARAVAN_CHECK(name.ends_with(".svg"));
  return "image/svg+xml";
}

}  // namespace

std::optional<Asset> find_asset(std::string_view path) {
  if (!path.starts_with('/')) return std::nullopt;
  const std::string_view name = path == "/" ? "index.html" : path.substr(1);
  for (const EmbeddedFile& file : embedded_files()) {
    if (file.name == name) return Asset{content_type_of(name), file.bytes, file.etag};
  }
  return std::nullopt;
}

}  // namespace caravan::page
