#include "tests/api/fake_bench.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <future>

namespace cellrig::api::test {
namespace {

ErrorDetail unknown(const std::string& name) { return {.code = "not_found", .message = "there is no '" + name + "'"}; }

template <class M>
Decoded<M> decoded(M value) {
  return Decoded<M>{boost::system::in_place_value, std::move(value)};
}
template <class M>
Decoded<M> refused(const std::string& name) {
  return Decoded<M>{boost::system::in_place_error, unknown(name)};
}

}  // namespace

FakeControl::FakeControl(int channel_count) {
  for (int i = 1; i <= channel_count; ++i) {
    ChannelStatus status{
        .channel = "ch" + std::to_string(i), .condition = ChannelCondition::running, .text = "charges", .run = 41};
    status.voltage_V = 3.7;
    status.current_A = 1.9;
    status.fencing_token = 7;
    status.chamber = "oven";
    status.limits["cell_temperature_max_degC"] = 60;
    channels_.push_back(status);
  }
  chambers_.push_back({.chamber = "oven", .setpoint_degC = 25.0, .actual_degC = 25.1, .is_running = true});
  alarms_.push_back(
      {.id = 3, .severity = cellrig::AlarmSeverity::trip, .channel = "ch1", .run = 41, .text = "too warm", .unit = "degC"});
}

BenchStatus FakeControl::bench() const {
  ++looks_;
  return {.name = "fake", .is_simulated = true, .time_source = "real", .alarm_count = alarms_.size()};
}

ControlResult<ChannelStatus> FakeControl::channel(const std::string& name) const {
  for (const ChannelStatus& status : channels_) {
    if (status.channel == name) return status;
  }
  return ControlError{.fault = ControlFault::not_found, .message = "there is no channel '" + name + "'", .nearest = "ch1"};
}

ControlResult<ChamberStatus> FakeControl::chamber(const std::string& name) const {
  if (chambers_.front().chamber == name) return chambers_.front();
  return ControlError{.fault = ControlFault::not_found, .message = "there is no chamber '" + name + "'"};
}

std::optional<ControlError> FakeControl::why_not(const std::string& name, std::uint64_t token) const {
  const ControlResult<ChannelStatus> found = channel(name);
  if (!found) return found.error();
  if (token != found->fencing_token) return ControlError{.fault = ControlFault::fenced, .message = "the token is old"};
  return std::nullopt;
}

void FakeControl::write_down(std::string line) {
  const std::lock_guard lock{mutex_};
  told_.push_back(std::move(line));
}

std::vector<std::string> FakeControl::told() const {
  const std::lock_guard lock{mutex_};
  return told_;
}

ControlResult<void> FakeControl::act(const std::string& verb, const ChannelOrder& order) {
  if (const auto error = why_not(order.channel, order.fencing_token)) return *error;
  if (order.who.name.empty())
    return ControlError{.fault = ControlFault::bad_input, .message = "a name is needed", .where = "operator"};
  write_down(verb + " " + order.channel + " by " + order.who.name + ": " + order.reason);
  return {};
}

void FakeControl::start(cellrig::StartOrder order, ControlReply<cellrig::Started> reply) {
  if (const auto error = why_not(order.channel, order.fencing_token)) return reply(*error);
  std::string line = "start " + order.channel + " " + order.profile + " " + order.cell + " by " + order.who.name;
  for (const auto& [name, value] : order.parameters) line += " " + name + "=" + value;
  write_down(line);
  if (holds_starts) {
    held_starts.push_back(std::move(reply));
  } else {
    reply(cellrig::Started{++last_run_, 8});
  }
}

void FakeControl::preflight(cellrig::StartOrder order, ControlReply<std::vector<CheckLine>> reply) {
  if (const auto known = channel(order.channel); !known) return reply(known.error());
  reply(std::vector<CheckLine>{{"disk", CheckLine::State::ok, "3 GB free"}, {"chamber", CheckLine::State::warning, "is warm"}});
}

void FakeControl::go_on(cellrig::GoOnOrder order, ControlReply<cellrig::Started> reply) {
  if (const auto error = why_not(order.channel, order.fencing_token)) return reply(*error);
  write_down("go_on " + order.channel + " run " + std::to_string(order.run));
  reply(cellrig::Started{order.run, 9});
}

ControlResult<void> FakeControl::set_limits(const LimitOrder& order) {
  if (const auto error = why_not(order.channel, order.fencing_token)) return *error;
  for (const auto& [name, value] : order.limits) {
    if (value > channels_.front().limits[name] && !order.may_widen)
      return ControlError{.fault = ControlFault::forbidden, .message = "that would be wider"};
    write_down("limit " + name + " " + std::to_string(value) + (order.may_widen ? " widened" : ""));
  }
  return {};
}

ControlResult<void> FakeControl::acknowledge(std::uint64_t alarm, const Who& who, const std::string& reason) {
  if (alarm != 3) return ControlError{.fault = ControlFault::not_found, .message = "there is no such alarm"};
  write_down("acknowledge 3 by " + who.name + ": " + reason);
  return {};
}

ControlResult<void> FakeControl::stop_channel(const std::string& name, const Who& who, const std::string& reason) {
  if (const auto known = channel(name); !known) return known.error();
  write_down("stop " + name + " by " + who.name + ": " + reason);
  return {};
}

ControlResult<void> FakeControl::stop_chamber(const std::string& name, const Who& who, const std::string& reason) {
  if (const auto known = chamber(name); !known) return known.error();
  write_down("stop " + name + " by " + who.name + ": " + reason);
  return {};
}

void FakeControl::stop_all(const Who& who, const std::string& reason) { write_down("stop all by " + who.name + ": " + reason); }

void FakeControl::measure() {
  t_s_ += 0.1;
  for (ChannelStatus& status : channels_) {
    status.voltage_V = 3.7 + 0.1 * std::sin(t_s_);
    if (watcher_ == nullptr) continue;
    const LiveSample sample{
        .channel = status.channel, .run = status.run, .test_time_s = t_s_, .voltage_V = *status.voltage_V, .current_A = 1.9};
    watcher_->sample(sample);
  }
}

Decoded<ProfileView> FakeCatalogue::profile(const std::string& name) {
  return name == "cycle-life" ? decoded(profiles().front()) : refused<ProfileView>(name);
}
Decoded<CellView> FakeCatalogue::cell(const std::string& name) {
  return name == "lg-m50" ? decoded(cells().front()) : refused<CellView>(name);
}
Decoded<AddedCell> FakeCatalogue::add_cell(const CellFileOrder& order) {
  if (order.name == "lg-m50") return Decoded<AddedCell>{boost::system::in_place_error, ErrorDetail{.code = "exists"}};
  return decoded(AddedCell{CellView{.name = order.name}, order.name != "had-already" && order.name != "lay-there", "2d71",
                           order.name != "had-already"});
}

Decoded<CheckReport> FakeCatalogue::check(const CheckOrder& order) {
  if (order.profile != "cycle-life") return refused<CheckReport>(order.profile);
  return decoded(CheckReport{.is_accepted = true, .profile = order.profile, .cell = order.cell});
}
Decoded<std::vector<std::string>> FakeCatalogue::rehearsal_command(const CheckOrder& order) {
  return order.profile == "cycle-life" ? decoded(command) : refused<std::vector<std::string>>(order.profile);
}

ServerLimits patient_limits() {
  ServerLimits limits;
  limits.requests_per_s = 1e6;
  limits.requests_burst = 1e6;
  return limits;
}

FakeBench::FakeBench(FakeBenchSettings settings) : control_{settings.channel_count} {
  ServerSettings server;
  server.address = settings.address;
  server.access.token = token;
  server.access.accounts = std::move(settings.accounts);
  server.access.accounts_file = settings.accounts_file;
  server.on_change = std::move(settings.on_change);
  server.access.certificate_file = settings.certificate_file;
  server.access.key_file = settings.key_file;
  server.database = settings.database;
  server.protocol_of = std::move(settings.protocol_of);
  server.version = "9.9";
  server.limits = settings.limits;
  Result<std::unique_ptr<Server>> started = Server::start(std::move(server), time_, control_, catalogue_);
  if (!started) {
    ADD_FAILURE() << started.error().what;
    std::abort();
  }
  server_ = *std::move(started);
  thread_ = std::thread{[this] { time_.run(); }};
}

FakeBench::~FakeBench() {
  time_.post([this] { time_.stop(); });
  thread_.join();
  server_.reset();
  time_.drop_tasks();
}

Answer FakeBench::post(const std::string& target, const std::string& body, Headers more) const {
  Headers headers = signed_in();
  headers["Idempotency-Key"] = "key " + std::to_string(++keys_);
  headers["Fencing-Token"] = "7";
  for (auto& [name, value] : more) headers[name] = value;
  return ask(port(), "POST", "/api/v1" + target, headers, body);
}

void FakeBench::on_control(const std::function<void()>& function) {
  std::promise<void> done;
  time_.post([&] {
    function();
    done.set_value();
  });
  done.get_future().wait();
}

void FakeBench::measure_every(Duration period) {
  on_control([this, period] { time_.spawn(cycles(period)); });
}

Task<void> FakeBench::cycles(Duration period) {
  TimePoint due = time_.now();
  while (true) {
    due += period;
    co_await time_.sleep_until(due);
    const Duration late = time_.now() - due;
    control_.measure();
    if (control_.watcher() != nullptr) control_.watcher()->control_cycle("ch1", late);
    const std::lock_guard lock{mutex_};
    lateness_s_.push_back(to_seconds(late));
  }
}

std::vector<double> FakeBench::lateness_s() {
  const std::lock_guard lock{mutex_};
  return std::exchange(lateness_s_, {});
}

}  // namespace cellrig::api::test
