#include "tests/swarm/fault_menu.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>

#include "sim/faults.hpp"

namespace cellrig::swarm {
namespace {

/// What an entry aims at.
enum class Aim : unsigned char {
  wire,    ///< a port of any instrument
  modbus,  ///< one that speaks Modbus
  lines,   ///< one that speaks SCPI
  cycler,
  logger,  ///< whatever reads the cells
  relays,
  chamber,         ///< the plant
  channel,         ///< its thermocouple, its contactor
  channel_cycler,  ///< the cell, or the output on it
  contacts,        ///< of a door
  clock,           ///< of an instrument that stamps its readings
  host,            ///< the computer of the controller
  record,          ///< carried out by the swarm's own recorder
};

/// How its keys are drawn.
using Keys = std::string (*)(sim::Random&);

struct Recipe {
  MenuEntry entry;
  std::string_view kind;  ///< the simulator's word
  Aim aim = Aim::wire;
  Keys keys = nullptr;
  unsigned takes = 0;           ///< besides the link of a wire
  bool ends_by_itself = false;  ///< counts or happens once: there is nothing to end
  bool closes = false;          ///< existing connections are closed besides
};

double between(sim::Random& random, double low, double high) { return low + (high - low) * random.uniform(); }
/// Evenly in its logarithm: rare and frequent ones.
double decades(sim::Random& random, double low, double high) { return low * std::pow(high / low, random.uniform()); }

std::string once(sim::Random& random) { return fmt::format(" count={} skip={}", 1 + random.below(3), random.below(4)); }
std::string for_ever(sim::Random&) { return " count=for_ever"; }
std::string some_delay(sim::Random& random) {
  return fmt::format(" delay_ms={:.0f} rate={:.4f}", between(random, 10, 400), decades(random, 0.01, 1.0));
}
std::string late(sim::Random& random) {
  return fmt::format(" delay_ms={:.0f} overtaken={} rate={:.4f}", between(random, 400, 5000), random.below(2) == 0,
                     decades(random, 0.003, 1.0));
}
std::string at_a_rate(sim::Random& random) { return fmt::format(" rate={:.4f}", decades(random, 0.003, 1.0)); }
std::string some_bytes(sim::Random& random) {
  return fmt::format(" bytes={} rate={:.4f}", random.below(20), decades(random, 0.003, 1.0));
}
std::string flipped_bytes(sim::Random& random) {
  return fmt::format(" bytes={} rate={:.4f}", 1 + random.below(8), decades(random, 0.003, 1.0));
}
std::string another_identity(sim::Random&) { return " text=ACME,MODEL-1,0,1.0"; }
std::string small_offset(sim::Random& random) { return random.below(2) == 0 ? " offset_V=0.03" : " offset_V=-0.03"; }
std::string spike(sim::Random&) { return " offset_V=10"; }
std::string hot(sim::Random& random) { return fmt::format(" temperature_degC={:.1f}", between(random, 65, 95)); }
std::string wrong_field(sim::Random& random) {
  constexpr std::array<std::string_view, 4> fields{"unit", "function", "length", "byte_count"};
  return fmt::format(" field={}{}", fields[random.below(fields.size())], at_a_rate(random));
}
std::string exception_code(sim::Random& random) { return fmt::format(" code={}{}", 1 + random.below(11), at_a_rate(random)); }
std::string dripping(sim::Random& random) { return fmt::format(" gap_ms={:.0f}{}", decades(random, 1, 300), at_a_rate(random)); }
std::string another_scale(sim::Random& random) { return random.below(2) == 0 ? " factor=10" : " factor=0.1"; }
std::string another_form(sim::Random& random) {
  constexpr std::array<std::string_view, 4> forms{"comma", "9.91E37", "NAN", "empty"};
  return fmt::format(" form={}{}", forms[random.below(forms.size())], at_a_rate(random));
}
std::string lost_commands(sim::Random& random) { return " which=sets" + at_a_rate(random); }
std::string miscalibration(sim::Random& random) {
  return random.below(2) == 0 ? " offset_V=0.03 current_gain_pct=1" : " offset_V=-0.03 current_gain_pct=-1";
}
std::string full_scale(sim::Random&) { return " voltage_V=3 current_A=1"; }
std::string noise_sigma(sim::Random& random) { return fmt::format(" sigma_V={:.4f}", decades(random, 0.001, 1.0)); }
std::string some_current(sim::Random& random) {
  return random.below(2) == 0 ? " current_A=1 voltage_V=4.2" : " current_A=5 voltage_V=4.2";
}
std::string amplitude(sim::Random& random) {
  return fmt::format(" amplitude_V={:.4f} period_s={:.2f}", decades(random, 0.01, 0.3), decades(random, 0.2, 20));
}
std::string overshoot(sim::Random& random) { return fmt::format(" offset_V={:.4f}", decades(random, 0.01, 0.3)); }
std::string trip_cause(sim::Random&) { return " cause=over_voltage"; }
std::string some_heat(sim::Random& random) { return fmt::format(" power_W={:.3f}", decades(random, 0.1, 20)); }
std::string short_ohm(sim::Random& random) { return fmt::format(" ohm={:.4f}", decades(random, 0.01, 10)); }
std::string soft_short(sim::Random& random) {
  return fmt::format(" ohm=1000 end_ohm={:.1f} over_s=3600", decades(random, 1, 100));
}
std::string another_cell(sim::Random& random) {
  return fmt::format(" capacity_fraction={:.3f} resistance_factor={:.3f}", between(random, 0.5, 1.0), between(random, 1.0, 3.0));
}
std::string more_latency(sim::Random& random) { return fmt::format(" delay_ms={:.0f}", decades(random, 1, 300)); }

std::string first_input(sim::Random&) { return " input=0"; }
std::string range_end(sim::Random& random) { return fmt::format(" temperature_degC={}", random.below(2) == 0 ? -270 : 1372); }
std::string clock_offset(sim::Random& random) { return fmt::format(" offset_s={:.1f}", decades(random, 0.1, 1e5)); }
std::string venting(sim::Random& random) {
  return fmt::format(" gas_ppm=2000 pressure_MPa=0.2 rise_K={:.1f} over_s={:.1f}", between(random, 20, 60),
                     decades(random, 1, 60));
}
std::string clock_step(sim::Random& random) {
  return fmt::format(" step_s={}{:.1f}", random.below(2) == 0 ? "" : "-", decades(random, 1, 7200));
}
std::string suspension(sim::Random& random) { return fmt::format(" for_s={:.3f}", decades(random, 0.05, 30)); }
std::string forced(sim::Random&) { return " force=true"; }
std::string lateness(sim::Random& random) { return fmt::format(" delay_ms={:.1f}", decades(random, 1, 50)); }

/// Nobody is there to notice anything: what is left is the instrument's own watchdog.
constexpr unsigned no_controller = takes::cycler_link | takes::contactor | takes::logger_link | takes::chamber_link;

/// Those whose word the simulator does not know are left out.
constexpr Recipe all_recipes[] = {
    {{"F01", "a reply is dropped"}, "drop", Aim::wire, once, 0, true},
    {{"F02", "replies are dropped for ever", Reaction::age_limit}, "drop", Aim::wire, for_ever},
    {{"F03", "replies are late"}, "delay", Aim::wire, some_delay},
    {{"F04", "replies come after their deadline"}, "delay", Aim::wire, late},
    {{"F05", "replies come twice"}, "duplicate", Aim::wire, at_a_rate},
    {{"F07", "replies are cut short"}, "truncate", Aim::wire, some_bytes},
    {{"F08", "bytes are flipped"}, "garble", Aim::wire, flipped_bytes},
    {{"F11", "nothing passes, the connection stays", Reaction::age_limit}, "accept_only", Aim::wire, nullptr},
    {{"F12", "the port is closed", Reaction::age_limit}, "refuse", Aim::wire, nullptr},
    {{"F12b", "the connection is closed"}, "close", Aim::wire, at_a_rate},
    {{"F13", "connections are accepted, nobody answers", Reaction::age_limit}, "accept_only", Aim::wire, nullptr, 0, false, true},
    {{"F16", "another instrument answers"}, "identity", Aim::cycler, another_identity},
    {{"F17", "readings are no numbers", Reaction::two_polls}, "nan", Aim::cycler, nullptr, takes::cycler_truth},
    {{"F19", "the cycler reboots", Reaction::two_polls}, "reboot", Aim::cycler, nullptr, takes::watchdog, true},
    {{"F19b", "the relay module reboots", Reaction::two_polls}, "reboot", Aim::relays, nullptr, 0, true},
    {{"F20", "somebody presses LOCAL", Reaction::age_limit}, "local", Aim::cycler, nullptr, takes::cycler_obeys},
    {{"F21", "the cycler's readings freeze", Reaction::stillness}, "freeze", Aim::cycler, nullptr, takes::cycler_truth},
    {{"F22", "the temperatures freeze"}, "freeze", Aim::logger, nullptr, takes::logger_truth},
    {{"F23", "the current has the wrong sign", Reaction::two_polls}, "negate_current", Aim::cycler, nullptr, takes::cycler_truth},
    {{"F24", "the voltage is 30 mV off"}, "voltage_offset", Aim::cycler, small_offset, takes::cycler_truth},
    {{"F26", "the voltage reads 10 V too much", Reaction::two_polls}, "voltage_offset", Aim::cycler, spike, takes::cycler_truth},
    {{"F27", "OFF is acknowledged and does nothing", Reaction::off_refused},
     "ignore_off",
     Aim::cycler,
     nullptr,
     takes::cycler_obeys},
    {{"F31", "the chamber heats for ever", Reaction::chamber_leaves}, "chamber_stuck", Aim::chamber, hot, takes::chamber_obeys},
    // No current flows while somebody waits for it, and where nobody does it is right: a clock has nothing to count. I6 ends the wait.
    {{"F32", "the chamber stays where it is"}, "chamber_stuck", Aim::chamber, nullptr, takes::chamber_obeys},
    {{"F35", "the thermocouple breaks", Reaction::age_limit}, "thermocouple_open", Aim::channel, nullptr, takes::logger_truth},
    {{"welded", "the contactor is welded"}, "contactor_welded", Aim::channel, nullptr, takes::contactor},
    {{"slow", "an instrument gets slow"}, "extra_latency", Aim::cycler, more_latency},
    {{"F06", "replies change places"}, "reorder", Aim::wire, at_a_rate},
    {{"F08b", "other bytes come instead of a reply"}, "rubbish", Aim::wire, at_a_rate},
    {{"F09", "one field of a Modbus reply is wrong"}, "mutate", Aim::modbus, wrong_field},
    {{"F10", "a Modbus exception comes"}, "exception", Aim::modbus, exception_code},
    {{"F11b", "the peer loses its power", Reaction::age_limit}, "half_open", Aim::wire, nullptr},
    {{"F12c", "the connection is reset"}, "reset", Aim::wire, at_a_rate},
    {{"F14", "replies come byte by byte"}, "drip", Aim::wire, dripping},
    {{"F15", "stray bytes come before replies"}, "noise", Aim::wire, flipped_bytes},
    {{"F15b", "two masters speak at once"}, "collision", Aim::wire, flipped_bytes},
    {{"F16b", "readings have another scale"}, "scale", Aim::cycler, another_scale, takes::cycler_truth},
    {{"F16c", "32-bit values come in another order"},
     "swap_words",
     Aim::modbus,
     at_a_rate,
     takes::cycler_truth | takes::logger_truth},
    {{"F17b", "numbers come in another form"}, "number_format", Aim::lines, another_form},
    {{"F18", "commands are lost"}, "lose_request", Aim::wire, lost_commands, takes::cycler_obeys},
    {{"F18b", "the error queue overflows"}, "error_flood", Aim::lines, at_a_rate},
    {{"F22b", "a thermocouple stands still"}, "thermocouple_stuck", Aim::channel, nullptr, takes::logger_truth},
    {{"F24b", "30 mV and 1 % off"}, "miscalibrated", Aim::cycler, miscalibration, takes::cycler_truth},
    {{"F25", "readings end at full scale", Reaction::clipped}, "saturate", Aim::cycler, full_scale, takes::cycler_truth},
    {{"F26b", "a burst of noise"}, "noise_burst", Aim::cycler, noise_sigma, takes::cycler_truth},
    {{"F28", "the output turns on by itself", Reaction::unasked},
     "output_on",
     Aim::channel_cycler,
     some_current,
     takes::self_on,
     true},
    // Most swing within the limits: those are no hazard, and their clock never begins.
    {{"F29", "the regulated voltage oscillates", Reaction::over_voltage},
     "cv_oscillation",
     Aim::channel_cycler,
     amplitude,
     takes::cell},
    {{"F29b", "the regulated voltage overshoots", Reaction::over_voltage},
     "cv_overshoot",
     Aim::channel_cycler,
     overshoot,
     takes::cell},
    {{"F30", "the cycler protects itself", Reaction::two_polls}, "trip", Aim::cycler, trip_cause, 0, true},
    // So few watts take an hour to the limit, and then the clock H4 of every run judges it; what ends it earlier is no promise.
    {{"F33", "heat comes from outside"}, "extra_heat", Aim::channel_cycler, some_heat, takes::cell},
    {{"F34", "the door opens", Reaction::two_polls}, "interlock_open", Aim::contacts, first_input},
    {{"F35b", "the thermocouple shows an end of its range", Reaction::age_limit},
     "thermocouple_stuck",
     Aim::channel,
     range_end,
     takes::logger_truth},
    {{"F36", "an instrument's clock jumps"}, "clock_jump", Aim::clock, clock_offset},
    {{"F36b", "an instrument's clock stops"}, "clock_stop", Aim::clock, nullptr},
    {{"F37", "the controller is killed", Reaction::watchdog}, "kill", Aim::host, nullptr, no_controller, true},
    {{"F39", "the disk is full"}, "disk_full", Aim::host, nullptr, 0, true},
    {{"F40", "the record cannot be written"}, "record_fails", Aim::record, nullptr, 0, true},
    {{"F41", "the wall clock jumps"}, "wall_clock_step", Aim::host, clock_step, 0, true},
    {{"F42", "the controller is suspended", Reaction::awakening}, "suspend", Aim::host, suspension, no_controller, true},
    {{"F43", "a second controller asks for the bench"}, "second_controller", Aim::host, nullptr, 0, true},
    {{"F43b", "a second controller asks nobody"}, "second_controller", Aim::host, forced, 0, true},
    {{"F44", "the controller is late for everything"}, "starve", Aim::host, lateness, takes::cycler_link | takes::logger_link},
    {{"F45", "the cell has an internal short", Reaction::voltage_falls},
     "internal_short",
     Aim::channel_cycler,
     short_ohm,
     takes::cell},
    // What it takes from a rest or a charge is seen at their end, hours later, or not at all (docs/safety.md).
    {{"F46", "a soft short grows"}, "soft_short", Aim::channel_cycler, soft_short, takes::cell},
    {{"F47", "the cell vents", Reaction::warms_fast},
     "venting",
     Aim::channel_cycler,
     venting,
     takes::cell | takes::cool_cell,
     true},
    {{"F48", "the cell's circuit opens", Reaction::circuit_opens}, "open_circuit", Aim::channel_cycler, nullptr, takes::cell},
    {{"F49", "the cell is not the declared one"}, "cell_differs", Aim::channel_cycler, another_cell, takes::cell},
    {{"F49b", "the cell is reversed"}, "reversed_cell", Aim::channel_cycler, nullptr, takes::cell},
};

/// A port, by the name orders use, and which channels lose what with it.
struct Place {
  std::string target;
  std::map<std::string, unsigned> takes;
};

std::vector<std::string> ports_of(Make make) {
  if (make == Make::ea) return {"", ".modbus", ".scpi"};
  return {""};
}

/// Every channel loses the same.
Place shared_place(const Plan& plan, const std::string& instrument, unsigned what) {
  Place place{instrument, {}};
  for (const ChannelPlan& channel : plan.channels) place.takes[channel.name] |= what;
  return place;
}

/// Only a channel whose contactor hangs on the module has to notice that it rebooted.
Place relays_place(const Plan& plan, unsigned what) {
  Place place{plan.relays, {}};
  for (const ChannelPlan& channel : plan.channels) {
    if (channel.has_contactor) place.takes[channel.name] |= what;
  }
  return place;
}

bool speaks_modbus(const std::string& target) {
  return target == "adam" || target == "f4t" || target == "binder" || target == "press" || target == "sniffer" ||
         target.ends_with(".modbus");
}
bool speaks_scpi(const std::string& target) {
  return target == "daq" || target.ends_with(".scpi") || target.starts_with("aps") || target.starts_with("itech");
}

std::vector<Place> wire_places(const Plan& plan) {
  std::vector<Place> places;
  for (const ChannelPlan& channel : plan.channels) {
    for (const std::string& port : ports_of(channel.make))
      places.push_back({channel.cycler + port, {{channel.name, takes::cycler_link}}});
  }
  if (!plan.logger.empty()) places.push_back(shared_place(plan, plan.logger, takes::logger_link));
  if (!plan.relays.empty()) {
    Place relays = shared_place(plan, plan.relays, takes::contactor);
    if (plan.relays == plan.logger)
      places.back() = shared_place(plan, plan.relays, takes::contactor | takes::logger_link);
    else
      places.push_back(relays);
  }
  if (!plan.chamber.empty()) places.push_back(shared_place(plan, plan.chamber, takes::chamber_link));
  for (const std::string& sensor : {plan.press, plan.sniffer}) {
    if (!sensor.empty()) places.push_back({sensor, {}});
  }
  return places;
}

std::vector<Place> places_of(const Recipe& recipe, const Plan& plan) {
  std::vector<Place> places;
  switch (recipe.aim) {
    case Aim::wire:
    case Aim::modbus:
    case Aim::lines:
      for (Place& place : wire_places(plan)) {
        const bool fits =
            recipe.aim == Aim::wire || (recipe.aim == Aim::modbus ? speaks_modbus(place.target) : speaks_scpi(place.target));
        if (!fits) continue;
        for (auto& [channel, what] : place.takes) what |= recipe.takes;
        places.push_back(std::move(place));
      }
      return places;
    case Aim::contacts:
      if (!plan.contacts.empty()) places.push_back(shared_place(plan, plan.contacts, recipe.takes));
      return places;
    case Aim::clock:
      if (plan.logger == "daq") places.push_back(shared_place(plan, plan.logger, recipe.takes));
      return places;
    case Aim::host:
    case Aim::record: return {shared_place(plan, "", recipe.takes)};
    case Aim::channel_cycler:
      for (const ChannelPlan& channel : plan.channels) places.push_back({channel.name, {{channel.name, recipe.takes}}});
      return places;
    case Aim::cycler:
      for (const ChannelPlan& channel : plan.channels) places.push_back({channel.cycler, {{channel.name, recipe.takes}}});
      return places;
    case Aim::logger:
      if (!plan.logger.empty()) places.push_back(shared_place(plan, plan.logger, recipe.takes));
      return places;
    case Aim::relays:
      if (!plan.relays.empty()) places.push_back(relays_place(plan, recipe.takes));
      return places;
    case Aim::chamber:
      if (!plan.chamber.empty()) places.push_back(shared_place(plan, "oven", recipe.takes));
      return places;
    case Aim::channel:
      for (const ChannelPlan& channel : plan.channels) {
        const bool exists = recipe.kind == "contactor_welded" ? channel.has_contactor : !plan.logger.empty();
        if (exists) places.push_back({channel.name, {{channel.name, recipe.takes}}});
      }
      return places;
  }
  return places;
}

bool is_wire(Aim aim) { return aim == Aim::wire || aim == Aim::modbus || aim == Aim::lines; }

std::string upper(std::string_view word) {
  std::string all{word};
  for (char& c : all) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return all;
}

const std::vector<Recipe>& recipes() {
  static const std::vector<Recipe> known = [] {
    const std::vector<std::string> words = sim::fault_names();
    std::vector<Recipe> list;
    for (const Recipe& recipe : all_recipes) {
      const bool is_known = recipe.aim == Aim::record || std::find(words.begin(), words.end(), recipe.kind) != words.end();
      if (is_known) list.push_back(recipe);
    }
    return list;
  }();
  return known;
}

const Recipe* recipe_of(std::string_view name) {
  const auto found =
      std::find_if(recipes().begin(), recipes().end(), [&](const Recipe& r) { return upper(r.entry.name) == upper(name); });
  return found == recipes().end() ? nullptr : &*found;
}

}  // namespace

std::span<const MenuEntry> fault_menu() {
  static const std::vector<MenuEntry> entries = [] {
    std::vector<MenuEntry> list;
    for (const Recipe& recipe : recipes()) list.push_back(recipe.entry);
    return list;
  }();
  return entries;
}

const MenuEntry* menu_entry(std::string_view name) {
  const Recipe* const recipe = recipe_of(name);
  return recipe == nullptr ? nullptr : &recipe->entry;
}

std::optional<DrawnFault> draw_fault(std::string_view name, const Plan& plan, sim::Random& random) {
  const Recipe* const recipe = recipe_of(name);
  if (recipe == nullptr) return std::nullopt;
  const std::vector<Place> places = places_of(*recipe, plan);
  const std::uint64_t which = random.below(1000);
  const double lasts_s = std::round(decades(random, 0.2, 3600.0) * 1000.0) / 1000.0;
  const std::string keys = recipe->keys == nullptr ? std::string{} : recipe->keys(random);
  if (places.empty()) return std::nullopt;
  const Place& place = places[which % places.size()];
  std::map<std::string, unsigned> taken = place.takes;
  if (recipe->kind == "garble" || recipe->kind == "noise" ||
      recipe->kind == "collision") {  // nothing on these links notices a flipped digit: TCP's own checksum would have
    for (auto& [channel, what] : taken) {
      if ((what & takes::cycler_link) != 0) what |= takes::cycler_truth;
      if ((what & takes::logger_link) != 0) what |= takes::logger_truth;
    }
  }
  DrawnFault fault{.name = std::string(recipe->entry.name), .lasts = from_seconds(lasts_s), .takes = std::move(taken)};
  // The EA is measured over Modbus; relays are spoken to when something is switched.
  const bool is_spare =
      place.target.ends_with(".scpi") || (is_wire(recipe->aim) && place.target == plan.relays && plan.relays != plan.logger);
  // An ITECH tells nobody that its panel took it back: the next command finds out.
  const bool is_hidden = recipe->kind == "local" && place.target.starts_with("itech");
  fault.sits_in_use = !is_spare && !is_hidden;
  fault.ends_by_itself = recipe->ends_by_itself;
  if (recipe->kind == "suspend") fault.gap = from_seconds(std::stod(keys.substr(keys.find('=') + 1)));
  const std::string_view whose = recipe->aim == Aim::record ? record_orders : "";
  std::string order = std::string(whose) + std::string(recipe->kind) + " " + place.target + keys;
  if (is_wire(recipe->aim) && !recipe->ends_by_itself) order += fmt::format(" for_s={:g}", lasts_s);
  fault.orders.push_back(order);
  if (recipe->closes) fault.orders.push_back("close " + place.target);
  if (!is_wire(recipe->aim) && !recipe->ends_by_itself)
    fault.ends.push_back(std::string(recipe->kind) + " " + place.target + " on=false");
  return fault;
}

}  // namespace cellrig::swarm
