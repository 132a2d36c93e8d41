#include "sim/instruments/keysight_daq_scpi.hpp"

#include <array>
#include <charconv>
#include <cmath>

namespace cellrig::sim {
namespace {

// Settings of a channel, and parts of a reading.
enum ChannelSetting : std::uint8_t { tc_type, unit, check, junction, cycles };
enum ReadingPart : std::uint8_t { part_unit, part_time, part_channel, part_alarm };
enum TriggerNumber : std::uint8_t { timer, count };

/// "+2.61920000E+01" [V].
void append_reading(std::string& out, double value) { append_nr3(out, value, 8); }

std::optional<int> parse_whole(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

const std::vector<KeysightDaq::ScpiSide::Row>& KeysightDaq::ScpiSide::rows() {
  static const std::vector<Row> all{
      {"*IDN", &ScpiSide::identify},
      {"*RST", &ScpiSide::reset},
      {"*CLS", &ScpiSide::clear_status},
      {"*OPC", &ScpiSide::operation_complete},
      {"SYSTem:ERRor[:NEXT]", &ScpiSide::next_error},
      {"SYSTem:VERSion", &ScpiSide::version},
      {"SYSTem:CTYPe", &ScpiSide::card_type},
      {"ROUTe:SCAN", &ScpiSide::scan_list},
      {"CONFigure:TEMPerature", &ScpiSide::configure_temperature},
      {"CONFigure:VOLTage[:DC]", &ScpiSide::configure_voltage},
      {"UNIT:TEMPerature", &ScpiSide::channel_setting, ChannelSetting::unit},
      {"[SENSe:]TEMPerature:TRANsducer:TCouple:TYPE", &ScpiSide::channel_setting, ChannelSetting::tc_type},
      {"[SENSe:]TEMPerature:TRANsducer:TC:TYPE", &ScpiSide::channel_setting, ChannelSetting::tc_type},
      {"[SENSe:]TEMPerature:TRANsducer:TCouple:CHECk", &ScpiSide::channel_setting, ChannelSetting::check},
      {"[SENSe:]TEMPerature:TRANsducer:TC:CHECk", &ScpiSide::channel_setting, ChannelSetting::check},
      {"[SENSe:]TEMPerature:TRANsducer:TCouple:RJUNction:TYPE", &ScpiSide::channel_setting, ChannelSetting::junction},
      {"[SENSe:]TEMPerature:TRANsducer:TC:RJUNction:TYPE", &ScpiSide::channel_setting, ChannelSetting::junction},
      {"[SENSe:]TEMPerature:NPLCycles", &ScpiSide::channel_setting, ChannelSetting::cycles},
      {"[SENSe:]TEMPerature:NPLC", &ScpiSide::channel_setting, ChannelSetting::cycles},
      {"FORMat:READing:UNIT", &ScpiSide::format, ReadingPart::part_unit},
      {"FORMat:READing:TIME", &ScpiSide::format, ReadingPart::part_time},
      {"FORMat:READing:CHANnel", &ScpiSide::format, ReadingPart::part_channel},
      {"FORMat:READing:ALARm", &ScpiSide::format, ReadingPart::part_alarm},
      {"TRIGger:SOURce", &ScpiSide::trigger_source},
      {"TRIGger:TIMer", &ScpiSide::trigger_number, TriggerNumber::timer},
      {"TRIGger:COUNt", &ScpiSide::trigger_number, TriggerNumber::count},
      {"ABORt", &ScpiSide::abort},
      {"INITiate[:IMMediate]", &ScpiSide::initiate},
      {"FETCh", &ScpiSide::fetch},
      {"READ", &ScpiSide::read},
  };
  return all;
}

const ScpiTree& KeysightDaq::ScpiSide::built_tree() {
  static const ScpiTree built = [] {
    std::vector<ScpiPattern> patterns;
    for (const Row& row : rows()) patterns.push_back({row.pattern, static_cast<std::uint16_t>(patterns.size())});
    return ScpiTree{patterns};
  }();
  return built;
}

/// F20, as for its sisters: what is set is undone at the panel. Questions are answered.
void KeysightDaq::ScpiSide::run(Call& call) {
  if (!call.query && device_.faults_.local_control) return;
  (this->*row_of(call).handler)(call);
}

std::optional<std::vector<std::size_t>> KeysightDaq::ScpiSide::parse_channels(std::string_view list) const {
  std::vector<std::size_t> channels;
  const auto index_of = [this](std::string_view text) -> std::optional<std::size_t> {
    const std::optional<int> number = parse_whole(text);
    if (!number || *number <= device_.config_.slot) return std::nullopt;
    const auto index = static_cast<std::size_t>(*number - device_.config_.slot - 1);
    return index < keysight_daq_channels ? std::optional{index} : std::nullopt;
  };
  while (!list.empty()) {
    const std::string_view item = next_argument(list);
    const std::size_t colon = item.find(':');
    const auto first = index_of(item.substr(0, colon));
    const auto last = colon == std::string_view::npos ? first : index_of(item.substr(colon + 1));
    if (!first || !last || *last < *first) return std::nullopt;
    for (std::size_t i = *first; i <= *last; ++i) channels.push_back(i);
    if (channels.size() > keysight_daq_channels) return std::nullopt;
  }
  return channels;
}

std::optional<KeysightDaq::ScpiSide::Arguments> KeysightDaq::ScpiSide::arguments_with_channels(Call& call) {
  const std::size_t at = call.text.find("(@");
  if (at == std::string_view::npos || !call.text.ends_with(')')) {
    fail(call, scpi_error::missing_parameter);
    return std::nullopt;
  }
  Arguments arguments;
  std::string_view before = call.text.substr(0, at);
  while (!before.empty() && (before.back() == ',' || before.back() == ' ')) before.remove_suffix(1);
  arguments.before = before;
  auto channels = parse_channels(call.text.substr(at + 2, call.text.size() - at - 3));
  if (!channels) {
    fail(call, scpi_error::out_of_range);
    return std::nullopt;
  }
  arguments.channels = std::move(*channels);
  return arguments;
}

void KeysightDaq::ScpiSide::identify(Call& call) {
  call.out += device_.faults_.identity ? *device_.faults_.identity : device_.config_.identity;
}
void KeysightDaq::ScpiSide::reset(Call&) { device_.reset(); }
void KeysightDaq::ScpiSide::clear_status(Call&) { errors().clear(); }
void KeysightDaq::ScpiSide::version(Call& call) { call.out += "1994.0"; }
void KeysightDaq::ScpiSide::operation_complete(Call& call) {
  if (call.query) call.out.push_back('1');
}

void KeysightDaq::ScpiSide::next_error(Call& call) {
  const ScpiError error = errors().pop();
  append_nr1_signed(call.out, error.code);
  call.out.append(",\"").append(error.text).push_back('"');
}

/// An empty slot names no card [V].
void KeysightDaq::ScpiSide::card_type(Call& call) {
  const std::optional<int> slot = parse_whole(call.text);
  if (!slot || (*slot != 100 && *slot != 200 && *slot != 300)) return fail(call, scpi_error::out_of_range);
  call.out += *slot == device_.config_.slot ? device_.config_.card : device_.config_.empty_slot;
}

/// A definite-length block [R].
void KeysightDaq::ScpiSide::scan_list(Call& call) {
  if (!call.query) {
    auto arguments = arguments_with_channels(call);
    if (!arguments) return;
    device_.scan_list_ = std::move(arguments->channels);
    device_.memory_.clear();
    return;
  }
  std::string list = "(@";
  for (const std::size_t index : device_.scan_list_) {
    if (list.size() > 2) list.push_back(',');
    list += std::to_string(device_.config_.slot + 1 + static_cast<int>(index));
  }
  list.push_back(')');
  const std::string length = std::to_string(list.size());
  call.out += '#' + std::to_string(length.size()) + length + list;
}

/// CONF:TEMP TC,T,(@101:106). Other transducers are not modelled.
void KeysightDaq::ScpiSide::configure_temperature(Call& call) {
  auto arguments = arguments_with_channels(call);
  if (!arguments) return;
  const std::string_view transducer = next_argument(arguments->before);
  const std::string_view type = next_argument(arguments->before);
  Channel probe;
  if (!matches_keyword(transducer, "TCouple") && !equals_ignoring_case(transducer, "TC")) {
    return fail(call, scpi_error::illegal_parameter);
  }
  if (!change(ChannelSetting::tc_type, probe, type)) return fail(call, scpi_error::illegal_parameter);
  for (const std::size_t index : arguments->channels) {
    device_.channels_[index] = Channel{.measures_temperature = true, .type = probe.type, .frozen = {}};
    std::erase(device_.scan_list_, index);
  }
}

void KeysightDaq::ScpiSide::configure_voltage(Call& call) {
  const auto arguments = arguments_with_channels(call);
  if (!arguments) return;
  for (const std::size_t index : arguments->channels) {
    device_.channels_[index] = Channel{};
    std::erase(device_.scan_list_, index);
  }
}

void KeysightDaq::ScpiSide::append_channel_setting(std::string& out, std::uint8_t which, const Channel& channel) const {
  switch (which) {
    case ChannelSetting::tc_type: return out.push_back(channel.type);
    case ChannelSetting::unit: return out.push_back(channel.unit);
    case ChannelSetting::check: return out.push_back(channel.checks_leads ? '1' : '0');
    case ChannelSetting::junction: out += "INT"; return;
    default: return append_reading(out, channel.power_line_cycles);
  }
}

/// False for a word the setting does not know. Reference junctions other than the internal one are not modelled.
bool KeysightDaq::ScpiSide::change(std::uint8_t which, Channel& channel, std::string_view word) {
  const auto letter_of = [word](std::string_view letters) {
    const char letter = word.size() == 1 ? static_cast<char>(word[0] & ~0x20) : '\0';
    return letters.find(letter) == std::string_view::npos ? '\0' : letter;
  };
  switch (which) {
    case ChannelSetting::tc_type:
      if (letter_of("BEJKNRST") == '\0') return false;
      channel.type = letter_of("BEJKNRST");
      return true;
    case ChannelSetting::unit:
      if (letter_of("CFK") == '\0') return false;
      channel.unit = letter_of("CFK");
      return true;
    case ChannelSetting::check: {
      const std::optional<bool> on = parse_bool(word);
      channel.checks_leads = on.value_or(channel.checks_leads);
      return on.has_value();
    }
    case ChannelSetting::junction: return matches_keyword(word, "INTernal");
    default: {
      constexpr double cycles_max = 200.0;
      const std::optional<double> value = parse_number(word);
      if (!value || !(*value >= 0.02) || !(*value <= cycles_max)) return false;
      channel.power_line_cycles = *value;
      return true;
    }
  }
}

void KeysightDaq::ScpiSide::channel_setting(Call& call) {
  const auto arguments = arguments_with_channels(call);
  if (!arguments) return;
  const std::uint8_t which = row_of(call).argument;
  for (const std::size_t index : arguments->channels) {
    Channel& channel = device_.channels_[index];
    if (call.query) {
      if (index != arguments->channels.front()) call.out.push_back(',');
      append_channel_setting(call.out, which, channel);
    } else if (!channel.measures_temperature) {
      return fail(call, scpi_error::settings_conflict);
    } else if (!change(which, channel, arguments->before)) {
      return fail(call, scpi_error::illegal_parameter);
    }
  }
}

void KeysightDaq::ScpiSide::format(Call& call) {
  Format& format = device_.format_;
  const std::array<bool*, 4> parts{&format.unit, &format.time, &format.channel, &format.alarm};
  bool& part = *parts[row_of(call).argument];
  if (call.query) return call.out.push_back(part ? '1' : '0');
  if (const auto on = flag_argument(call)) part = *on;
}

void KeysightDaq::ScpiSide::trigger_source(Call& call) {
  if (call.query) {
    call.out += device_.trigger_source_;
  } else if (matches_keyword(only_argument(call), "IMMediate")) {
    device_.trigger_source_ = "IMM";
  } else {
    fail(call, scpi_error::illegal_parameter);
  }
}

void KeysightDaq::ScpiSide::trigger_number(Call& call) {
  double& number = row_of(call).argument == TriggerNumber::timer ? device_.trigger_timer_s_ : device_.trigger_count_;
  if (call.query) return append_reading(call.out, number);
  const ScpiRange range = row_of(call).argument == TriggerNumber::timer ? ScpiRange{0.0, 359999.0} : ScpiRange{1.0, 1.0};
  if (const auto value = number_argument(call, range, {})) number = *value;
}

void KeysightDaq::ScpiSide::abort(Call&) {}

/// False (and an error) without a scan list.
bool KeysightDaq::ScpiSide::scan(Call& call) {
  if (device_.scan_list_.empty()) {
    fail(call, scpi_error::settings_conflict);
    return false;
  }
  device_.memory_.clear();
  std::string& out = device_.memory_;
  for (const std::size_t index : device_.scan_list_) {
    const Channel& channel = device_.channels_[index];
    if (!out.empty()) out.push_back(',');
    append_reading(out, device_.read(index));
    if (device_.format_.unit) out += channel.measures_temperature ? std::string{' ', channel.unit} : " VDC";
    if (device_.format_.time) append_reading(out += ',', device_.faults_.clock.shown_s(to_seconds(call.now.time_since_epoch())));
    if (device_.format_.channel) out += ',' + std::to_string(device_.config_.slot + 1 + static_cast<int>(index));
    if (device_.format_.alarm) out += ",0";
    call.takes += device_.config_.channel_settling + from_seconds(channel.power_line_cycles / device_.config_.line_frequency_Hz);
  }
  return true;
}

void KeysightDaq::ScpiSide::initiate(Call& call) { static_cast<void>(scan(call)); }

void KeysightDaq::ScpiSide::fetch(Call& call) {
  if (device_.memory_.empty()) return fail(call, scpi_error::stale);
  call.out += device_.memory_;
}

void KeysightDaq::ScpiSide::read(Call& call) {
  if (scan(call)) call.out += device_.memory_;
}

}  // namespace cellrig::sim
