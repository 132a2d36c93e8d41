// The text of a SCPI or ESPEC reply, decoded in every way that a driver decodes one.
#include <array>
#include <charconv>
#include <cmath>
#include <string>

#include "drivers/instruments/espec_text.hpp"
#include "drivers/instruments/keysight_daq.hpp"
#include "drivers/scpi/codec.hpp"
#include "drivers/scpi/setting.hpp"
#include "tests/fuzz/fuzz_input.hpp"

namespace cellrig::fuzz {
namespace {

/// Only `malformed` may come of a reply that does not parse, and its words spoil no terminal.
template <class T>
void require_documented(const Result<T>& result) {
  if (result) return;
  require(result.error().fault == Fault::malformed, "a reply that does not parse is malformed");
  require(!result.error().what.empty() && result.error().what.size() < 1000, "an error says why, in bounds");
  for (const char c : result.error().what) require(c >= ' ' && c <= '~', "an error spoils no terminal");
}

std::string shortest(double value) {
  std::array<char, 40> buffer{};
  return {buffer.data(), std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr};
}

void numbers(std::string_view text) {
  for (const std::string_view unit : {"", "A", "VDC"}) {
    const Result<scpi::Number> number = scpi::parse_number(text, unit);
    require_documented(number);
    const Result<double> setting = scpi::parse_setting(text, unit);
    require_documented(setting);
    if (!number) continue;
    require(setting.has_value() == (number->quality == Quality::good), "a setting is a number that is good");
    if (number->quality != Quality::good) continue;
    require(std::isfinite(number->value) && std::abs(number->value) < 9.9e37, "a good number is finite and no overload");
    const Result<double> again = scpi::parse_setting(shortest(number->value));
    require(again && *again == number->value, "a number that is written is read back");
    const scpi::Setting held = scpi::number("VOLT", number->value, {.digits = 3, .tolerance = 0.0006});
    const Result<bool> is_held = scpi::is_held(held, held.value);
    if (std::abs(number->value) < 1e9) require(is_held && *is_held, "what was told is held");
  }
  require_documented(scpi::parse_integer(text));
  const Result<bool> flag = scpi::parse_boolean(text);
  require_documented(flag);
  if (flag) require(*scpi::is_held(scpi::flag("OUTP", *flag), text), "a flag is the one that was read");
}

void error_entry(std::string_view text) {
  const Result<scpi::ErrorEntry> entry = scpi::parse_error_entry(text);
  require_documented(entry);
  if (!entry) return;
  std::string written = std::to_string(entry->code) + ",\"";
  for (const char c : entry->text) written += c == '"' ? std::string{"\"\""} : std::string(1, c);
  const Result<scpi::ErrorEntry> again = scpi::parse_error_entry(written + "\"");
  require(again && again->code == entry->code && again->text == entry->text, "an error entry that is written is read back");
}

void identity(std::string_view text) {
  const Result<InstrumentIdentity> id = scpi::parse_identity(text);
  require_documented(id);
  if (!id) return;
  const Result<InstrumentIdentity> again =
      scpi::parse_identity(id->maker + "," + id->model + "," + id->serial + "," + id->firmware);
  const bool is_same = again && again->maker == id->maker && again->model == id->model && again->serial == id->serial &&
                       again->firmware == id->firmware;
  require(is_same, "an identity that is written is read back");
}

void compound(std::string_view text) {
  for (const std::size_t count : {std::size_t{1}, std::size_t{2}, std::size_t{5}}) {
    const Result<std::vector<std::string_view>> values = scpi::split_reply(text, count);
    require_documented(values);
    if (values) require(values->size() == count, "as many values as were asked for");
  }
  const Result<std::string> block = keysight_daq::decode_block(text);
  require_documented(block);
  if (block && text.starts_with('#')) require(text.ends_with(*block), "a block is the end of its reply");
  constexpr std::array<keysight_daq::ExpectedReading, 2> expected{
      {{.channel = 101, .unit = "C"}, {.channel = 102, .unit = "VDC"}}};
  const Result<std::vector<Reading>> scan = keysight_daq::decode_scan(text, expected, TimePoint{});
  require_documented(scan);
  if (scan) require(scan->size() == expected.size(), "a scan has as many readings as were asked for");
}

void espec(std::string_view text) {
  const Result<espec::Temperatures> temperatures = espec::parse_temperatures(text);
  require_documented(temperatures);
  if (temperatures) require(std::isfinite(temperatures->setpoint), "a set-point is finite");
  const Result<espec::Monitor> monitor = espec::parse_monitor(text);
  require_documented(monitor);
  if (monitor) require(monitor->alarm_count >= 0, "alarms are counted from zero");
  require_documented(espec::parse_type(text));
  if (temperatures && temperatures->measured) {
    const std::optional<std::string> written = espec::decimal(*temperatures->measured);
    if (written) require(written->size() <= 6, "a temperature fits into the controller's field");
  }
  require(espec::is_acknowledged("OK:" + std::string(text), text), "a command is acknowledged by its echo");
  (void)espec::refusal(text);
}

}  // namespace
}  // namespace cellrig::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cellrig::fuzz;
  const std::string_view text = Input{data, size}.rest();
  numbers(text);
  error_entry(text);
  identity(text);
  compound(text);
  espec(text);
  return 0;
}
