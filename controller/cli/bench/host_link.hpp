// What a simulator's back door tells this process to suffer: faults of the controller's host, for a controller on real sockets.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <string>
#include <thread>

#include "controller/async/time_source.hpp"
#include "controller/cli/bench/host_faults.hpp"
#include "controller/runtime/config.hpp"

namespace cellrig::cli {

/// A connection and a thread of its own; what it hears is handed to the control thread, but for an end of the process, which waits for
/// nobody. Both outlive it.
class HostLink {
 public:
  enum class Time : bool { real, lockstep };
  /// @throws boost::system::system_error when nobody listens there.
  HostLink(const HostPort& back_door, Time kind, TimeSource& time, HostFaults& faults);
  ~HostLink();
  HostLink(const HostLink&) = delete;
  HostLink& operator=(const HostLink&) = delete;

 private:
  void listen();
  void suffer(const std::string& line);

  TimeSource& time_;
  HostFaults& faults_;
  boost::asio::io_context context_{1};
  boost::asio::ip::tcp::socket socket_{context_};
  std::string received_;
  std::thread thread_;
};

}  // namespace cellrig::cli
