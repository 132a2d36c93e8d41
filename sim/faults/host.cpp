// Faults of the computer on which the controller runs. A bench can't do them: whoever composes bench and controller may (FaultHost).
#include <array>
#include <optional>

#include "sim/faults/kind.hpp"

namespace cellrig::sim::faults {
namespace {

constexpr std::array<std::string_view, 4> unsynced_names{"dropped", "kept", "some", "torn"};
constexpr std::array<std::string_view, 4> failing_names{"nothing", "writes", "syncs", "all"};

FaultHost* host_of(const Context& c, Error& error) {
  FaultHost* const host = c.bench.fault_host();
  const std::string why_not =
      host != nullptr ? host->why_not(c.order.kind)
                      : "this is a fault of the controller's host, and no controller is here yet: give it to "
                        "cellrig run --simulated --faults FILE, or to a cellrig-sim once cellrig run --simulator has begun";
  if (why_not.empty()) return host;
  error = refuse(c.order.kind + ": " + why_not);
  return nullptr;
}

Result<void> wall_clock_step(const Context& c) {
  Error error = refuse("");
  FaultHost* const host = host_of(c, error);
  if (host == nullptr) return error;
  const double step_s = c.fields.number("step_s", 3600.0, -seconds_max, seconds_max);
  if (const Result<void> verdict = c.fields.verdict(); c.ends(verdict)) return verdict;
  host->step_wall_clock(c.now, from_seconds(step_s));
  return Result<void>{};
}

Result<void> suspend(const Context& c) {
  Error error = refuse("");
  FaultHost* const host = host_of(c, error);
  if (host == nullptr) return error;
  const double for_s = c.fields.number("for_s", 2.0, 0.0, 1e6);
  if (const Result<void> verdict = c.fields.verdict(); c.ends(verdict)) return verdict;
  host->suspend(c.now, from_seconds(for_s));
  return Result<void>{};
}

/// When it ends by itself; nothing: it does not.
std::optional<TimePoint> end_of(const Context& c) {
  if (!c.fields.has("for_s")) return std::nullopt;
  return c.now + from_seconds(c.fields.number("for_s", 0.0, 0.0, seconds_max));
}

Result<void> starve(const Context& c) {
  Error error = refuse("");
  FaultHost* const host = host_of(c, error);
  if (host == nullptr) return error;
  const bool on = c.fields.flag("on", true);
  const double delay_ms = c.fields.number("delay_ms", 50.0, 0.0, 60'000.0);
  const std::optional<TimePoint> end = end_of(c);
  if (const Result<void> verdict = c.fields.verdict(); c.ends(verdict)) return verdict;
  host->starve(c.now, on ? from_seconds(delay_ms / 1000.0) : Duration::zero());
  if (on && end) host->starve(*end, Duration::zero());
  return Result<void>{};
}

Result<void> disk_full(const Context& c) {
  Error error = refuse("");
  FaultHost* const host = host_of(c, error);
  if (host == nullptr) return error;
  const bool on = c.fields.flag("on", true);
  const std::optional<TimePoint> end = end_of(c);
  if (const Result<void> verdict = c.fields.verdict(); c.ends(verdict)) return verdict;
  host->fill_disk(c.now, on);
  if (on && end) host->fill_disk(*end, false);
  return Result<void>{};
}

Result<void> kill(const Context& c) {
  Error error = refuse("");
  FaultHost* const host = host_of(c, error);
  if (host == nullptr) return error;
  if (const Result<void> verdict = c.fields.verdict(); c.ends(verdict)) return verdict;
  host->kill(c.now);
  return Result<void>{};
}

Result<void> power_loss(const Context& c) {
  Error error = refuse("");
  FaultHost* const host = host_of(c, error);
  if (host == nullptr) return error;
  const std::size_t unsynced = c.fields.choice("unsynced", 2, unsynced_names);
  const double seed = c.fields.number("seed", 1.0, 0.0, 9e15);
  if (const Result<void> verdict = c.fields.verdict(); c.ends(verdict)) return verdict;
  host->lose_power(c.now, static_cast<FaultHost::Unsynced>(unsynced), static_cast<std::uint64_t>(seed));
  return Result<void>{};
}

Result<void> slow_disk(const Context& c) {
  Error error = refuse("");
  FaultHost* const host = host_of(c, error);
  if (host == nullptr) return error;
  const bool on = c.fields.flag("on", true);
  const double sync_s = c.fields.number("sync_s", 0.0, 0.0, 3600.0);
  const std::size_t fails = c.fields.choice("fails", 0, failing_names);
  const std::optional<TimePoint> end = end_of(c);
  if (on && !(sync_s > 0.0) && fails == 0)
    c.fields.complain("slow_disk: how slow, or what fails? sync_s=5, or fails=writes, syncs, all");
  if (const Result<void> verdict = c.fields.verdict(); c.ends(verdict)) return verdict;
  const FaultHost::Disk good, bad{.sync_takes = from_seconds(sync_s), .writes_fail = fails % 2 == 1, .syncs_fail = fails >= 2};
  host->change_disk(c.now, on ? bad : good);
  if (on && end) host->change_disk(*end, good);
  return Result<void>{};
}

Result<void> second_controller(const Context& c) {
  Error error = refuse("");
  FaultHost* const host = host_of(c, error);
  if (host == nullptr) return error;
  const bool is_forced = c.fields.flag("force", false);
  if (const Result<void> verdict = c.fields.verdict(); c.ends(verdict)) return verdict;
  host->start_second_controller(c.now, is_forced);
  return Result<void>{};
}

}  // namespace

const std::vector<Kind>& host_kinds() {
  using enum Aim;
  constexpr Family family = Family::host;
  static const std::vector<Kind> all{
      {"wall_clock_step", family, nothing, {"step_s"}, wall_clock_step, false, Drawn::always, {{"step_s", 1.0, 7200.0}}},
      {"suspend", family, nothing, {"for_s"}, suspend, false, Drawn::always, {{"for_s", 0.05, 30.0}}},
      {"starve", family, nothing, {"delay_ms"}, starve, true, Drawn::always, {{"delay_ms", 1.0, 200.0}}},
      {"disk_full", family, nothing, {}, disk_full},
      {"kill", family, nothing, {}, kill, false, Drawn::by_name},
      {"power_loss", family, nothing, {"unsynced", "seed"}, power_loss, false, Drawn::by_name, {{"seed", 1.0, 1e6}}},
      {"slow_disk", family, nothing, {"sync_s", "fails"}, slow_disk, true, Drawn::always, {{"sync_s", 0.001, 0.2}}},
      {"second_controller", family, nothing, {"force"}, second_controller, false},
  };
  return all;
}

}  // namespace cellrig::sim::faults
