#include "serve/http/session.h"

#include <netinet/tcp.h>

#include <boost/asio/post.hpp>
#include <utility>

#include "base/log.h"

namespace caravan::http {

namespace {

using ErrorCode = boost::system::error_code;

/// So many steps on one connection before the others get their turn.
constexpr int kStepsAtOnce = 64;

/// Bytes that the system takes before the network does.
constexpr int kUnsentBytes = 128 << 10;

}  // namespace

void Session::open(Context& context, Socket socket, bool refused) {
  auto session = std::make_shared<Session>(context, std::move(socket), refused);
  context.sessions.emplace(session.get(), session);
  context.refused += refused ? 1 : 0;
  context.open = context.sessions.size();
  session->set_deadline(context.options.read_timeout);
  session->pump();
}

Session::Session(Context& context, Socket socket, bool refused)
    : context_(context), socket_(std::move(socket)), timer_(context.io), refused_(refused) {
  const boost::asio::ip::address address = socket_.remote_endpoint().address();
  const bool mapped = address.is_v6() && address.to_v6().is_v4_mapped();
  const boost::asio::ip::address peer =
      mapped ? boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, address.to_v6()) : address;
  peer_ = peer.to_string();
  from_loopback_ = peer.is_loopback();
  socket_.non_blocking(true);
  socket_.set_option(boost::asio::ip::tcp::no_delay(true));
  // What is not on its way waits in our queue, where it is counted; and a slow client's progress is seen
  // after half as many bytes, not after a third of the megabytes that the system would take.
  socket_.set_option(
      boost::asio::detail::socket_option::integer<IPPROTO_TCP, TCP_NOTSENT_LOWAT>(kUnsentBytes));
  const int descriptor = socket_.native_handle();
  transport_ = context.tls ? context.tls->transport(descriptor) : plain_transport(descriptor);
}

void Session::drop() {
  if (closed()) return;
  const bool unanswered = phase_ == Phase::kAnswering;
  phase_ = Phase::kClosed;
  transport_.reset();
  ErrorCode ignored;
  socket_.close(ignored);
  timer_.cancel(ignored);
  reader_.reset();
  output_.clear();
  std::string().swap(input_);
  std::function<void()> gone = std::exchange(gone_, nullptr);
  if (unanswered && gone) boost::asio::post(context_.io, std::move(gone));
  // The last owner may be the registry.
  const std::shared_ptr<Session> self = shared_from_this();
  context_.sessions.erase(this);
  context_.refused -= refused_ ? 1 : 0;
  context_.open = context_.sessions.size();
}

void Session::pump() {
  if (pumping_) return;
  const std::shared_ptr<Session> self = shared_from_this();
  pumping_ = true;
  int steps = 0;
  try {
    // Reading comes first: what it answers at once is then written in the same round.
    while (!closed() && steps < kStepsAtOnce) {
      const bool read = step_read();
      const bool written = !closed() && step_write();
      if (!read && !written) break;
      ++steps;
    }
  } catch (const std::exception& error) {
    // Memory, say: the others go on.
    log(LogLevel::kError, "the connection of ", peer_, " failed: ", error.what());
    drop();
  }
  pumping_ = false;
  if (steps == kStepsAtOnce) pump_soon();
}

void Session::pump_soon() {
  if (pumping_ || pump_posted_ || closed()) return;
  pump_posted_ = true;
  boost::asio::post(context_.io, [weak = weak_from_this()] {
    const std::shared_ptr<Session> self = weak.lock();
    if (!self) return;
    self->pump_posted_ = false;
    self->pump();
  });
}

void Session::wait_for(Socket::wait_type what, Direction blocked) {
  (blocked == Direction::kRead ? read_waits_ : write_waits_) = true;
  socket_.async_wait(what, [weak = weak_from_this(), blocked](const ErrorCode& error) {
    const std::shared_ptr<Session> self = weak.lock();
    if (!self || self->closed()) return;
    (blocked == Direction::kRead ? self->read_waits_ : self->write_waits_) = false;
    if (error) {
      self->drop();
    } else {
      self->pump();
    }
  });
}

void Session::wait_as(Passed passed, Direction blocked) {
  wait_for(passed == Passed::kWantsWrite ? Socket::wait_write : Socket::wait_read, blocked);
}

void Session::set_deadline(Clock::duration from_now) {
  deadline_ = Clock::now() + from_now;
  // A timer that fires too early looks at the deadline again; only one that is too late must be moved.
  if (!timer_set_for_ || *timer_set_for_ > *deadline_) arm_timer(*deadline_);
}

void Session::arm_timer(Clock::time_point when) {
  timer_set_for_ = when;
  timer_.expires_at(when);
  timer_.async_wait([weak = weak_from_this()](const ErrorCode& error) {
    const std::shared_ptr<Session> self = weak.lock();
    if (self && !error) self->on_timer();
  });
}

void Session::on_timer() {
  timer_set_for_.reset();
  if (closed() || !deadline_) return;
  if (Clock::now() < *deadline_) {
    arm_timer(*deadline_);
  } else {
    deadline_.reset();
    on_deadline();
  }
}

void Session::on_deadline() {
  if (phase_ == Phase::kReading && reader_ && reader_->begun()) {
    refuse_request(408, "the request did not arrive within " +
                            std::to_string(context_.options.read_timeout.count()) +
                            " ms of its first byte, the limit here");
    pump();
  } else {
    drop();
  }
}

}  // namespace caravan::http
