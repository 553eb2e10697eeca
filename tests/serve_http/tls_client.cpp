#include "serve_http/tls_client.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cstdio>
#include <memory>

#include "base/error.h"

namespace caravan::test {

namespace {

using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

File open_file(const std::string& path) { return {std::fopen(path.c_str(), "w"), std::fclose}; }

}  // namespace

void make_certificate(const TemporaryFolder& folder, const std::string& name) {
  const std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  const std::unique_ptr<X509, void (*)(X509*)> certificate(X509_new(), X509_free);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  X509_set_pubkey(certificate.get(), key.get());
  X509_NAME* subject = X509_get_subject_name(certificate.get());
  const std::string host = "localhost";
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(host.c_str()), -1, -1, 0);
  X509_set_issuer_name(certificate.get(), subject);
  CARAVAN_CHECK(X509_sign(certificate.get(), key.get(), EVP_sha256()) > 0);
  const File key_file = open_file(folder / (name + ".key"));
  PEM_write_PrivateKey(key_file.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  const File certificate_file = open_file(folder / (name + ".crt"));
  PEM_write_X509(certificate_file.get(), certificate.get());
}

TlsClient::TlsClient(int highest) : context_(SSL_CTX_new(TLS_client_method())) {
  // A client older than the server allows must be able to try.
  SSL_CTX_set_security_level(context_, 0);
  SSL_CTX_set_min_proto_version(context_, TLS1_VERSION);
  SSL_CTX_set_max_proto_version(context_, highest);
  connection_ = SSL_new(context_);
  const std::string offered = std::string("\x02h2") + "\x08http/1.1";
  SSL_set_alpn_protos(connection_, reinterpret_cast<const unsigned char*>(offered.data()),
                      static_cast<unsigned>(offered.size()));
}

TlsClient::~TlsClient() {
  SSL_free(connection_);
  SSL_CTX_free(context_);
}

bool TlsClient::connect(uint16_t port, const std::string& address) {
  if (!Client::connect(port, address)) return false;
  SSL_set_fd(connection_, descriptor());
  return SSL_connect(connection_) == 1;
}

bool TlsClient::send(std::string_view bytes) {
  size_t count = 0;
  return SSL_write_ex(connection_, bytes.data(), bytes.size(), &count) == 1;
}

std::string TlsClient::receive(size_t size) {
  std::string bytes(size, '\0');
  size_t count = 0;
  SSL_read_ex(connection_, bytes.data(), size, &count);
  bytes.resize(count);
  return bytes;
}

std::string TlsClient::version() const { return SSL_get_version(connection_); }

std::string TlsClient::protocol() const {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(connection_, &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

}  // namespace caravan::test
