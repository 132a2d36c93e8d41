// What doctor says of exhausts, fans and the siren: whether their modules answer, and whether they are on. It switches none, but for
// the siren, which a person who acknowledges silences.
#include <fmt/format.h>

#include "controller/runtime/doctor.hpp"

namespace cellrig {
namespace {
constexpr Duration output_test_timeout = std::chrono::seconds{2};
}  // namespace

Task<void> Doctor::look_at_alarms() {
  const std::vector<AlarmWire> alarms = alarm_wires_of(bench_, ours_);
  for (const AlarmWire& alarm : alarms) {
    if (!stopped_ && lease_lines(alarm.wire.instrument)) co_await look_at_alarm(alarm);
  }
}

Task<void> Doctor::look_at_alarm(AlarmWire alarm) {
  const std::string what{to_string(alarm.role)};
  const std::string& name = alarm.wire.instrument;
  Relays& relays = *instruments_.relays.at(name);
  const Deadline deadline{time_.now() + output_test_timeout};
  const Result<bool> is_on = co_await relays.state(alarm.wire.index, deadline);
  if (!is_on) {
    add(name, what, DoctorVerdict::failed,
        alarm.name() + ": output " + std::to_string(alarm.wire.index) + ": " + is_on.error().what);
    co_return;
  }
  std::string text = fmt::format("{}: output {} is {}, read back", alarm.name(), alarm.wire.index, *is_on ? "on" : "off");
  if (!*is_on || !options_.acknowledge_trips) {
    if (*is_on) text += "; it stays on until somebody acknowledges why (--acknowledge)";
    add(name, what, *is_on ? DoctorVerdict::notice : DoctorVerdict::good, text);
    co_return;
  }
  if (alarm.role == AlarmWire::Role::siren) {
    const Deadline off_deadline{time_.now() + output_test_timeout};
    const Result<void> off = co_await relays.set(alarm.wire.index, false, off_deadline);
    if (!off) {
      add(name, what, DoctorVerdict::failed, alarm.name() + " was not silenced: " + off.error().what);
      co_return;
    }
    text = alarm.name() + " was on and is silenced, read back";
  } else if (!options_.keeps_record) {
    add(name, what, DoctorVerdict::notice, text + "; for the next start to switch it off give --db FILE --operator NAME");
    co_return;
  } else {
    text = alarm.name() + " is on; acknowledged: the next start with this record switches it off";
  }
  acknowledged_alarms_.push_back({alarm, text});
  add(name, what, DoctorVerdict::good, text);
}

}  // namespace cellrig
