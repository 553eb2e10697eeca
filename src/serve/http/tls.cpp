#include "serve/http/tls.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <string>

#include "base/error.h"

namespace caravan::http {

namespace {

struct Free {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* connection) const { SSL_free(connection); }
  void operator()(BIO_METHOD* method) const { BIO_meth_free(method); }
};

/// OpenSSL's first reason in its queue, which is emptied.
std::string reason() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  const char* text = code == 0 ? nullptr : ERR_reason_error_string(code);
  return text == nullptr ? "an unknown error" : text;
}

/// As OpenSSL's own socket BIO writes, but without SIGPIPE.
int write_without_signal(BIO* bio, const char* bytes, int size) {
  int descriptor = -1;
  BIO_get_fd(bio, &descriptor);
  BIO_clear_retry_flags(bio);
  const ssize_t count =
      ::send(descriptor, bytes, static_cast<size_t>(std::max(size, 0)), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (count < 0 && BIO_sock_should_retry(static_cast<int>(count)) != 0) BIO_set_retry_write(bio);
  return static_cast<int>(count);
}

BIO_METHOD* make_socket_method() {
  const BIO_METHOD* socket = BIO_s_socket();
  BIO_METHOD* method = BIO_meth_new(BIO_TYPE_SOCKET, "socket without SIGPIPE");
  if (method == nullptr) fail("OpenSSL: ", reason());
  BIO_meth_set_write(method, write_without_signal);
  BIO_meth_set_read(method, BIO_meth_get_read(socket));
  BIO_meth_set_ctrl(method, BIO_meth_get_ctrl(socket));
  BIO_meth_set_create(method, BIO_meth_get_create(socket));
  BIO_meth_set_destroy(method, BIO_meth_get_destroy(socket));
  return method;
}

/// Answers clients that offer protocols (ALPN) with the one spoken here.
int choose_protocol(SSL* /*connection*/, const unsigned char** out, unsigned char* out_size,
                    const unsigned char* offered, unsigned int offered_size, void* /*unused*/) {
  static constexpr std::array<unsigned char, 9> kHttp11 = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, kHttp11.data(), kHttp11.size(), offered, offered_size) !=
      OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_NOACK;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

/// A key under a password would make OpenSSL ask on the terminal.
int no_password(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*unused*/) { return -1; }

class TlsTransport : public Transport {
 public:
  TlsTransport(SSL_CTX* context, const BIO_METHOD* method, int descriptor) : descriptor_(descriptor) {
    connection_.reset(SSL_new(context));
    BIO* bio = BIO_new(method);
    if (connection_ == nullptr || bio == nullptr) {
      BIO_free(bio);
      fail("OpenSSL: ", reason());
    }
    BIO_set_fd(bio, descriptor, BIO_NOCLOSE);
    SSL_set_bio(connection_.get(), bio, bio);
    SSL_set_accept_state(connection_.get());
  }

  Passed handshake() override {
    ERR_clear_error();
    return passed(SSL_do_handshake(connection_.get()));
  }

  Transfer read(char* bytes, size_t size) override {
    ERR_clear_error();
    Transfer result;
    result.passed = passed(SSL_read_ex(connection_.get(), bytes, size, &result.bytes));
    return result;
  }

  Transfer write(std::string_view bytes) override {
    ERR_clear_error();
    Transfer result;
    result.passed = passed(SSL_write_ex(connection_.get(), bytes.data(), bytes.size(), &result.bytes));
    return result;
  }

  void end_output() override {
    ERR_clear_error();
    // Where the socket takes no more now, the end of the stream itself must do.
    if (SSL_is_init_finished(connection_.get()) != 0) SSL_shutdown(connection_.get());
    ERR_clear_error();
    ::shutdown(descriptor_, SHUT_WR);
  }

 private:
  Passed passed(int result) {
    if (result == 1) return Passed::kDone;
    switch (SSL_get_error(connection_.get(), result)) {
      case SSL_ERROR_WANT_READ:
        return Passed::kWantsRead;
      case SSL_ERROR_WANT_WRITE:
        return Passed::kWantsWrite;
      case SSL_ERROR_ZERO_RETURN:
        return Passed::kEnd;
      default:
        return Passed::kFailed;
    }
  }

  std::unique_ptr<SSL, Free> connection_;
  int descriptor_;
};

}  // namespace

struct TlsContext::Implementation {
  std::unique_ptr<BIO_METHOD, Free> method{make_socket_method()};
  std::unique_ptr<SSL_CTX, Free> context{SSL_CTX_new(TLS_server_method())};
};

TlsContext::TlsContext(const TlsFiles& files) : implementation_(std::make_unique<Implementation>()) {
  SSL_CTX* context = implementation_->context.get();
  if (context == nullptr) fail("OpenSSL: ", reason());
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  // Buffers of a silent connection are given back; a queue may grow and move between two tries to write.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);
  SSL_CTX_set_default_passwd_cb(context, no_password);
  ERR_clear_error();
  if (SSL_CTX_use_certificate_chain_file(context, files.certificate.c_str()) != 1) {
    fail("the TLS certificate ", in_quotes(files.certificate), " cannot be used (", reason(),
         "), expected a PEM file with the certificate chain");
  }
  if (SSL_CTX_use_PrivateKey_file(context, files.key.c_str(), SSL_FILETYPE_PEM) != 1) {
    fail("the TLS key ", in_quotes(files.key), " cannot be used (", reason(),
         "), expected a PEM file with the private key of ", in_quotes(files.certificate),
         ", without a password");
  }
}

TlsContext::~TlsContext() = default;

std::unique_ptr<Transport> TlsContext::transport(int descriptor) const {
  return std::make_unique<TlsTransport>(implementation_->context.get(), implementation_->method.get(),
                                        descriptor);
}

}  // namespace caravan::http
