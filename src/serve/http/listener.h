// Takes connections on every address of one host and makes sessions of them.
//
// Invariants: goes on after every error of the system, out of descriptors too. Thread safety: the I/O thread
// only, but for the constructor and port().
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "serve/http/context.h"

namespace caravan::http {

class Listener {
 public:
  /// Binds and listens; throws Error naming host and port where that fails.
  explicit Listener(Context& context);

  [[nodiscard]] uint16_t port() const { return port_; }
  /// Begins to take connections.
  void start();
  /// Closes the port.
  void stop();

 private:
  using Acceptor = boost::asio::ip::tcp::acceptor;
  /// One address, and the timer of its pauses.
  struct Door {
    explicit Door(boost::asio::io_context& io) : acceptor(io), pause(io) {}
    Acceptor acceptor;
    boost::asio::steady_timer pause;
  };

  void open(Door& door, const boost::asio::ip::tcp::endpoint& endpoint) const;
  void accept(Door& door);
  void admit(boost::asio::ip::tcp::socket socket);
  void pause(Door& door, const boost::system::error_code& reason);

  Context& context_;
  std::vector<std::unique_ptr<Door>> doors_;
  uint16_t port_ = 0;
  bool stopped_ = false;
};

}  // namespace caravan::http
