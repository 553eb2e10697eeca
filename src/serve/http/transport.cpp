#include "serve/http/transport.h"

#include <sys/socket.h>

#include <cerrno>

namespace caravan::http {

namespace {

class PlainTransport : public Transport {
 public:
  explicit PlainTransport(int descriptor) : descriptor_(descriptor) {}

  Passed handshake() override { return Passed::kDone; }

  Transfer read(char* bytes, size_t size) override {
    for (;;) {
      const ssize_t count = ::recv(descriptor_, bytes, size, MSG_DONTWAIT);
      if (count > 0) return {Passed::kDone, static_cast<size_t>(count)};
      if (count == 0) return {Passed::kEnd};
      if (errno == EINTR) continue;
      return {errno == EAGAIN ? Passed::kWantsRead : Passed::kFailed};
    }
  }

  Transfer write(std::string_view bytes) override {
    for (;;) {
      const ssize_t count = ::send(descriptor_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (count >= 0) return {Passed::kDone, static_cast<size_t>(count)};
      if (errno == EINTR) continue;
      return {errno == EAGAIN ? Passed::kWantsWrite : Passed::kFailed};
    }
  }

  void end_output() override { ::shutdown(descriptor_, SHUT_WR); }

 private:
  int descriptor_;
};

}  // namespace

std::unique_ptr<Transport> plain_transport(int descriptor) {
  return std::make_unique<PlainTransport>(descriptor);
}

Passed discard(int descriptor, char* scratch, size_t size) {
  return PlainTransport(descriptor).read(scratch, size).passed;
}

}  // namespace caravan::http
