#include "controller/runtime/trial_guard.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <span>
#include <utility>

#include "controller/runtime/constants.hpp"
#include "profiles/sensor_limits.hpp"

namespace cellrig {
namespace {

// As in a run with a control period of 0.1 s: two attempts, and then a contact counts as open.
constexpr Duration contact_period = std::chrono::milliseconds{50};
constexpr Duration contact_timeout = std::chrono::milliseconds{100};
constexpr Duration contact_age_limit = std::chrono::milliseconds{200};
// As in a run with a sensor period of 1 s.
constexpr Duration sensor_period = std::chrono::seconds{1};
constexpr Duration sensor_timeout = std::chrono::seconds{1};
constexpr Duration sensor_age_limit = std::chrono::seconds{3};
constexpr Duration neighbour_timeout = std::chrono::milliseconds{500};

bool share_a_line(const InstrumentConfig& a, const InstrumentConfig& b) {
  const std::vector<std::string> lines = serial_lines_of(a), others = serial_lines_of(b);
  return std::any_of(lines.begin(), lines.end(), [&others](const std::string& line) {
    return std::find(others.begin(), others.end(), line) != others.end();
  });
}

}  // namespace

TrialGuard::TrialGuard(TimeSource& time, const ChannelConfig& channel, const BenchConfig& bench, BenchInstruments& instruments,
                       const TrialGuardOptions& options)
    : time_{time}, channel_{channel.name}, instruments_{instruments}, options_{options}, tasks_{time} {
  for (const InputRef& contact : channel.interlocks) contacts_[contact.instrument].push_back(contact.index);
  listen_to(channel.cell_temperature, Measurand::cell_temperature);
  const SensorLimits& limits = options_.limits.sensors;
  if (limits.gas_max_ppm) listen_to(channel.gas, Measurand::gas);
  if (limits.voltage_difference_max_V) listen_to(channel.voltage, Measurand::logger_voltage);
  if ((limits.stack_pressure_min_MPa || limits.stack_pressure_max_MPa) && options_.stack_area_cm2)
    listen_to(channel.stack_force, Measurand::stack_pressure);
  const InstrumentConfig& cycler = bench.instruments.at(channel.cycler);
  for (const auto& [name, instrument] : bench.instruments) {
    const bool is_asked_anyway = contacts_.contains(name) || sensors_.contains(name);
    if (name != channel.cycler && !is_asked_anyway && share_a_line(cycler, instrument)) neighbours_.push_back(name);
  }
}

void TrialGuard::listen_to(const std::optional<InputRef>& input, Measurand measurand) {
  if (!input) return;
  sensors_[input->instrument].push_back(Input{measurand, input->index});
  delivered_.insert(measurand);
}

std::set<std::string> TrialGuard::watched() const {
  std::set<std::string> names;
  for (const auto& [name, inputs] : contacts_) names.insert(name);
  for (const auto& [name, inputs] : sensors_) names.insert(name);
  return names;
}

Error TrialGuard::refuse(const std::string& what) const { return fail(Fault::refused, channel_ + ": " + what); }

Result<void> TrialGuard::check_delivery() const {
  for (const SensorLimitKey& key : sensor_limit_table()) {
    if (!(options_.limits.sensors.*key.limit) || delivered_.contains(key.measurand)) continue;
    return refuse(fmt::format("'{}' limits {}, and no sensor of this channel delivers it", key.key,
                              std::string(name_with_unit(key.measurand))));
  }
  return {};
}

Task<Result<void>> TrialGuard::look() {
  Result<void> done = check_delivery();
  for (const auto& [module, inputs] : contacts_) {
    if (!done) co_return done;
    done = co_await read_contacts(module);
    if (!done && done.error().fault != Fault::refused)
      done = refuse("nothing is known of its interlock contacts, which counts as open: " + done.error().what);
  }
  for (const auto& [logger, inputs] : sensors_) {
    if (!done) co_return done;
    const Deadline deadline{time_.now() + command_timeout};
    const Result<InstrumentIdentity> identity = co_await instruments_.loggers.at(logger)->identify(deadline);
    if (identity) done = co_await read_sensors(logger);
    if (!identity) done = Error{Fault::device_fault, identity.error().what};
    if (!done && done.error().fault != Fault::refused)
      done = refuse("a limit cannot be looked at: " + logger + ": " + done.error().what);
  }
  co_return done;
}

/// Refused: a contact is open. Any other fault: nothing is known of them.
Task<Result<void>> TrialGuard::read_contacts(std::string module) {
  const std::vector<int>& inputs = contacts_.at(module);
  const auto count = static_cast<std::size_t>(*std::max_element(inputs.begin(), inputs.end())) + 1;
  const auto closed = std::make_unique<bool[]>(count);
  const std::span<bool> all{closed.get(), count};
  const Deadline deadline{time_.now() + contact_timeout};
  const Result<void> answered = co_await instruments_.contacts.at(module)->read(all, deadline);
  if (!answered) {
    const Fault fault = answered.error().fault == Fault::refused ? Fault::device_fault : answered.error().fault;
    co_return Error{fault, answered.error().what};
  }
  for (const int input : inputs) {
    if (!all[static_cast<std::size_t>(input)])
      co_return refuse(fmt::format("interlock open: contact {} of {} is open", input, module));
  }
  co_return Result<void>{};
}

/// Refused: a value is no number, or outside its limit. Any other fault: nothing is known.
Task<Result<void>> TrialGuard::read_sensors(std::string logger) {
  const std::vector<Input>& inputs = sensors_.at(logger);
  std::vector<int> indices;
  for (const Input& input : inputs) {
    if (std::find(indices.begin(), indices.end(), input.index) == indices.end()) indices.push_back(input.index);
  }
  std::sort(indices.begin(), indices.end());
  std::vector<Reading> readings(indices.size());
  const Deadline deadline{time_.now() + sensor_timeout};
  const Result<void> measured = co_await instruments_.loggers.at(logger)->measure_inputs(indices, readings, deadline);
  if (!measured) {
    const Fault fault = measured.error().fault == Fault::refused ? Fault::device_fault : measured.error().fault;
    co_return Error{fault, measured.error().what};
  }
  for (const Input& input : inputs) {
    const auto at = std::find(indices.begin(), indices.end(), input.index) - indices.begin();
    const Result<void> good = judge(input.measurand, readings[static_cast<std::size_t>(at)]);
    if (!good) co_return good;
  }
  co_return Result<void>{};
}

Result<void> TrialGuard::judge(Measurand measurand, const Reading& reading) const {
  if (!reading.usable()) return refuse("the sensor for " + std::string(name_with_unit(measurand)) + " gives no number");
  if (measurand == Measurand::stack_pressure)  // what is measured is a force; N per mm2 are MPa
    return judge_limits(measurand, reading.value / (*options_.stack_area_cm2 * mm2_per_cm2));
  if (measurand != Measurand::cell_temperature) return judge_limits(measurand, reading.value);
  const double lowest = options_.limits.cell_temperature_min.value(), highest = options_.limits.cell_temperature_max.value();
  if (reading.value >= lowest && reading.value <= highest) return {};
  return refuse(fmt::format("the cell is at {:.1f} degC, allowed are {:.1f} to {:.1f} degC", reading.value, lowest, highest));
}

Result<void> TrialGuard::judge_limits(Measurand measurand, double value) const {
  if (measurand == Measurand::logger_voltage) return {};  // its limit is a difference to the cycler, which is silent here
  for (const SensorLimitKey& key : sensor_limit_table()) {
    const std::optional<double>& limit = options_.limits.sensors.*key.limit;
    if (key.measurand != measurand || !limit) continue;
    if (key.is_upper ? value <= *limit : value >= *limit) continue;
    return refuse(fmt::format("{} is {:.4g}, the limit is {:.4g}", std::string(name_with_unit(measurand)), value, *limit));
  }
  return {};
}

Task<void> TrialGuard::run(std::function<void(const Error&)> found) {
  found_ = std::move(found);
  for (const auto& [module, inputs] : contacts_) tasks_.spawn(watch_contacts(module));
  for (const auto& [logger, inputs] : sensors_) tasks_.spawn(watch_sensors(logger));
  if (!neighbours_.empty()) tasks_.spawn(talk_to_neighbours());
  co_await tasks_.wait();
}

void TrialGuard::stop() {
  stopped_ = true;
  for (Wait* const sleeper : sleepers_) sleeper->wake();
}

void TrialGuard::find(const Error& finding) {
  if (stopped_ || is_found_) return;
  is_found_ = true;
  found_(finding);
}

Task<void> TrialGuard::pause(Wait& wake, Duration duration) {
  if (stopped_) co_return;
  sleepers_.push_back(&wake);
  (void)co_await wake.until(time_.now() + duration);
  sleepers_.erase(std::find(sleepers_.begin(), sleepers_.end(), &wake));
}

Task<void> TrialGuard::watch_contacts(std::string module) {
  Wait wake{time_};
  TimePoint last_good = time_.now();
  while (!stopped_) {
    const Result<void> closed = co_await read_contacts(module);
    if (closed) {
      last_good = time_.now();
    } else if (closed.error().fault == Fault::refused) {
      find(closed.error());
    } else if (!(time_.now() - last_good < contact_age_limit)) {
      find(refuse("nothing is known of its interlock contacts, which counts as open: " + closed.error().what));
    }
    co_await pause(wake, contact_period);
  }
}

Task<void> TrialGuard::watch_sensors(std::string logger) {
  Wait wake{time_};
  TimePoint last_good = time_.now();
  while (!stopped_) {
    const Result<void> inside = co_await read_sensors(logger);
    if (inside) {
      last_good = time_.now();
    } else if (inside.error().fault == Fault::refused) {
      find(inside.error());
    } else if (!(time_.now() - last_good < sensor_age_limit)) {
      find(refuse("a limit cannot be looked at: " + logger + ": " + inside.error().what));
    }
    co_await pause(wake, sensor_period);
  }
}

Task<void> TrialGuard::talk_to_neighbours() {
  Wait wake{time_};
  while (!stopped_) {
    for (const std::string& name : neighbours_) {
      if (!stopped_) co_await ask(name);
    }
    co_await pause(wake, options_.neighbour_period);
  }
}

/// The frames on the line are what matters; what they say is looked at elsewhere.
Task<void> TrialGuard::ask(std::string neighbour) {
  const Deadline deadline{time_.now() + neighbour_timeout};
  if (const auto cycler = instruments_.cyclers.find(neighbour); cycler != instruments_.cyclers.end()) {
    (void)co_await cycler->second->measure(deadline);
  } else if (const auto chamber = instruments_.chambers.find(neighbour); chamber != instruments_.chambers.end()) {
    (void)co_await chamber->second->measure(deadline);
  } else if (const auto logger = instruments_.loggers.find(neighbour); logger != instruments_.loggers.end()) {
    Reading first;
    const std::span<Reading> one{&first, 1};
    (void)co_await logger->second->measure(one, deadline);
  } else if (const auto contacts = instruments_.contacts.find(neighbour); contacts != instruments_.contacts.end()) {
    bool closed = false;
    const std::span<bool> one{&closed, 1};
    (void)co_await contacts->second->read(one, deadline);
  }
}

}  // namespace cellrig
