// How bytes pass through a connected socket, plainly or through TLS, without ever blocking.
//
// Invariants: the descriptor is another's, is in non-blocking mode, and outlives the transport; nothing
// raises SIGPIPE. After kFailed the connection is of no use. Thread safety: one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace caravan::http {

enum class Passed : uint8_t {
  kDone,
  kWantsRead,   ///< again when the socket is readable
  kWantsWrite,  ///< again when the socket is writable
  kEnd,         ///< the other side sends no more
  kFailed,      ///< the connection is broken
};

struct Transfer {
  Passed passed = Passed::kFailed;
  size_t bytes = 0;  ///< with kDone
};

class Transport {
 public:
  Transport() = default;
  virtual ~Transport() = default;
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  /// Agrees on the connection with the client; to be called until kDone.
  virtual Passed handshake() = 0;
  /// Up to `size` bytes that have come.
  virtual Transfer read(char* bytes, size_t size) = 0;
  /// As many of `bytes` as the socket takes, at least one with kDone. After another answer the same bytes are
  /// to come again, with or without more behind them.
  virtual Transfer write(std::string_view bytes) = 0;
  /// Says that nothing more will be sent. What the client still sends can be dropped with discard().
  virtual void end_output() = 0;
};

std::unique_ptr<Transport> plain_transport(int descriptor);

/// Reads bytes off the socket itself and drops them; `scratch` is any memory.
Passed discard(int descriptor, char* scratch, size_t size);

}  // namespace caravan::http
