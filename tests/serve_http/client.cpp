#include "serve_http/client.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdlib>
#include <utility>

namespace caravan::test {

std::string Reply::header(std::string_view name) const { return headers.find(name).value_or("(none)"); }

Client::Client(int receive_buffer) : descriptor_(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  // One kind of socket for both families.
  const int off = 0;
  ::setsockopt(descriptor_, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  if (receive_buffer > 0)
    ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  // Longer than an answer takes under ThreadSanitizer or qemu-user; a server that hangs is found all the
  // same.
  const timeval patience{120, 0};
  ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
}

Client::~Client() { close(); }

bool Client::connect(uint16_t port, const std::string& address) {
  addrinfo hints{};
  hints.ai_family = AF_INET6;
  hints.ai_flags = AI_V4MAPPED | AI_NUMERICHOST;
  addrinfo* found = nullptr;
  if (::getaddrinfo(address.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) return false;
  const bool connected = ::connect(descriptor_, found->ai_addr, found->ai_addrlen) == 0;
  ::freeaddrinfo(found);
  return connected;
}

bool Client::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count < 0) return false;
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return true;
}

std::string Client::receive(size_t size) {
  std::string bytes(size, '\0');
  const ssize_t count = ::recv(descriptor_, bytes.data(), size, 0);
  bytes.resize(count > 0 ? static_cast<size_t>(count) : 0);
  return bytes;
}

std::string Client::until(std::string_view mark) {
  size_t at = 0;
  while ((at = unread_.find(mark)) == std::string::npos) {
    const std::string more = receive();
    if (more.empty()) return std::exchange(unread_, {});
    unread_ += more;
  }
  std::string found = unread_.substr(0, at + mark.size());
  unread_.erase(0, found.size());
  return found;
}

std::string Client::exactly(size_t size) {
  while (unread_.size() < size) {
    const std::string more = receive();
    if (more.empty()) break;
    unread_ += more;
  }
  std::string found = unread_.substr(0, size);
  unread_.erase(0, found.size());
  return found;
}

Reply Client::reply_head() {
  Reply reply;
  std::string line = until("\r\n");
  constexpr size_t kStatusAt = 9;
  if (!line.starts_with("HTTP/1.1 ") || !line.ends_with("\r\n")) return reply;
  reply.status = std::atoi(line.c_str() + kStatusAt);
  while ((line = until("\r\n")).size() > 2) {
    const size_t colon = line.find(": ");
    if (colon == std::string::npos) return reply;
    reply.headers.add(line.substr(0, colon), line.substr(colon + 2, line.size() - colon - 4));
  }
  return reply;
}

Reply Client::reply(bool head) {
  Reply reply = reply_head();
  reply.complete = reply.status != 0;
  if (head || reply.status == 204 || reply.status / 100 == 1) return reply;
  if (reply.headers.find("Transfer-Encoding")) {
    for (std::string chunk; !(chunk = next_chunk()).empty();) {
      reply.body += chunk;
      reply.chunks.push_back(std::move(chunk));
    }
    reply.complete = until("\r\n") == "\r\n";
  } else if (const auto length = reply.headers.find("Content-Length")) {
    reply.body = exactly(std::stoull(*length));
    reply.complete = reply.body.size() == std::stoull(*length);
  } else {
    for (std::string more; !(more = exactly(1)).empty();) reply.body += more;
  }
  return reply;
}

std::string Client::next_chunk() {
  const std::string line = until("\r\n");
  const size_t size = std::strtoull(line.c_str(), nullptr, 16);
  if (size == 0) return {};
  std::string chunk = exactly(size + 2);
  if (chunk.size() != size + 2) return {};
  chunk.resize(size);
  return chunk;
}

bool Client::ended() { return unread_.empty() && receive(1).empty(); }

bool Client::silent_for(std::chrono::milliseconds time) {
  pollfd wait{descriptor_, POLLIN, 0};
  return unread_.empty() && ::poll(&wait, 1, static_cast<int>(time.count())) == 0;
}

void Client::shut_output() { ::shutdown(descriptor_, SHUT_WR); }

void Client::close() {
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
}

void Client::reset() {
  const linger now{1, 0};
  ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close();
}

std::string request_text(const std::string& method, const std::string& target, const std::string& headers,
                         const std::string& body) {
  const std::string length = body.empty() ? "" : "Content-Length: " + std::to_string(body.size()) + "\r\n";
  return method + " " + target + " HTTP/1.1\r\nHost: test\r\n" + headers + length + "\r\n" + body;
}

}  // namespace caravan::test
