// Model files of chambers.
#include <algorithm>
#include <map>

#include "drivers/models/model_parts.hpp"

namespace cellrig {
namespace {

constexpr int address_max = 65535;
constexpr int value_min = -2'000'000'000, value_max = 2'000'000'000;

/// What every chamber has.
struct ChamberBounds {
  Celsius plausible_min, plausible_max;
  double alarm_margin_K = 0.0, setpoint_tolerance_K = 0.0;
};

ChamberBounds read_bounds(ModelMap limits, ChamberCapabilities& into) {
  into.temperature_min = Celsius{limits.number("temperature_min_degC")};
  into.temperature_max = Celsius{limits.number("temperature_max_degC")};
  if (!(into.temperature_min < into.temperature_max)) {
    throw ConfigError{limits.place_of("temperature_min_degC"), "temperature_min_degC is above temperature_max_degC"};
  }
  ChamberBounds bounds;
  bounds.plausible_min = Celsius{limits.number("plausible_min_degC")};
  bounds.plausible_max = Celsius{limits.number("plausible_max_degC")};
  if (!(bounds.plausible_min <= into.temperature_min && bounds.plausible_max >= into.temperature_max)) {
    throw ConfigError{limits.place_of("plausible_min_degC"), "the plausible range is narrower than the chamber's"};
  }
  bounds.alarm_margin_K = limits.positive_number("alarm_margin_K");
  bounds.setpoint_tolerance_K = limits.positive_number("setpoint_tolerance_K");
  limits.finish();
  return bounds;
}

ChamberRamp read_ramp(ModelMap map) {
  ChamberRamp ramp;
  ramp.heating_K_per_min = map.positive_number("heating_K_per_min");
  ramp.cooling_K_per_min = map.positive_number("cooling_K_per_min");
  [[maybe_unused]] const std::size_t status = map.word("status", {"stated", "unverified"});
  map.finish();
  return ramp;
}

/// The section `registers`, by name; the other sections refer to it.
class RegisterNames {
 public:
  RegisterNames(ModelMap map, RegisterChamberModel& model) {
    for (const std::string& name : map.keys()) {
      ModelMap entry = map.map(name);
      registers_[name] = read(name, entry, model);
      names_.push_back(name);
    }
  }
  /// The register that `key` of `map` names.
  [[nodiscard]] ChamberRegister find(ModelMap& map, const std::string& key) {
    const std::string name = map.text(key);
    return named(name, map.place_of(key));
  }
  [[nodiscard]] ChamberRegister number(ModelMap& map, const std::string& key) {
    ChamberRegister found = find(map, key);
    if (found.type == RegisterType::text) throw ConfigError{map.place_of(key), "register '" + found.name + "' is a text"};
    return found;
  }
  [[nodiscard]] ChamberRegister named(const std::string& name, const SourcePlace& place) {
    const auto found = registers_.find(name);
    if (found == registers_.end()) throw ConfigError{place, "unknown register '" + name + "'" + suggestion(name, names_)};
    used_.push_back(name);
    return found->second;
  }
  /// A register that nothing refers to is a slip of the pen.
  void refuse_unused(ModelMap& file) const {
    for (const std::string& name : names_) {
      if (std::find(used_.begin(), used_.end(), name) != used_.end()) continue;
      throw ConfigError{file.map("registers").place_of(name), "register '" + name + "' is used nowhere"};
    }
  }

 private:
  static ChamberRegister read(const std::string& name, ModelMap& entry, RegisterChamberModel& model) {
    static const std::vector<std::string> types{"u16", "s16", "u32", "s32", "f32", "text"};
    ChamberRegister where;
    where.name = name;
    where.type = static_cast<RegisterType>(entry.word("type", types));
    if (entry.has("chosen_by")) {
      [[maybe_unused]] const std::size_t option = entry.word("chosen_by", {"event"});
      for (const int address : entry.integers("at", 0, address_max))
        where.addresses.push_back(static_cast<std::uint16_t>(address));
      const int count = static_cast<int>(where.addresses.size());
      if (count == 0 || model.event_count != 0)
        throw ConfigError{entry.place_of("at"), "one register can be chosen, from a list"};
      model.event_count = count;
      model.event = entry.integer("unless_given", 1, count);
    } else {
      where.addresses.push_back(static_cast<std::uint16_t>(entry.integer("at", 0, address_max)));
    }
    if (where.type == RegisterType::text) {
      where.characters = entry.integer("characters", 1, 125);
    } else if (where.type != RegisterType::f32 && entry.has("scale")) {
      where.scale = entry.positive_number("scale");
    }
    entry.finish();
    return where;
  }

  std::map<std::string, ChamberRegister> registers_;
  std::vector<std::string> names_, used_;
};

/// {register: mode, is: [1, 2]} or {register: mode, is_not: [1, 2]}.
RegisterTest read_test(ModelMap& map, RegisterNames& registers) {
  RegisterTest test;
  test.where = registers.number(map, "register");
  test.one_of = map.has("is");
  if (test.one_of && map.has("is_not")) throw ConfigError{map.place_of("is_not"), "'is' and 'is_not' exclude each other"};
  const std::string key = test.one_of ? "is" : "is_not";
  for (const int value : map.integers(key, value_min, value_max)) test.values.push_back(value);
  if (test.values.empty()) throw ConfigError{map.place_of(key), "'" + key + "' needs at least one value"};
  return test;
}

std::vector<RegisterTest> read_tests(ModelMap& file, const std::string& key, RegisterNames& registers) {
  std::vector<RegisterTest> tests;
  for (ModelMap& map : file.maps(key)) {
    tests.push_back(read_test(map, registers));
    map.finish();
  }
  if (tests.empty()) throw ConfigError{file.place_of(key), "'" + key + "' needs at least one condition"};
  return tests;
}

/// With what to say when it does not hold.
std::vector<RegisterTest> read_requirements(ModelMap& file, const std::string& key, RegisterNames& registers) {
  std::vector<RegisterTest> tests;
  if (!file.has(key)) return tests;
  for (ModelMap& map : file.maps(key)) {
    RegisterTest test = read_test(map, registers);
    test.otherwise = map.text("otherwise");
    if (map.has("fault")) test.fault = map.word("fault", {"refused", "device_fault"}) == 0 ? Fault::refused : Fault::device_fault;
    map.finish();
    tests.push_back(std::move(test));
  }
  return tests;
}

/// {register: mode, value: 10}; where limits are known also {value: alarm_high}.
RegisterWrite read_write(ModelMap& map, RegisterNames& registers, bool with_limits) {
  static const std::vector<std::string> words{"setpoint_min", "setpoint_max", "alarm_low", "alarm_high"};
  RegisterWrite write;
  write.where = registers.number(map, "register");
  const std::string text = map.text("value");
  const auto word = std::find(words.begin(), words.end(), text);
  if (with_limits && word != words.end()) {
    write.what = static_cast<WrittenValue>(1 + (word - words.begin()));
  } else if (with_limits && !text.empty() && text.front() >= 'a' && text.front() <= 'z') {
    throw ConfigError{map.place_of("value"), "unknown value '" + text + "'" + suggestion(text, words)};
  } else {
    write.constant = map.integer("value", value_min, value_max);
    if (!register_chamber::encode(write.where, write.constant, modbus::WordOrder::abcd))
      throw ConfigError{map.place_of("value"), "register '" + write.where.name + "' cannot hold this value"};
  }
  return write;
}

std::vector<RegisterWrite> read_writes(ModelMap& file, const std::string& key, RegisterNames& registers) {
  std::vector<RegisterWrite> writes;
  for (ModelMap& map : file.maps(key)) {
    RegisterWrite write = read_write(map, registers, key == "arm");
    if (key == "stop" && map.has("when")) {
      ModelMap when = map.map("when");
      write.when = read_test(when, registers);
      when.finish();
    }
    map.finish();
    writes.push_back(std::move(write));
  }
  if (writes.empty()) throw ConfigError{file.place_of(key), "'" + key + "' needs at least one write"};
  return writes;
}

void read_identity(ModelMap map, RegisterNames& registers, RegisterChamberModel& into) {
  into.identity = registers.find(map, "text");
  if (into.identity->type != RegisterType::text) throw ConfigError{map.place_of("text"), "this register is no text"};
  into.identity_prefix = map.text("begins_with");
  if (map.has("serial")) into.serial = registers.number(map, "serial");
  if (map.has("firmware")) into.firmware = registers.number(map, "firmware");
  map.finish();
}

void read_setpoint(ModelMap map, RegisterNames& registers, RegisterChamberModel& into) {
  for (const std::string& name : map.texts("write")) {
    const ChamberRegister where = registers.named(name, map.place_of("write"));
    const bool is_fine =
        where.type == RegisterType::f32 || (where.type != RegisterType::text && where.scale <= 2 * into.setpoint_tolerance_K);
    if (!is_fine) throw ConfigError{map.place_of("write"), "register '" + name + "' is coarser than setpoint_tolerance_K"};
    into.setpoints.push_back(where);
  }
  into.setpoint_shown = registers.number(map, "read");
  map.finish();
}

/// `none`, or the pair of registers.
void read_setpoint_limits(ModelMap& file, RegisterNames& registers, RegisterChamberModel& into) {
  into.capabilities.has_own_limits = file.boolean("keeps_setpoint_limits");
  if (!into.capabilities.has_own_limits) return;
  ModelMap map = file.map("setpoint_limits");
  into.limit_low = registers.number(map, "low");
  into.limit_high = registers.number(map, "high");
  map.finish();
}

}  // namespace

RegisterChamberModel load_register_chamber_model(const std::string& path) {
  ModelMap file = ModelMap::load(path);
  RegisterChamberModel model;
  model.capabilities.model = read_head(file, kind_register_chamber);
  model.maker = file.text("maker");
  file.prose("wire");
  model.unit = static_cast<std::uint8_t>(file.integer("unit", 0, 255));
  const bool low_first = file.word("word_order", {"high_first", "low_first"}) == 1;
  model.word_order = low_first ? modbus::WordOrder::cdab : modbus::WordOrder::abcd;
  model.exception_5_is_denial = file.word("exception_5", {"busy", "write_denied"}) == 1;
  const ChamberBounds bounds = read_bounds(file.map("limits"), model.capabilities);
  model.plausible_min = bounds.plausible_min;
  model.plausible_max = bounds.plausible_max;
  model.alarm_margin_K = bounds.alarm_margin_K;
  model.setpoint_tolerance_K = bounds.setpoint_tolerance_K;
  model.capabilities.ramp = read_ramp(file.map("ramp"));
  ModelMap accuracy = file.map("accuracy");
  model.capabilities.temperature_accuracy = read_accuracy(accuracy.map("temperature"), "offset_K");
  accuracy.finish();
  const Timing timing = read_timing(file.map("timing"));
  model.attempt_timeout = timing.attempt_timeout;
  model.request_gap = timing.request_gap;

  RegisterNames registers{file.map("registers"), model};
  if (file.has("identity")) read_identity(file.map("identity"), registers, model);
  model.checks = read_requirements(file, "checks", registers);
  model.temperature = registers.number(file, "temperature");
  read_setpoint(file.map("setpoint"), registers, model);
  read_setpoint_limits(file, registers, model);
  if (file.has("arm")) model.arm = read_writes(file, "arm", registers);
  model.ready = read_requirements(file, "ready", registers);
  model.run = read_writes(file, "run", registers);
  model.running = read_tests(file, "running", registers);
  model.stop = read_writes(file, "stop", registers);
  model.stopped = read_tests(file, "stopped", registers);
  model.healthy = read_tests(file, "healthy", registers);
  registers.refuse_unused(file);
  file.finish();
  return model;
}

EspecModel load_espec_model(const std::string& path) {
  ModelMap file = ModelMap::load(path);
  EspecModel model;
  model.capabilities.model = read_head(file, kind_espec);
  file.prose("wire");
  model.controllers = file.texts("controllers");
  const bool is_old = file.word("protocol", {"new", "old"}) == 1;
  model.session.acknowledges_questions = is_old;
  model.unit = file.integer("unit", 0, 16);
  ModelMap alarms = file.map("alarm_limits");
  model.alarm_min = Celsius{alarms.number("min_degC")};
  model.alarm_max = Celsius{alarms.number("max_degC")};
  alarms.finish();
  const ChamberBounds bounds = read_bounds(file.map("limits"), model.capabilities);
  if (!(model.alarm_min <= model.capabilities.temperature_min && model.alarm_max >= model.capabilities.temperature_max)) {
    throw ConfigError{file.place_of("alarm_limits"), "the alarm limits cannot be set as wide as the chamber's range"};
  }
  model.plausible_min = bounds.plausible_min;
  model.plausible_max = bounds.plausible_max;
  model.alarm_margin_K = bounds.alarm_margin_K;
  model.setpoint_tolerance_K = bounds.setpoint_tolerance_K;
  model.capabilities.ramp = read_ramp(file.map("ramp"));
  ModelMap accuracy = file.map("accuracy");
  model.capabilities.temperature_accuracy = read_accuracy(accuracy.map("temperature"), "offset_K");
  accuracy.finish();
  ModelMap timing = file.map("timing");
  model.attempt_timeout = timing.milliseconds("attempt_timeout_ms");
  model.session.question_pause = timing.milliseconds("pause_after_question_ms");
  model.session.setting_pause = timing.milliseconds("pause_after_setting_ms");
  model.session.frame_gap = timing.milliseconds("frame_gap_ms");
  model.session.connect_timeout = timing.milliseconds("connect_timeout_ms");
  if (model.attempt_timeout <= model.session.frame_gap) {
    throw ConfigError{timing.place_of("attempt_timeout_ms"), "a try must outlast the gap between frames"};
  }
  if (model.session.frame_gap > model.session.question_pause || model.session.frame_gap > model.session.setting_pause) {
    throw ConfigError{timing.place_of("frame_gap_ms"), "the gap between frames is the shortest of the pauses"};
  }
  timing.finish();
  file.finish();
  return model;
}

}  // namespace cellrig
