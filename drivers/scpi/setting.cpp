#include "drivers/scpi/setting.hpp"

#include <algorithm>
#include <utility>

#include "drivers/scpi/codec.hpp"

namespace cellrig::scpi {

Setting number(std::string header, double value, Precision precision) {
  Setting setting{.header = std::move(header), .value = format_number(value, precision.digits), .unit = {}, .long_form = {}};
  if (value == 0.0) setting.value = format_number(0.0, precision.digits);  // never "-0.000"
  setting.number = value;
  setting.below = setting.above = precision.tolerance;
  return setting;
}

Setting upper_bound(std::string header, double value, Precision precision, double step) {
  Setting setting = number(std::move(header), value, precision);
  setting.below = std::max(setting.below, step);
  return setting;
}

Setting flag(std::string header, bool value) {
  Setting setting{
      .header = std::move(header), .value = value ? "1" : "0", .kind = Setting::Kind::flag, .unit = {}, .long_form = {}};
  setting.number = value ? 1.0 : 0.0;
  return setting;
}

Setting word(std::string header, std::string value, std::string long_form) {
  return Setting{.header = std::move(header),
                 .value = std::move(value),
                 .kind = Setting::Kind::word,
                 .unit = {},
                 .long_form = std::move(long_form)};
}

std::string command_of(const Setting& setting) { return setting.header + ' ' + setting.value; }

std::string question_of(const Settings& settings) {
  std::string message;
  for (const Setting& setting : settings) message += (message.empty() ? "" : ";:") + setting.header + '?';
  return message;
}

Result<bool> is_held(const Setting& setting, std::string_view reply) {
  switch (setting.kind) {
    case Setting::Kind::word:
      return equal_ignoring_case(reply, setting.value) ||
             (!setting.long_form.empty() && equal_ignoring_case(reply, setting.long_form));
    case Setting::Kind::flag: {
      const Result<bool> held = parse_boolean(reply);
      if (!held) return held.error();
      return *held == (setting.number != 0.0);
    }
    case Setting::Kind::number: break;
  }
  const Result<double> held = parse_setting(reply, setting.unit);
  if (!held) return held.error();
  return *held >= setting.number - setting.below && *held <= setting.number + setting.above;
}

Settings changed(const Settings& held, const Settings& wanted) {
  Settings different;
  for (const Setting& setting : wanted) {
    const bool is_held = std::any_of(held.begin(), held.end(),
                                     [&](const Setting& s) { return s.header == setting.header && s.value == setting.value; });
    if (!is_held) different.push_back(setting);
  }
  return different;
}

Settings last_of_each(const Settings& settings) {
  Settings last;
  for (const Setting& setting : settings) {
    const auto known = std::find_if(last.begin(), last.end(), [&](const Setting& s) { return s.header == setting.header; });
    if (known == last.end()) {
      last.push_back(setting);
    } else {
      *known = setting;
    }
  }
  return last;
}

}  // namespace cellrig::scpi
