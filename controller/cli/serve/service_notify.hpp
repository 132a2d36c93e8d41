// Tells a service manager (systemd) that this process is ready, alive, or ending: datagrams to the socket named in NOTIFY_SOCKET, as
// sd_notify(3) has them, without its library.
#pragma once

#include <optional>
#include <string>

#include "controller/base/time.hpp"

namespace cellrig::cli {

class ServiceNotify {
 public:
  /// From the environment: NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID. Without a socket nothing is sent. The variables are removed, so that
  /// no child speaks for this process.
  [[nodiscard]] static ServiceNotify from_environment();
  ServiceNotify() = default;
  explicit ServiceNotify(const std::string& socket_path, std::optional<Duration> watchdog = std::nullopt);
  ~ServiceNotify();
  ServiceNotify(ServiceNotify&& other) noexcept;
  ServiceNotify& operator=(ServiceNotify&&) = delete;
  ServiceNotify(const ServiceNotify&) = delete;

  /// "READY=1\nSTATUS=...". Never waits. False: nobody listens, or the manager's queue is full.
  bool tell(const std::string& state) const;
  /// Within which time the manager wants to hear WATCHDOG=1; empty: it does not.
  [[nodiscard]] std::optional<Duration> watchdog() const { return watchdog_; }
  [[nodiscard]] bool is_listened_to() const { return descriptor_ >= 0; }

 private:
  int descriptor_ = -1;
  std::optional<Duration> watchdog_;
};

}  // namespace cellrig::cli
