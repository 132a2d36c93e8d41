#include "controller/cli/bench/host_link.hpp"

#include <poll.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <csignal>
#include <functional>
#include <sstream>
#include <stdexcept>

namespace cellrig::cli {
namespace {

constexpr int answer_timeout_ms = 10'000;

using Suffering = std::function<void(HostFaults&, TimePoint)>;

/// Nothing for a line of a simulator that knows more faults than this program.
Suffering suffering_of(const std::string& line) {
  std::istringstream words{line};
  std::string what;
  std::int64_t first = 0, second = 0, third = 0;
  words >> what >> first >> second >> third;
  const Duration duration{first};
  const bool on = first != 0;
  if (what == "wall_clock_step") return [duration](HostFaults& f, TimePoint now) { f.step_wall_clock(now, duration); };
  if (what == "suspend") return [duration](HostFaults& f, TimePoint now) { f.suspend(now, duration); };
  if (what == "starve") return [duration](HostFaults& f, TimePoint now) { f.starve(now, duration); };
  if (what == "fill_disk") return [on](HostFaults& f, TimePoint now) { f.fill_disk(now, on); };
  if (what == "second_controller") return [on](HostFaults& f, TimePoint now) { f.start_second_controller(now, on); };
  if (what == "clear") return [](HostFaults& f, TimePoint) { f.clear(); };
  if (what == "change_disk") {
    const sim::FaultHost::Disk disk{.sync_takes = duration, .writes_fail = second != 0, .syncs_fail = third != 0};
    return [disk](HostFaults& f, TimePoint now) { f.change_disk(now, disk); };
  }
  if (what == "lose_power" && first >= 0 && first <= static_cast<int>(sim::FaultHost::Unsynced::torn)) {
    const auto unsynced = static_cast<sim::FaultHost::Unsynced>(first);
    const auto seed = static_cast<std::uint64_t>(second);
    return [unsynced, seed](HostFaults& f, TimePoint now) { f.lose_power(now, unsynced, seed); };
  }
  return {};
}

}  // namespace

HostLink::HostLink(const HostPort& back_door, Time kind, TimeSource& time, HostFaults& faults) : time_{time}, faults_{faults} {
  boost::asio::ip::tcp::resolver resolver{context_};
  boost::asio::connect(socket_, resolver.resolve(back_door.host, std::to_string(back_door.port)));
  const std::string hello = kind == Time::lockstep ? "host lockstep\n" : "host real\n";
  boost::asio::write(socket_, boost::asio::buffer(hello));
  pollfd readable{socket_.native_handle(), POLLIN, 0};
  if (::poll(&readable, 1, answer_timeout_ms) <= 0) throw std::runtime_error("the simulator's back door does not answer");
  // The answer is awaited: whoever orders a fault after the run began must find this end of the line.
  const std::size_t answer = boost::asio::read_until(socket_, boost::asio::dynamic_buffer(received_), '\n');
  received_.erase(0, answer);
  thread_ = std::thread{[this] { listen(); }};
}

HostLink::~HostLink() {
  boost::system::error_code ignored;
  socket_.shutdown(boost::asio::ip::tcp::socket::shutdown_both, ignored);
  thread_.join();
}

void HostLink::listen() {
  for (;;) {
    boost::system::error_code error;
    const std::size_t end = boost::asio::read_until(socket_, boost::asio::dynamic_buffer(received_), '\n', error);
    if (error) return;
    const std::string line = received_.substr(0, end - 1);
    received_.erase(0, end);
    suffer(line);
  }
}

void HostLink::suffer(const std::string& line) {
  if (line == "kill") (void)::kill(::getpid(), SIGKILL);
  const Suffering suffering = suffering_of(line);
  // Both outlive this object, which may be gone before it is served.
  if (suffering) time_.post([&time = time_, &faults = faults_, suffering] { suffering(faults, time.now()); });
}

}  // namespace cellrig::cli
