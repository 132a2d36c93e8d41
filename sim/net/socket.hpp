// The few system calls a server needs, with owners for what they return.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace cellrig::sim {

/// @throws std::system_error with the present errno, always
[[noreturn]] void fail_with(const std::string& what);

/// Owns a file descriptor.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_{fd} {}
  Descriptor(Descriptor&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  ~Descriptor() { reset(); }
  void reset() noexcept;
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

/// IPv4 and a port; 0 lets the system choose.
struct Endpoint {
  std::string host;
  std::uint16_t port = 0;
};

/// A bound TCP socket that does not listen yet: connections to it are refused. @throws std::system_error
[[nodiscard]] Descriptor bind_tcp(const Endpoint& endpoint);
/// @throws std::system_error
void listen_on(const Descriptor& socket);
[[nodiscard]] std::uint16_t local_port_of(const Descriptor& socket);

struct Accepted {
  Descriptor socket;  ///< non-blocking, without Nagle's delay; empty when nobody waits
  std::uint16_t peer_port = 0;
};
[[nodiscard]] Accepted accept_from(const Descriptor& listener);

/// Never blocks. False: not everything went out, and this connection is of no more use.
[[nodiscard]] bool send_all(const Descriptor& socket, std::string_view bytes);

/// Nothing more goes out; the peer sees the end, and may still send.
void end_sending(const Descriptor& socket);
/// The peer will see a reset (RST) instead of an end (FIN).
void reset_on_close(const Descriptor& socket);

enum class Received : unsigned char { bytes, nothing, end };
/// Reads what is there, at most one buffer, and appends it.
[[nodiscard]] Received receive_into(const Descriptor& socket, std::string& into);

/// CLOCK_MONOTONIC in ns.
[[nodiscard]] std::int64_t monotonic_ns();

}  // namespace cellrig::sim
