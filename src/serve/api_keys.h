// The API keys that a server takes, and who shows one.
// Thread safety: constant once built.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "serve/http/message.h"

namespace caravan::serve {

class ApiKeys {
 public:
  /// No key: everybody may come in.
  ApiKeys() = default;
  /// One key a line; empty lines and those that begin with # do not count. Throws Error, naming the file, if
  /// it holds no key, or one with a character that no header can carry.
  explicit ApiKeys(const std::filesystem::path& file);

  [[nodiscard]] bool required() const { return !keys_.empty(); }
  /// Which of the keys the request shows, as "Authorization: Bearer KEY" or "X-Api-Key: KEY"; nothing if
  /// none. Takes as long for a wrong key as for any other.
  [[nodiscard]] std::optional<size_t> key_of(const http::Request& request) const;

 private:
  std::vector<std::string> keys_;
};

}  // namespace caravan::serve
