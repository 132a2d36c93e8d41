#include "sim/instruments/espec.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "sim/instruments/scpi_text.hpp"

namespace cellrig::sim {
namespace {

constexpr std::string_view command_error = "CMD ERR";
constexpr std::string_view parameter_error = "PARA ERR";
constexpr std::string_view out_of_range = "DATA OUT OF RANGE";
constexpr std::string_view off_and_locked = "CONT NOT READY-4";
constexpr std::string_view not_supported = "CONT NOT READY-3";
constexpr std::string_view no_humidity = "CONT NOT READY-1";
constexpr std::string_view no_program_runs = "CONT NOT READY-2";
constexpr std::string_view no_such_program = "DATA NOT READY";
constexpr std::string_view panel_in_use = "PROTECT ON";
constexpr int alarm_code = 1;  // the meanings are not public

bool take(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

void skip_blanks(std::string_view& text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
}

/// Up to the next blank.
std::string_view next_word(std::string_view& text) {
  skip_blanks(text);
  const std::string_view word = text.substr(0, text.find(' '));
  text.remove_prefix(word.size());
  skip_blanks(text);
  return word;
}

std::string one_decimal(double value) {
  std::string text;
  append_fixed(text, std::round(value * 10.0) / 10.0 + 0.0, 1);
  return text;
}

double rounded(double value) { return std::round(value * 10.0) / 10.0; }

}  // namespace

QuantityAccuracy accuracy_of(const EspecConfig&) { return with_accuracy({.offset = 0.5, .noise = 0.01}); }

EspecConfig espec_scp_220() {
  EspecConfig config;
  config.type = "T,SCP220,190.0";
  config.has_humidity = false;
  config.setpoint_degC = 23.0;
  config.alarm_high_degC = 185.0;
  config.alarm_low_degC = -90.0;
  config.range_min_degC = -90.0;
  config.range_max_degC = 190.0;
  return config;
}

Espec::Espec(EspecConfig config, ChamberAir& chamber, std::function<void(TimePoint)> advance_world)
    : config_{std::move(config)},
      chamber_{chamber},
      advance_world_{std::move(advance_world)},
      noise_{config_.noise_seed},
      settings_{defaults()} {
  apply(chamber_.now());
}

Espec::Settings Espec::defaults() const {
  Settings settings;
  settings.setpoint_degC = config_.setpoint_degC;
  settings.high_degC = config_.alarm_high_degC;
  settings.low_degC = config_.alarm_low_degC;
  return settings;
}

void Espec::reboot(TimePoint now) {
  advance_world_(now);
  settings_ = defaults();
  busy_until_ = deaf_until_ = {};
  connections_.for_each([](std::string& partial) { partial.clear(); });
  apply(now);
}

void Espec::apply(TimePoint now) {
  const bool runs = settings_.mode == Mode::constant || settings_.mode == Mode::program;
  const double setpoint = settings_.mode == Mode::program ? config_.program_setpoint_degC : settings_.setpoint_degC;
  if (runs != chamber_.is_running() || (runs && setpoint != chamber_.setpoint_degC())) {
    chamber_.command(std::max(now, chamber_.now()), runs, setpoint);
  }
}

/// One line at a time, whoever sends it: behind the forwarder there is one serial line.
void Espec::receive(TimePoint now, ConnectionId connection, std::string_view bytes, std::vector<Reply>& replies) {
  advance_world_(now);
  while (!bytes.empty()) {
    std::string& partial = connections_.at(connection);
    const std::size_t end = bytes.find('\n');
    const std::string_view piece = bytes.substr(0, end);
    // Of a line that never ends the end is kept: it is no command any more.
    if (partial.size() + piece.size() > line_size_max) partial.assign(1, '\0');
    partial.append(piece.substr(0, line_size_max));
    if (end == std::string_view::npos) return;
    bytes.remove_prefix(end + 1);
    const std::string line = std::exchange(partial, {});
    const bool is_deaf = now < deaf_until_;
    if (is_deaf) ++lost_count_;
    if (is_deaf || line.empty() || line.back() != '\r') {
      replies.push_back({.due = std::max(now, busy_until_), .bytes = {}, .answered = false});
      continue;
    }
    answer(now, std::string_view{line}.substr(0, line.size() - 1), replies);
  }
}

void Espec::answer(TimePoint now, std::string_view line, std::vector<Reply>& replies) {
  busy_until_ = std::max(now, busy_until_) + config_.latency + from_seconds(faults_.extra_latency_s);
  const std::optional<std::string_view> message = mine(line);
  if (!message) {
    replies.push_back({.due = busy_until_, .bytes = {}, .answered = false});
    return;
  }
  std::string reply = reply_to(now, *message);
  const bool is_question = message->find('?') != std::string_view::npos;
  if (is_question && config_.acknowledges_questions && !reply.starts_with("NA:"))
    reply = "OK:" + std::string(*message) + "\r\n" + reply;
  deaf_until_ = busy_until_ + (is_question ? config_.deaf_after_question : config_.deaf_after_setting);
  replies.push_back({.due = busy_until_, .bytes = reply + "\r\n", .answered = true});
}

std::optional<std::string_view> Espec::mine(std::string_view line) const {
  if (config_.address == 0) return line;
  const std::string prefix = std::to_string(config_.address) + ",";
  if (!take(line, prefix)) return std::nullopt;
  return line;
}

std::string Espec::reply_to(TimePoint now, std::string_view line) {
  if (line.find('?') != std::string_view::npos) return answer_question(line);
  const std::string reason = carry_out(line);
  apply(now);
  return reason.empty() ? "OK:" + std::string(line) : "NA:" + reason;
}

std::string Espec::answer_question(std::string_view question) {
  static constexpr std::array<std::string_view, 4> mode_words{"OFF", "STANDBY", "CONSTANT", "RUN"};
  if (question == "TEMP?") return temperatures();
  if (question == "MON?") return monitor();
  if (question == "MODE?") return std::string(mode_words[static_cast<std::size_t>(settings_.mode)]);
  if (question == "TYPE?") return faults_.identity.value_or(config_.type);
  if (question == "ROM?") return config_.firmware;
  if (question == "HUMI?") return config_.has_humidity ? humidities() : "NA:" + std::string(no_humidity);
  if (question == "ALARM?") return has_alarm() ? "1," + std::to_string(alarm_code) : "0";  // "0" alone: unverified
  if (question == "KEYPROTECT?") return settings_.key_is_protected ? "ON" : "OFF";
  if (question == "SET?") return "REF" + std::to_string(settings_.refrigeration);
  if (question == "PRGM MON?") return "NA:" + std::string(settings_.mode == Mode::program ? not_supported : no_program_runs);
  return "NA:" + std::string(command_error);
}

std::string Espec::shown_temperature() {
  if (faults_.nan_readings) return "-----";  // what it shows without a sensor is unverified
  if (!(faults_.freeze_readings && frozen_degC_)) {
    frozen_degC_ = faults_.readings.distort_temperature(config_.temperature.read(chamber_.air_temperature_degC(), noise_));
  }
  return one_decimal(*frozen_degC_);
}

std::string Espec::temperatures() {
  return shown_temperature() + "," + one_decimal(settings_.setpoint_degC) + "," + one_decimal(settings_.high_degC) + "," +
         one_decimal(settings_.low_degC);
}

/// "25,85,100,0": the humidity that is measured is not modelled.
std::string Espec::humidities() const {
  const auto whole = [](double value) { return std::to_string(std::lround(value)); };
  return "25," + (settings_.humidity_is_on ? whole(settings_.humidity) : std::string("OFF")) + "," +
         whole(settings_.humidity_high) + "," + whole(settings_.humidity_low);
}

std::string Espec::monitor() {
  const std::string humidity = config_.has_humidity ? "25" : "";
  return shown_temperature() + "," + humidity + "," + answer_question("MODE?") + "," + (has_alarm() ? "1" : "0");
}

bool Espec::has_alarm() const {
  const double air = chamber_.air_temperature_degC();
  return faults_.nan_readings || !(air <= settings_.high_degC && air >= settings_.low_degC);
}

std::string Espec::carry_out(std::string_view command) {
  if (faults_.local_control) return std::string(panel_in_use);  // F20; when a real one says so is unverified
  if (take(command, "TEMP,")) return set_temperature(command);
  if (take(command, "HUMI,")) return config_.has_humidity ? set_humidity(command) : std::string(no_humidity);
  if (take(command, "MODE,")) return set_mode(command);
  if (take(command, "KEYPROTECT,")) return set_key_protection(command);
  if (take(command, "SET,REF")) return set_refrigeration(command);
  if (command == "POWER,ON") return set_mode("STANDBY");
  if (command == "POWER,OFF") return set_mode("OFF");
  return std::string(command_error);
}

/// "S25.0", "H100.0", "L-40.0", one or several of them. All of it is taken, or nothing.
std::string Espec::set_temperature(std::string_view arguments) {
  Settings next = settings_;
  bool any = false;
  skip_blanks(arguments);
  while (!arguments.empty()) {
    std::string_view word = next_word(arguments);
    const char which = word.front();
    const std::optional<double> value = parse_number(word.substr(1));
    if (!value) return std::string(parameter_error);
    if (which == 'S') {
      next.setpoint_degC = rounded(*value);
    } else if (which == 'H') {
      next.high_degC = rounded(*value);
    } else if (which == 'L') {
      next.low_degC = rounded(*value);
    } else {
      return std::string(parameter_error);
    }
    any = true;
  }
  if (!any) return std::string(parameter_error);
  const bool is_in_range = next.low_degC >= config_.range_min_degC && next.high_degC <= config_.range_max_degC;
  const bool is_nested = next.setpoint_degC >= next.low_degC && next.setpoint_degC <= next.high_degC;
  if (!is_in_range || !is_nested) return std::string(out_of_range);
  settings_ = next;
  return {};
}

std::string Espec::set_humidity(std::string_view arguments) {
  const std::string_view word = next_word(arguments);
  if (word == "SOFF") {
    settings_.humidity_is_on = false;
    return {};
  }
  const std::optional<double> value = word.size() > 1 ? parse_number(word.substr(1)) : std::nullopt;
  if (!value || !arguments.empty()) return std::string(parameter_error);
  if (!(*value >= 0.0 && *value <= 100.0)) return std::string(out_of_range);
  switch (word.front()) {
    case 'S':
      settings_.humidity = *value;
      settings_.humidity_is_on = true;
      return {};
    case 'H': settings_.humidity_high = *value; return {};
    case 'L': settings_.humidity_low = *value; return {};
    default: return std::string(parameter_error);
  }
}

/// F27: an end of the operation is acknowledged and does nothing.
std::string Espec::set_mode(std::string_view word) {
  const bool is_running = settings_.mode == Mode::constant || settings_.mode == Mode::program;
  if (word == "OFF" || word == "STANDBY") {
    if (!(faults_.ignore_off && is_running)) settings_.mode = word == "OFF" ? Mode::off : Mode::standby;
    return {};
  }
  if (word == "CONSTANT") {
    settings_.mode = Mode::constant;  // also when it was off: unverified
    return {};
  }
  if (!take(word, "RUN")) return std::string(parameter_error);
  if (word != "1") return std::string(no_such_program);
  settings_.mode = Mode::program;
  return {};
}

std::string Espec::set_key_protection(std::string_view word) {
  if (word != "ON" && word != "OFF") return std::string(parameter_error);
  if (settings_.mode == Mode::off) return std::string(off_and_locked);
  settings_.key_is_protected = word == "ON";
  return {};
}

std::string Espec::set_refrigeration(std::string_view word) {
  int step = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), step);
  const bool is_known = step == 0 || step == 1 || step == 3 || step == 6 || step == 9;
  if (error != std::errc{} || end != word.data() + word.size() || !is_known) return std::string(parameter_error);
  settings_.refrigeration = step;
  return {};
}

}  // namespace cellrig::sim
