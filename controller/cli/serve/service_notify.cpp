#include "controller/cli/serve/service_notify.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace cellrig::cli {
namespace {

std::string take_variable(const char* name) {
  const char* const value = std::getenv(name);
  const std::string text = value == nullptr ? "" : value;
  ::unsetenv(name);
  return text;
}

std::optional<long long> number_of(const std::string& text) {
  long long number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size() ? std::optional{number} : std::nullopt;
}

}  // namespace

ServiceNotify ServiceNotify::from_environment() {
  const std::string path = take_variable("NOTIFY_SOCKET");
  const std::optional<long long> period_us = number_of(take_variable("WATCHDOG_USEC"));
  const std::optional<long long> process = number_of(take_variable("WATCHDOG_PID"));
  std::optional<Duration> watchdog;
  if (period_us && *period_us > 0 && (!process || *process == ::getpid())) watchdog = std::chrono::microseconds{*period_us};
  if (path.empty()) return ServiceNotify{};
  return ServiceNotify{path, watchdog};
}

/// A name that begins with @ is in the abstract namespace.
ServiceNotify::ServiceNotify(const std::string& socket_path, std::optional<Duration> watchdog) : watchdog_{watchdog} {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket_path.empty() || socket_path.size() >= sizeof address.sun_path || (socket_path[0] != '/' && socket_path[0] != '@'))
    return;
  std::memcpy(address.sun_path, socket_path.data(), socket_path.size());
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_path.size());
  const int descriptor = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0) return;
  if (::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), size) != 0) {
    ::close(descriptor);
    return;
  }
  descriptor_ = descriptor;
}

ServiceNotify::ServiceNotify(ServiceNotify&& other) noexcept
    : descriptor_{std::exchange(other.descriptor_, -1)}, watchdog_{other.watchdog_} {}

ServiceNotify::~ServiceNotify() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

bool ServiceNotify::tell(const std::string& state) const {
  if (descriptor_ < 0) return false;
  const ssize_t sent = ::send(descriptor_, state.data(), state.size(), MSG_NOSIGNAL);
  return sent == static_cast<ssize_t>(state.size());
}

}  // namespace cellrig::cli
