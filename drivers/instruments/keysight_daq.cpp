#include "drivers/instruments/keysight_daq.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "drivers/scpi/codec.hpp"

namespace cellrig {
namespace keysight_daq {
namespace {

Error malformed(const char* what, std::string_view text) {
  return fail(Fault::malformed, std::string(what) + ": " + scpi::quoted(text));
}

/// Up to the next comma.
std::string_view next_field(std::string_view& rest) {
  const std::size_t comma = rest.find(',');
  const std::string_view field = scpi::trimmed(rest.substr(0, comma));
  rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
  return field;
}

}  // namespace

std::string channel_list(int first, int count) {
  std::string list = "(@";
  for (int i = 0; i < count; ++i) list += (i == 0 ? "" : ",") + std::to_string(first + i);
  return list + ")";
}

Result<std::vector<Reading>> decode_scan(std::string_view reply, std::span<const ExpectedReading> expected, TimePoint at) {
  std::vector<Reading> readings;
  std::string_view rest = reply;
  for (const ExpectedReading& wanted : expected) {
    const std::string_view value = next_field(rest);
    const Result<int> channel = scpi::parse_integer(next_field(rest));
    if (!channel || *channel != wanted.channel) return malformed("not the channels that were asked for", reply);
    // The number, a blank, and its unit, which must be there: volts are no temperature.
    const std::size_t blank = value.find(' ');
    if (blank == std::string_view::npos || !scpi::equal_ignoring_case(scpi::trimmed(value.substr(blank)), wanted.unit)) {
      return malformed("not the unit that was asked for", reply);
    }
    const Result<scpi::Number> number = scpi::parse_number(value.substr(0, blank));
    if (!number) return number.error();
    readings.push_back(Reading{.value = number->value, .at = at, .quality = number->quality});
  }
  if (!rest.empty()) return malformed("more readings than were asked for", reply);
  return readings;
}

Result<std::string> decode_block(std::string_view reply) {
  if (!reply.starts_with('#')) return std::string(reply);
  if (reply.size() < 2 || reply[1] < '1' || reply[1] > '9') return malformed("a block without length", reply);
  const auto digits = static_cast<std::size_t>(reply[1] - '0');
  if (reply.size() < 2 + digits) return malformed("a block without length", reply);
  const Result<int> length = scpi::parse_integer(reply.substr(2, digits));
  if (!length || *length < 0 || reply.size() != 2 + digits + static_cast<std::size_t>(*length)) {
    return malformed("a block of another length", reply);
  }
  return std::string(reply.substr(2 + digits));
}

}  // namespace keysight_daq

using keysight_daq::channel_list;

KeysightDaq::KeysightDaq(TimeSource& time, std::unique_ptr<ByteStream> scpi, KeysightDaqModel model)
    : time_{time}, stream_{std::move(scpi)}, model_{std::move(model)}, session_{time, *stream_, model_.session} {}

Error KeysightDaq::refused(const std::string& what) const {
  return fail(Fault::refused, model_.capabilities.model + ": " + what);
}

Error KeysightDaq::misunderstood(Error error) {
  session_.cut();
  return error;
}

std::string KeysightDaq::temperature_list() const {
  return channel_list(first_temperature(), model_.capabilities.temperature_channels);
}

// A question whose link was lost is asked once more, on a new connection. Nothing else is ever repeated.
Task<Result<std::string>> KeysightDaq::ask(std::string_view question, Deadline deadline) {
  Result<std::string> reply = co_await ask_once(question, deadline);
  if (!reply && reply.error().fault == Fault::link_lost && time_.now() < deadline.at) {
    reply = co_await ask_once(question, deadline);
  }
  co_return reply;
}

Task<Result<std::string>> KeysightDaq::ask_once(std::string_view question, Deadline deadline) {
  const TimePoint may_ask_at = std::min(may_ask_at_, deadline.at);
  if (time_.now() < may_ask_at) co_await time_.sleep_until(may_ask_at);
  asked_ = time_.now();
  const Deadline attempt{std::min(deadline.at, asked_ + model_.attempt_timeout)};
  const Result<std::string> reply = co_await session_.query(question, attempt);
  may_ask_at_ = time_.now() + model_.command_pause;
  co_return reply;
}

Task<Result<InstrumentIdentity>> KeysightDaq::identify(Deadline deadline) {
  is_configured_ = false;
  const Result<std::string> reply = co_await ask("*IDN?", deadline);
  if (!reply) co_return reply.error();
  const Result<InstrumentIdentity> identity = scpi::parse_identity(*reply);
  if (!identity) co_return misunderstood(identity.error());
  if (std::find(model_.idn_models.begin(), model_.idn_models.end(), identity->model) == model_.idn_models.end()) {
    co_return refused("the instrument calls itself '" + identity->model + "'");
  }
  Result<void> done = co_await check_card(deadline);
  if (done) done = co_await configure(deadline);
  if (done) done = co_await verify_all(deadline);
  if (!done) co_return done.error();
  is_configured_ = true;
  co_return identity;
}

Task<Result<void>> KeysightDaq::check_card(Deadline deadline) {
  const std::string question = "SYST:CTYP? " + std::to_string(model_.slot);
  const Result<std::string> reply = co_await ask(question, deadline);
  if (!reply) co_return reply.error();
  const Result<InstrumentIdentity> card = scpi::parse_identity(*reply);
  if (!card) co_return misunderstood(card.error());
  if (card->model == model_.card) co_return Result<void>{};
  co_return refused("slot " + std::to_string(model_.slot) + " holds " + (card->model == "0" ? "no card" : card->model) +
                    ", not " + model_.card);
}

std::vector<std::string> KeysightDaq::configuration() const {
  const std::string temperatures = temperature_list();
  std::vector<std::string> commands{"ABOR",
                                    "CONF:TEMP TC," + model_.thermocouple_type + "," + temperatures,
                                    "UNIT:TEMP C," + temperatures,
                                    "SENS:TEMP:TRAN:TC:RJUN:TYPE INT," + temperatures,
                                    "SENS:TEMP:TRAN:TC:CHEC ON," + temperatures,
                                    "SENS:TEMP:NPLC " + scpi::format_number(model_.power_line_cycles, 2) + "," + temperatures};
  if (model_.voltage_channels > 0)
    commands.push_back("CONF:VOLT:DC AUTO," + channel_list(first_voltage(), model_.voltage_channels));
  const int all = model_.capabilities.temperature_channels + model_.voltage_channels;
  for (const char* const format : {"FORM:READ:UNIT ON", "FORM:READ:CHAN ON", "FORM:READ:TIME OFF", "FORM:READ:ALAR OFF"}) {
    commands.emplace_back(format);
  }
  commands.emplace_back("TRIG:SOUR IMM");
  commands.emplace_back("TRIG:COUN 1");
  commands.push_back("ROUT:SCAN " + channel_list(first_temperature(), all));
  return commands;
}

/// A word for each channel: "T,T,T".
std::vector<KeysightDaq::Check> KeysightDaq::checks() const {
  const std::string list = temperature_list();
  const auto for_each_channel = [this](const std::string& word) {
    std::string words = word;
    for (int i = 1; i < model_.capabilities.temperature_channels; ++i) words += "," + word;
    return words;
  };
  return {{"SENS:TEMP:TRAN:TC:TYPE? " + list, for_each_channel(model_.thermocouple_type)},
          {"SENS:TEMP:TRAN:TC:CHEC? " + list, for_each_channel("1")},
          {"UNIT:TEMP? " + list, for_each_channel("C")},
          {"FORM:READ:UNIT?", "1"},
          {"FORM:READ:CHAN?", "1"},
          {"FORM:READ:TIME?", "0"},
          {"FORM:READ:ALAR?", "0"}};
}

Task<Result<void>> KeysightDaq::configure(Deadline deadline) {
  const std::vector<std::string> commands = configuration();
  for (const std::string& command : commands) {
    const std::string message = command + ";*OPC?";
    const Result<std::string> reply = co_await ask_once(message, deadline);
    if (!reply) co_return reply.error();
    const Result<bool> complete = scpi::parse_boolean(*reply);
    if (!complete) co_return misunderstood(complete.error());
  }
  co_return Result<void>{};
}

Task<Result<void>> KeysightDaq::ask_check(Check check, Deadline deadline) {
  const Result<std::string> reply = co_await ask(check.question, deadline);
  if (!reply) co_return reply.error();
  if (scpi::equal_ignoring_case(*reply, check.expected)) co_return Result<void>{};
  co_return refused(check.question + " is " + scpi::quoted(*reply) + " instead of '" + check.expected + "'");
}

/// What each reading does not say by itself; its scan list every measurement gives anew.
Task<Result<void>> KeysightDaq::verify(Deadline deadline) {
  if (!is_configured_) co_return refused("its channels have not been configured and verified");
  const std::vector<Check> all = checks();
  const Check next = all[next_check_++ % all.size()];
  const Result<void> same = co_await ask_check(next, deadline);
  if (!same && same.error().fault == Fault::refused) is_configured_ = false;
  co_return same;
}

Task<Result<void>> KeysightDaq::verify_all(Deadline deadline) {
  const std::vector<Check> all = checks();
  for (const Check& check : all) {
    const Result<void> same = co_await ask_check(check, deadline);
    if (!same) co_return same;
  }
  const Result<std::string> reply = co_await ask("ROUT:SCAN?", deadline);
  if (!reply) co_return reply.error();
  const Result<std::string> scanned = keysight_daq::decode_block(*reply);
  if (!scanned) co_return misunderstood(scanned.error());
  const std::string wanted =
      channel_list(first_temperature(), model_.capabilities.temperature_channels + model_.voltage_channels);
  if (*scanned != wanted) co_return refused("its scan list is " + scpi::quoted(*scanned));
  co_return Result<void>{};
}

Task<Result<void>> KeysightDaq::measure(std::span<Reading> into, Deadline deadline) {
  std::vector<int> inputs(into.size());
  std::iota(inputs.begin(), inputs.end(), 0);
  co_return co_await measure_inputs(inputs, into, deadline);
}

Task<Result<void>> KeysightDaq::measure_inputs(std::span<const int> inputs, std::span<Reading> into, Deadline deadline) {
  if (!is_configured_) co_return refused("its channels have not been configured and verified");
  const int temperatures = model_.capabilities.temperature_channels;
  const int count = temperatures + model_.voltage_channels;
  const bool exists =
      !inputs.empty() && std::all_of(inputs.begin(), inputs.end(), [count](int input) { return input >= 0 && input < count; });
  if (!exists) {
    co_return refused("it has " + std::to_string(temperatures) + " temperature and " + std::to_string(model_.voltage_channels) +
                      " voltage inputs");
  }
  std::vector<keysight_daq::ExpectedReading> expected;
  std::string list;
  for (const int input : inputs) {
    const int channel = first_temperature() + input;
    expected.push_back({.channel = channel, .unit = input < temperatures ? "C" : "VDC"});
    list += (list.empty() ? "" : ",") + std::to_string(channel);
  }
  const std::string message = "ROUT:SCAN (@" + list + ");:READ?";
  const Result<std::string> reply = co_await ask(message, deadline);
  if (!reply) co_return reply.error();
  const Result<std::vector<Reading>> readings = keysight_daq::decode_scan(*reply, expected, midpoint(asked_, time_.now()));
  if (!readings) co_return misunderstood(readings.error());
  std::copy(readings->begin(), readings->end(), into.begin());
  co_return Result<void>{};
}

}  // namespace cellrig
