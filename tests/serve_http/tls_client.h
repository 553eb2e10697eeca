// A client that speaks TLS, and certificates for its server, made on the spot.
// Thread safety: one thread at a time.
#pragma once

#include <openssl/ssl.h>

#include "serve_http/client.h"
#include "support/paths.h"

namespace caravan::test {

/// Writes a new self-signed certificate and its key (P-256, PEM) into `folder`, as NAME.crt and NAME.key.
void make_certificate(const TemporaryFolder& folder, const std::string& name);

class TlsClient : public Client {
 public:
  /// Speaks `highest` (TLS1_2_VERSION …) or less.
  explicit TlsClient(int highest = TLS1_3_VERSION);
  ~TlsClient() override;

  /// Connects and shakes hands; the certificate is not checked.
  bool connect(uint16_t port, const std::string& address = "127.0.0.1") override;
  bool send(std::string_view bytes) override;
  std::string receive(size_t size) override;
  /// "TLSv1.3" …
  [[nodiscard]] std::string version() const;
  /// The protocol that the server chose of "h2" and "http/1.1".
  [[nodiscard]] std::string protocol() const;

 private:
  SSL_CTX* context_;
  SSL* connection_;
};

}  // namespace caravan::test
