#include "sim/net/remote_host.hpp"

#include <utility>

#include <fmt/format.h>

namespace cellrig::sim {

RemoteHost::RemoteHost(SimulatedBench& bench, std::function<Listeners()> listeners, std::function<void(const std::string&)> tell)
    : bench_{bench}, listeners_{std::move(listeners)}, tell_{std::move(tell)} {
  bench_.set_fault_host(this);
}

RemoteHost::~RemoteHost() { bench_.set_fault_host(nullptr); }

std::string RemoteHost::why_not(std::string_view kind) const {
  const Listeners listeners = listeners_();
  if (listeners.count == 0) {
    return "this is a fault of the controller's host, and no controller is here: start one with cellrig run --simulator "
           "READY.json, "
           "or use cellrig run --simulated --faults FILE";
  }
  if (listeners.keep_own_time) return {};
  const bool is_of_time = kind == "wall_clock_step" || kind == "suspend" || kind == "starve";
  if (is_of_time) return "the controller is in lockstep and has no time of its own";
  const bool is_of_disk = kind == "slow_disk" || kind == "power_loss";
  return is_of_disk ? "the controller is in lockstep, where nobody waits for the disk" : "";
}

void RemoteHost::step_wall_clock(TimePoint at, Duration by) { tell_at(at, fmt::format("wall_clock_step {}", by.count())); }

void RemoteHost::suspend(TimePoint at, Duration duration) { tell_at(at, fmt::format("suspend {}", duration.count())); }

void RemoteHost::starve(TimePoint at, Duration lateness) { tell_at(at, fmt::format("starve {}", lateness.count())); }

void RemoteHost::fill_disk(TimePoint at, bool full) { tell_at(at, fmt::format("fill_disk {:d}", full)); }

void RemoteHost::kill(TimePoint at) { tell_at(at, "kill"); }

void RemoteHost::lose_power(TimePoint at, Unsynced unsynced, std::uint64_t seed) {
  tell_at(at, fmt::format("lose_power {} {}", static_cast<int>(unsynced), seed));
}

void RemoteHost::change_disk(TimePoint at, Disk disk) {
  tell_at(at, fmt::format("change_disk {} {:d} {:d}", disk.sync_takes.count(), disk.writes_fail, disk.syncs_fail));
}

void RemoteHost::start_second_controller(TimePoint at, bool is_forced) {
  tell_at(at, fmt::format("second_controller {:d}", is_forced));
}

void RemoteHost::clear() { tell_("clear"); }

void RemoteHost::tell_at(TimePoint at, std::string line) {
  if (at <= bench_.now()) return tell_(line);
  bench_.schedule(at, [this, life = std::weak_ptr<int>{life_}, line = std::move(line)](TimePoint) {
    if (!life.expired()) tell_(line);  // the bench may go on without its server
  });
}

}  // namespace cellrig::sim
