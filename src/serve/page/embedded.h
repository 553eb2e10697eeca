// The files of web/ as they were when the program was built; cmake/embed.cmake writes their definition.
// Thread safety: constants.
#pragma once

#include <span>
#include <string_view>

namespace caravan::page {

struct EmbeddedFile {
  std::string_view name;  ///< "index.html"
  std::string_view bytes;
  std::string_view etag;  ///< of the content's SHA-256, in quotes as the header has it
};

std::span<const EmbeddedFile> embedded_files();

}  // namespace caravan::page
