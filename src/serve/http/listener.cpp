#include "serve/http/listener.h"

#include <boost/asio/ip/v6_only.hpp>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "serve/http/session.h"

namespace caravan::http {

namespace {

using boost::asio::ip::tcp;
using ErrorCode = boost::system::error_code;

/// How long no connection is taken when the system has run out of something.
constexpr std::chrono::milliseconds kPause{100};

/// Connections over the limit that are told so at one time; more are closed without a word.
constexpr size_t kMaxRefused = 256;

std::set<tcp::endpoint> endpoints_of(boost::asio::io_context& io, std::string host, uint16_t port) {
  // An IPv6 address as URLs write it.
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  ErrorCode error;
  const auto found = tcp::resolver(io).resolve(
      host, std::to_string(port), tcp::resolver::passive | tcp::resolver::numeric_service, error);
  if (host.empty() || error || found.empty()) {
    fail("the host ", in_quotes(host), " cannot be listened on (", host.empty() ? "empty" : error.message(),
         "), expected an address of this machine or a name of one");
  }
  return {found.begin(), found.end()};
}

}  // namespace

Listener::Listener(Context& context) : context_(context), port_(context.options.port) {
  const std::string& host = context.options.host;
  ErrorCode last;
  for (tcp::endpoint endpoint : endpoints_of(context.io, host, port_)) {
    // A port that was found free for the first address serves for all.
    endpoint.port(port_);
    auto door = std::make_unique<Door>(context.io);
    try {
      open(*door, endpoint);
    } catch (const boost::system::system_error& error) {
      last = error.code();
      // A name may stand for an address that this machine does not have, such as ::1 without IPv6.
      if (last == boost::asio::error::address_family_not_supported ||
          last == boost::system::errc::address_not_available)
        continue;
      break;
    }
    last = {};
    port_ = door->acceptor.local_endpoint().port();
    doors_.push_back(std::move(door));
  }
  if (doors_.empty() || (last && last != boost::asio::error::address_family_not_supported &&
                         last != boost::system::errc::address_not_available)) {
    fail("cannot listen on ", host, " port ", port_, ": ", last.message());
  }
}

void Listener::open(Door& door, const tcp::endpoint& endpoint) const {
  door.acceptor.open(endpoint.protocol());
  door.acceptor.set_option(tcp::acceptor::reuse_address(true));
  // "::" takes IPv4 too.
  if (endpoint.address().is_v6())
    door.acceptor.set_option(boost::asio::ip::v6_only(!endpoint.address().is_unspecified()));
  door.acceptor.bind(endpoint);
  door.acceptor.listen();
}

void Listener::start() {
  for (const auto& door : doors_) accept(*door);
}

void Listener::stop() {
  stopped_ = true;
  for (const auto& door : doors_) {
    ErrorCode ignored;
    door->acceptor.close(ignored);
    door->pause.cancel(ignored);
  }
}

void Listener::accept(Door& door) {
  door.acceptor.async_accept([this, &door](const ErrorCode& error, tcp::socket socket) {
    if (error == boost::asio::error::operation_aborted || stopped_) return;
    if (!error) {
      admit(std::move(socket));
    } else if (error != boost::asio::error::connection_aborted) {
      pause(door, error);
      return;
    }
    accept(door);
  });
}

void Listener::admit(tcp::socket socket) {
  const bool full = context_.sessions.size() - context_.refused >= context_.options.max_connections;
  if (full && context_.refused >= kMaxRefused) return;
  try {
    Session::open(context_, std::move(socket), full);
  } catch (const std::exception& error) {
    // The client has left already, or memory has run out.
    log(LogLevel::kInfo, "a connection could not be taken: ", error.what());
  }
}

void Listener::pause(Door& door, const ErrorCode& reason) {
  log(LogLevel::kWarning, "no connection can be taken for a moment: ", reason.message());
  door.pause.expires_after(kPause);
  door.pause.async_wait([this, &door](const ErrorCode& error) {
    if (!error && !stopped_) accept(door);
  });
}

}  // namespace caravan::http
