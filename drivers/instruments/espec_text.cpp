#include "drivers/instruments/espec_text.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <vector>

#include "drivers/scpi/codec.hpp"

namespace cellrig::espec {
namespace {

constexpr double temperature_max = 999.9;

Error malformed(const char* what, std::string_view reply) {
  return fail(Fault::malformed, std::string(what) + ": " + scpi::quoted(reply));
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

std::vector<std::string_view> fields_of(std::string_view reply) {
  std::vector<std::string_view> fields;
  while (true) {
    const std::size_t comma = reply.find(',');
    fields.push_back(trimmed(reply.substr(0, comma)));
    if (comma == std::string_view::npos) return fields;
    reply.remove_prefix(comma + 1);
  }
}

std::optional<double> number(std::string_view text) {
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  double value = 0.0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

std::optional<Mode> mode_of(std::string_view word) {
  if (word == "OFF") return Mode::off;
  if (word == "STANDBY") return Mode::standby;
  if (word == "CONSTANT") return Mode::constant;
  if (word.starts_with("RUN") || word.starts_with("RMT RUN")) return Mode::program;
  return std::nullopt;
}

std::string without_blanks(std::string_view text) {
  std::string result{text};
  std::erase(result, ' ');
  return result;
}

}  // namespace

Result<Temperatures> parse_temperatures(std::string_view reply) {
  const std::vector<std::string_view> fields = fields_of(reply);
  constexpr std::size_t field_count = 4;
  if (fields.size() != field_count) return malformed("four temperatures were asked for", reply);
  const std::optional<double> setpoint = number(fields[1]);
  const std::optional<double> high = number(fields[2]);
  const std::optional<double> low = number(fields[3]);
  if (!setpoint || !high || !low) return malformed("a set-point or an alarm limit is no number", reply);
  return Temperatures{.measured = number(fields[0]), .setpoint = *setpoint, .alarm_high = *high, .alarm_low = *low};
}

Result<Monitor> parse_monitor(std::string_view reply) {
  const std::vector<std::string_view> fields = fields_of(reply);
  constexpr std::size_t field_count = 4;
  if (fields.size() != field_count) return malformed("temperature, humidity, mode and alarms were asked for", reply);
  const std::optional<Mode> mode = mode_of(fields[2]);
  const std::optional<double> alarms = number(fields[3]);
  if (!mode || !alarms || *alarms < 0 || *alarms > 999 || *alarms != std::floor(*alarms)) {
    return malformed("no mode or no number of alarms", reply);
  }
  return Monitor{.mode = *mode, .alarm_count = static_cast<int>(*alarms)};
}

Result<Type> parse_type(std::string_view reply) {
  const std::vector<std::string_view> fields = fields_of(reply);
  if (fields.size() != 3 && fields.size() != 4) return malformed("sensors, controller and range were asked for", reply);
  const std::optional<double> most = number(fields.back());
  const std::string_view controller = fields[fields.size() - 2];
  if (!most || controller.empty()) return malformed("no controller or no range", reply);
  return Type{.controller = scpi::printable(controller), .temperature_max = *most};
}

std::optional<std::string> decimal(double degC) {
  if (!(std::abs(degC) <= temperature_max)) return std::nullopt;
  std::array<char, 16> buffer{};
  const auto written = std::to_chars(buffer.data(), buffer.data() + buffer.size(), degC, std::chars_format::fixed, 1);
  const std::string text{buffer.data(), written.ptr};
  return text == "-0.0" ? "0.0" : text;
}

bool is_acknowledged(std::string_view reply, std::string_view command) {
  return without_blanks(reply) == "OK:" + without_blanks(command);
}

std::optional<std::string> refusal(std::string_view reply) {
  if (!reply.starts_with("NA:")) return std::nullopt;
  return scpi::printable(trimmed(reply.substr(3)));
}

}  // namespace cellrig::espec
