// TLS 1.2 and 1.3 by OpenSSL: the server's certificate and key, and connections that use them.
//
// Thread safety: one thread at a time.
#pragma once

#include <memory>

#include "serve/http/server.h"
#include "serve/http/transport.h"

namespace caravan::http {

/// What all connections share.
class TlsContext {
 public:
  /// Throws Error, naming the file, where the certificate or key cannot be used.
  explicit TlsContext(const TlsFiles& files);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  /// The server's side of a connection.
  [[nodiscard]] std::unique_ptr<Transport> transport(int descriptor) const;

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace caravan::http
