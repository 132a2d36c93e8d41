#include "profiles/exchange/pybamm_import.hpp"

#include <algorithm>
#include <cmath>

#include "controller/base/overloaded.hpp"
#include "profiles/compile.hpp"
#include "profiles/number.hpp"
#include "profiles/reader.hpp"

namespace cellrig {
namespace {

constexpr double pybamm_period_default_s = 60.0;
constexpr double pybamm_hold_s = 5.0;  ///< how long a falling current must be below its end
constexpr double hour_s = 3600.0;

/// A time in the largest unit in which it is whole: {"h", "1"}.
struct ImportedTime {
  std::string unit;
  std::string number;
};

ImportedTime imported_time(double seconds) {
  if (std::fmod(seconds, 3600.0) == 0.0) return {"h", format_number(seconds / 3600.0)};
  if (std::fmod(seconds, 60.0) == 0.0) return {"min", format_number(seconds / 60.0)};
  return {"s", format_number(seconds)};
}

/// "rate_C: 1/3" or "current_A: 1.5", with what stands before the colon given by the unit.
std::string imported_rate(double rate) {
  const double divisor = pybamm_rate_divisor(rate);
  return divisor > 0.0 ? "1/" + format_number(divisor) : format_number(rate);
}

std::string imported_current(const PybammValue& value, const std::string& middle) {
  const bool is_rate = value.unit == Unit::c_rate;
  return (is_rate ? "rate" : "current") + middle +
         (is_rate ? "_C: " + imported_rate(value.value) : "_A: " + format_number(value.value));
}

/// The step with current that came last: what tells a "Hold" its direction and its current.
struct CurrentBefore {
  PybammAction action = PybammAction::charge;
  PybammValue value;                ///< amp or c_rate; otherwise the cell's own limit bounds the hold
  std::optional<double> voltage_V;  ///< that it held or ended at
};

/// One step of the profile: its keys in order, with their comments.
struct ImportedStep {
  std::string word;
  std::vector<std::pair<std::string, std::string>> lines;  ///< "rate_C: 1/3", why
  void add(const std::string& line, const std::string& why = "") { lines.emplace_back(line, why); }
};

bool is_steered(const PybammStep& step) { return step.action == PybammAction::charge || step.action == PybammAction::discharge; }

bool is_current(Unit unit) { return unit == Unit::amp || unit == Unit::c_rate; }

class PybammImporter {
 public:
  PybammImporter(const PybammExperiment& experiment, const std::string& name) : experiment_{experiment} {
    text_ =
        "# Made from a PyBaMM experiment. Every bound (at_most_...) and every line with a comment was decided here: read them.\n";
    text_ += "profile: \"" + profile_name(name) + "\"\nformat: 1\nsource: PyBaMM experiment\n";
  }

  PybammImport import() {
    has_temperatures_ = has_temperature(experiment_.items);
    write_top();
    text_ += "\nsteps:\n";
    write_items(experiment_.items, 1);
    return PybammImport{std::move(text_), std::move(report_)};
  }

 private:
  void note(const SourcePlace& place, const std::string& word, const std::string& what) {
    report_.push_back(Loss{place, word, what, LossSeverity::note});
  }

  /// What a quoted YAML scalar of one line takes.
  static std::string profile_name(const std::string& name) {
    std::string safe = name.substr(0, name_length_max);
    for (char& c : safe) {
      if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e || c == '"' || c == '\\') c = '_';
    }
    return safe.empty() ? "PyBaMM experiment" : safe;
  }

  static bool has_temperature(const std::vector<PybammItem>& items) {
    return std::any_of(items.begin(), items.end(), [](const PybammItem& item) {
      const PybammStep* const step = std::get_if<PybammStep>(&item.what);
      return step != nullptr ? step->temperature_degC.has_value() : has_temperature(std::get<PybammGroup>(item.what).items);
    });
  }

  void write_top() {
    const double period = experiment_.period_s.value_or(pybamm_period_default_s);
    text_ += "\nrecord: {every_s: " + format_number(period) + "}";
    text_ += experiment_.period_s ? "\n" : "  # PyBaMM's period when none is given\n";
    const SourcePlace whole{file(), 0, 0};
    if (!experiment_.period_s) note(whole, "record", "a row every 60 s, the period that PyBaMM has when none is given");
    if (experiment_.temperature_degC) {
      require_celsius(*experiment_.temperature_degC, whole);
      text_ += "chamber: {temperature_degC: " + format_short(*experiment_.temperature_degC) + "}\n";
    }
    if (experiment_.temperature_degC || has_temperatures_) {
      note(whole, "temperature",
           "a step begins once the chamber is at its temperature, PyBaMM's cell is there at once: put a soak before what must be "
           "warm");
    }
    note(whole, "limits", "an experiment has no limits: those of the cell's file guard it");
  }

  [[nodiscard]] std::string file() const { return place_of(experiment_.items.front()).file; }

  static const SourcePlace& place_of(const PybammItem& item) {
    const PybammStep* const step = std::get_if<PybammStep>(&item.what);
    return step != nullptr ? step->place : std::get<PybammGroup>(item.what).place;
  }

  static void require_celsius(double degC, const SourcePlace& place) {
    if (degC >= -100.0 && degC <= 300.0) return;
    throw ConfigError{place, "a temperature of " + format_short(degC) + " degC: a bare number is in kelvin"};
  }

  // ---- loops --------------------------------------------------------------------------------------------------------

  void write_items(const std::vector<PybammItem>& items, std::size_t depth) {
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (const PybammGroup* const group = std::get_if<PybammGroup>(&items[i].what)) {
        write_group(*group, depth);
        continue;
      }
      const PybammStep& step = std::get<PybammStep>(items[i].what);
      const PybammStep* const next = i + 1 < items.size() ? std::get_if<PybammStep>(&items[i + 1].what) : nullptr;
      if (next != nullptr && is_cccv(step, *next)) {
        write_cccv(step, *next, depth);
        ++i;
      } else {
        write_step(step, depth);
      }
    }
  }

  /// In a second pass another step stands before the first one: nothing is known across the edge of a loop.
  void write_group(const PybammGroup& group, std::size_t depth) {
    count(group.place);
    const std::string indent(2 * depth, ' ');
    text_ += indent + (group.is_cycle ? "- cycles:\n" : "- repeat:\n");
    text_ += indent + "    times: " + std::to_string(group.times) + "\n" + indent + "    steps:\n";
    if (group.times != 1) before_.reset();
    write_items(group.items, depth + 3);
    if (group.times == 0) before_.reset();
  }

  void count(const SourcePlace& place) {
    if (++count_ > items_max) throw ConfigError{place, "more than " + std::to_string(items_max) + " steps and loops"};
  }

  // ---- steps --------------------------------------------------------------------------------------------------------

  static bool is_cccv(const PybammStep& first, const PybammStep& second) {
    return is_steered(first) && is_current(first.value.unit) && second.action == PybammAction::hold && !first.duration_s &&
           !second.duration_s && first.end->value.unit == Unit::volt && second.end && is_current(second.end->value.unit) &&
           first.end->value.value == second.value.value && second.end->comparison == '<' &&
           first.end->comparison == pybamm_default_comparison(first.action, Unit::volt) && first.period_s == second.period_s &&
           first.temperature_degC == second.temperature_degC;
  }

  void write_cccv(const PybammStep& first, const PybammStep& second, std::size_t depth) {
    ImportedStep step{first.action == PybammAction::charge ? "cccv_charge" : "cccv_discharge", {}};
    step.add(imported_current(first.value, ""));
    step.add("voltage_V: " + format_number(second.value.value));
    step.add("until: " + end_text(*second.end), "5 s: one low sample is no taper");
    add_own_bound(step, first, pybamm_time_max_s(first) + pybamm_time_max_s(second));
    note(second.place, "cccv", "the two strings are one step, " + step.word + ": the instrument holds the voltage by itself");
    add_common(step, first);
    before_ = CurrentBefore{first.action, first.value, second.value.value};
    write(step, to_pybamm(first) + ", " + to_pybamm(second), first.place, depth);
  }

  void write_step(const PybammStep& given, std::size_t depth) {
    ImportedStep step;
    switch (given.action) {
      case PybammAction::rest: rest(step, given); break;
      case PybammAction::hold: hold(step, given); break;
      case PybammAction::charge:
      case PybammAction::discharge: steered(step, given); break;
    }
    add_common(step, given);
    write(step, to_pybamm(given), given.place, depth);
  }

  void rest(ImportedStep& step, const PybammStep& given) {
    step.word = "rest";
    if (given.end && is_current(given.end->value.unit)) throw ConfigError{given.place, "a rest has no current that could end it"};
    if (given.duration_s) {
      const ImportedTime time = imported_time(*given.duration_s);
      step.add("for_" + time.unit + ": " + time.number);
    }
    if (given.end) step.add("until: " + end_text(*given.end));
    if (!given.duration_s) add_own_bound(step, given, pybamm_time_max_s(given));
  }

  void steered(ImportedStep& step, const PybammStep& given) {
    const bool charges = given.action == PybammAction::charge;
    const std::string direction = charges ? "_charge" : "_discharge";
    const bool is_constant_current = is_current(given.value.unit);
    if (is_constant_current) {
      step.word = "cc" + direction;
      step.add(imported_current(given.value, ""));
    } else if (given.value.unit == Unit::watt) {
      step.word = "cp" + direction;
      step.add("power_W: " + format_number(given.value.value));
    } else if (charges) {
      throw ConfigError{given.place, "a profile has no charge at constant resistance, only cr_discharge"};
    } else {
      step.word = "cr" + direction;
      step.add("resistance_Ohm: " + format_number(given.value.value));
    }
    const bool ends_by_current = given.end && is_current(given.end->value.unit);
    if (is_constant_current && ends_by_current)
      throw ConfigError{given.place,
                        "the current of this step is constant and cannot end it: write 'Hold at' a voltage after it"};
    if (!given.end || ends_by_current)
      note(given.place, "voltage",
           "no voltage ends this step: the instrument holds the cell's own, and the current tapers there");
    add_ends(step, given);
    before_ = CurrentBefore{given.action, given.value, std::nullopt};
    if (given.end && !ends_by_current) before_->voltage_V = given.end->value.value;
  }

  void hold(ImportedStep& step, const PybammStep& given) {
    if (given.end && given.end->value.unit == Unit::volt)
      throw ConfigError{given.place, "the voltage of 'Hold' is constant and cannot end it: write 'until' a current"};
    if (!before_)
      throw ConfigError{given.place,
                        "nothing says which way the current of this 'Hold' flows: put a 'Charge' or 'Discharge' before it, "
                        "in the same pass of the loop"};
    const double voltage = given.value.value;
    const PybammAction before = before_->action;
    const bool is_higher = before_->voltage_V && voltage > *before_->voltage_V;
    const bool is_lower = before_->voltage_V && voltage < *before_->voltage_V;
    const bool charges = is_higher || (before == PybammAction::charge && !is_lower);
    step.word = charges ? "cv_charge" : "cv_discharge";
    step.add("voltage_V: " + format_number(voltage));
    const bool is_known = is_current(before_->value.unit);
    step.add(is_known ? imported_current(before_->value, "_max")
                      : std::string{"rate_max_C: cell."} + (charges ? "charge" : "discharge") + "_rate_max_C",
             is_known ? "that of the step before" : "the string has none: the cell's own");
    note(given.place, "direction",
         "'Hold' became " + step.word + " with at most the current of " + (is_known ? "the step before it" : "the cell's file"));
    add_ends(step, given);
    before_->action = charges ? PybammAction::charge : PybammAction::discharge;
    before_->voltage_V = voltage;
  }

  /// `until` and the bound of a step with current.
  void add_ends(ImportedStep& step, const PybammStep& given) {
    std::string time_end;
    if (given.duration_s) {
      const ImportedTime time = imported_time(*given.duration_s);
      time_end = "step_time_" + time.unit + " >= " + time.number;
    }
    const std::string other = given.end ? end_text(*given.end) : "";
    const bool is_held = given.end && is_held_current(*given.end);
    step.add(time_end.empty() || other.empty() ? "until: " + time_end + other : "until: [" + time_end + ", " + other + "]",
             is_held ? "5 s: one low sample is no taper" : "");
    if (given.duration_s) {
      const double bound = std::max(1.1 * *given.duration_s, *given.duration_s + 60.0);
      const std::string unit = imported_time(*given.duration_s).unit;
      const double per_unit = unit == "h" ? 3600.0 : unit == "min" ? 60.0 : 1.0;
      step.add("at_most_" + unit + ": " + format_short(bound / per_unit), "not in the string: a tenth beyond its end");
      note(given.place, "at_most", "a bound that the string does not have: a tenth beyond its 'for', at least a minute");
    } else {
      add_own_bound(step, given, pybamm_time_max_s(given));
    }
  }

  void add_own_bound(ImportedStep& step, const PybammStep& given, double bound_s) {
    const double hours = std::min(bound_s, to_seconds(step_duration_max)) / hour_s;
    const bool is_by_rate = given.action != PybammAction::rest && given.value.unit == Unit::c_rate;
    const std::string how =
        std::string{is_by_rate ? "2 h / rate" : "24 h"} + (step.word.starts_with("cccv") ? ", and 24 h to hold" : "");
    step.add("at_most_h: " + format_short(hours), "not in the string: " + how + ", where PyBaMM gives up too");
    note(given.place, "at_most", "a bound that the string does not have: at_most_h " + format_short(hours) + " (" + how + ")");
  }

  /// A current that has fallen, not one that has risen.
  static bool is_held_current(const PybammEnd& end) { return is_current(end.value.unit) && end.comparison == '<'; }

  static std::string end_text(const PybammEnd& end) {
    const std::string comparison = end.comparison == '<' ? " <= " : " >= ";
    if (end.value.unit == Unit::volt) return "voltage_V" + comparison + format_number(end.value.value);
    const std::string hold = is_held_current(end) ? " for " + format_short(pybamm_hold_s) + " s" : "";
    if (end.value.unit == Unit::c_rate) return "rate_C" + comparison + imported_rate(end.value.value) + hold;
    return "current_A" + comparison + format_number(end.value.value) + hold;
  }

  /// A temperature stays in a profile until another is asked for, so that with one of them every step says its own.
  void add_common(ImportedStep& step, const PybammStep& given) {
    if (given.period_s) step.add("record_every_s: " + format_number(*given.period_s));
    if (!has_temperatures_) return;
    const std::optional<double> temperature = given.temperature_degC ? given.temperature_degC : experiment_.temperature_degC;
    if (temperature) {
      require_celsius(*temperature, given.place);
      step.add("temperature_degC: " + format_short(*temperature));
    } else {
      report_.push_back(Loss{given.place, "temperature",
                             "no temperature of its own, and none of the experiment to go back to: the chamber stays where it "
                             "was asked for last, in a "
                             "later pass of a loop, too",
                             LossSeverity::lost});
    }
  }

  void write(const ImportedStep& step, const std::string& comment, const SourcePlace& place, std::size_t depth) {
    count(place);
    const std::string indent(2 * depth, ' ');
    text_ += indent + "# " + comment + "\n" + indent + "- " + step.word + ":\n";
    for (const auto& [line, why] : step.lines) text_ += indent + "    " + line + (why.empty() ? "" : "  # " + why) + "\n";
  }

  const PybammExperiment& experiment_;
  std::string text_;
  LossReport report_;
  std::optional<CurrentBefore> before_;
  bool has_temperatures_ = false;
  std::size_t count_ = 0;
};

}  // namespace

PybammImport import_pybamm(const PybammExperiment& experiment, const std::string& name) {
  if (experiment.items.empty()) throw ConfigError{SourcePlace{}, "an experiment without a step"};
  return PybammImporter{experiment, name}.import();
}

}  // namespace cellrig
