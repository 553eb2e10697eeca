#include "serve/api_keys.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <sstream>

#include "base/error.h"
#include "base/file.h"

namespace caravan::serve {

namespace {

/// Far above any list of keys.
constexpr uint64_t kMaxFileBytes = uint64_t{1} << 20U;

using Digest = std::array<unsigned char, SHA256_DIGEST_LENGTH>;

/// Digests are of one length, so that comparing them does not tell how long a key is.
Digest digest_of(const std::string& key) {
  Digest digest{};
  SHA256(reinterpret_cast<const unsigned char*>(key.data()), key.size(), digest.data());
  return digest;
}

bool same(const std::string& a, const std::string& b) {
  const Digest x = digest_of(a);
  const Digest y = digest_of(b);
  return CRYPTO_memcmp(x.data(), y.data(), x.size()) == 0;
}

std::optional<std::string> shown_key(const http::Request& request) {
  constexpr std::string_view kBearer = "bearer ";
  if (const auto value = request.headers.find("Authorization")) {
    std::string scheme = value->substr(0, kBearer.size());
    std::transform(scheme.begin(), scheme.end(), scheme.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    if (scheme == kBearer) return value->substr(kBearer.size());
  }
  return request.headers.find("X-Api-Key");
}

}  // namespace

ApiKeys::ApiKeys(const std::filesystem::path& file) {
  std::istringstream lines(read_file(file, kMaxFileBytes));
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ' || line.back() == '\t'))
      line.pop_back();
    if (line.empty() || line.front() == '#') continue;
    const bool plain = std::all_of(line.begin(), line.end(), [](char c) { return c > ' ' && c < 0x7F; });
    if (!plain) {
      fail(file.string(), ": line ", number,
           " holds a space or a character outside ASCII, expected one key a line");
    }
    keys_.push_back(line);
  }
  if (keys_.empty()) fail(file.string(), ": holds no key, expected one a line");
}

std::optional<size_t> ApiKeys::key_of(const http::Request& request) const {
  const std::optional<std::string> shown = shown_key(request);
  std::optional<size_t> found;
  for (size_t i = 0; i < keys_.size(); ++i) {
    if (same(shown.value_or(""), keys_[i]) && shown.has_value()) found = i;
  }
  return found;
}

}  // namespace caravan::serve
