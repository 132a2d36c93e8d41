#include "sim/net/socket.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <ctime>
#include <system_error>

namespace cellrig::sim {
namespace {

constexpr int backlog = 128;

}  // namespace

void fail_with(const std::string& what) { throw std::system_error{errno, std::generic_category(), what}; }

void Descriptor::reset() noexcept {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Descriptor bind_tcp(const Endpoint& endpoint) {
  Descriptor fd{::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!fd) fail_with("no socket available");
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(endpoint.port);
  if (::inet_pton(AF_INET, endpoint.host.c_str(), &address.sin_addr) != 1) {
    throw std::system_error{EINVAL, std::generic_category(), "'" + endpoint.host + "' is no IPv4 address"};
  }
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    fail_with("can't bind " + endpoint.host + ":" + std::to_string(endpoint.port));
  }
  return fd;
}

void listen_on(const Descriptor& socket) {
  if (::listen(socket.get(), backlog) != 0) fail_with("can't listen");
}

std::uint16_t local_port_of(const Descriptor& socket) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

Accepted accept_from(const Descriptor& listener) {
  sockaddr_in peer{};
  socklen_t size = sizeof peer;
  Accepted accepted;
  accepted.socket =
      Descriptor{::accept4(listener.get(), reinterpret_cast<sockaddr*>(&peer), &size, SOCK_NONBLOCK | SOCK_CLOEXEC)};
  if (!accepted.socket) return accepted;
  accepted.peer_port = ntohs(peer.sin_port);
  const int on = 1;
  ::setsockopt(accepted.socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return accepted;
}

bool send_all(const Descriptor& socket, std::string_view bytes) {
  const ssize_t n = ::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  return n == static_cast<ssize_t>(bytes.size());
}

void end_sending(const Descriptor& socket) { ::shutdown(socket.get(), SHUT_WR); }

void reset_on_close(const Descriptor& socket) {
  const linger none{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &none, sizeof none);
}

Received receive_into(const Descriptor& socket, std::string& into) {
  std::array<char, 16384> chunk;
  const ssize_t n = ::recv(socket.get(), chunk.data(), chunk.size(), MSG_DONTWAIT);
  if (n > 0) {
    into.append(chunk.data(), static_cast<std::size_t>(n));
    return Received::bytes;
  }
  const bool is_nothing = n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
  return is_nothing ? Received::nothing : Received::end;
}

std::int64_t monotonic_ns() {
  timespec t{};
  ::clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<std::int64_t>(t.tv_sec) * 1'000'000'000 + t.tv_nsec;
}

}  // namespace cellrig::sim
