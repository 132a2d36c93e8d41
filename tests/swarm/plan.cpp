#include "tests/swarm/plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "tests/swarm/draw.hpp"
#include "tests/swarm/fault_menu.hpp"
#include "tests/swarm/plan_profiles.hpp"

namespace cellrig::swarm {
namespace {

using namespace std::chrono_literals;

constexpr Duration reaction_period = 100ms;    ///< at which reaction times are promised
constexpr Duration default_period = 1s;        ///< of virtual time
constexpr Duration sensor_period_max = 500ms;  ///< where reaction times are promised, as on a real bench
constexpr Duration usual_watchdog = 5s;
constexpr std::array<int, 3> long_watchdogs_s{10, 20, 30};
constexpr std::array<int, 2> usual_sensor_periods_s{1, 5};  ///< as the control period, or five of them as on a real bench
constexpr std::array<int, 4> long_sensor_periods_s{5, 10, 10, 10};
constexpr std::uint64_t fault_draws_max = 3;
constexpr std::uint64_t long_fault_draws_max = 6;
constexpr double fault_horizon_s = 9000;        ///< some hours
constexpr double short_fault_horizon_s = 3600;  ///< at the period of the promise, where an hour costs ten
constexpr double long_fault_horizon_s = 100'000;
constexpr std::uint64_t more_channels_max = 3;  ///< than two, and one less than this, on a bench of days
constexpr Duration quiet_until_stopped = 5min;
constexpr Duration long_enough_in_force = 20min;  ///< no reaction is later: what lasts longer is still there when a person stops
constexpr Duration memory_of_faults = 1min;       ///< two that are so near to each other are there at once

struct MakeTraits {
  std::string_view word, instrument, model, addresses;
  double noise_V;                      ///< as the simulator draws it from what the maker promises
  std::optional<int> alike_by_chance;  ///< readings in a row; nothing: half a digit of noise is too little to rely on
};

constexpr std::array<MakeTraits, 3> makes{{
    {"ea", "psb", "ea-psb-10060-60", "modbus: \"192.0.2.{0}:502\", scpi: \"192.0.2.{0}:5025\"", 0.0012, 65},
    {"n6900", "aps", "keysight-n6974a", "scpi: \"192.0.2.{0}:5025\"", 0.0004, 35},
    {"itech", "itech", "itech-it-m3432", "scpi: \"192.0.2.{0}:30000\"", 0.0005, std::nullopt},
}};

struct ChamberTraits {
  std::string_view instrument, model, address;
};

constexpr std::array<ChamberTraits, 3> chambers{{
    {"f4t", "watlow-f4t", "modbus: \"192.0.2.2:502\""},
    {"binder", "binder-mb1", "modbus: \"192.0.2.8:502\""},
    {"espec", "espec-sh-641", "ascii: \"192.0.2.9:10001\""},
}};

const MakeTraits& traits(Make make) { return makes[static_cast<std::size_t>(make)]; }

constexpr std::array<std::string_view, 4> family_names{"fast-charge", "cold-weather", "cycle-life", "courses"};
constexpr std::array<std::string_view, 3> pace_names{"promise", "usual", "long"};

// ---- benches

void draw_channels(const Draw& draw, const PlanOptions& options, Plan& plan) {
  const bool is_alone = plan.family == Family::cold_weather || !plan.press.empty() || draw.chance("alone", 0.5);
  const std::uint64_t more = plan.pace == Pace::long_work ? draw.below("more", more_channels_max) : 0;
  const int count = is_alone ? 1 : 2 + static_cast<int>(more);
  for (int i = 1; i <= count; ++i) {
    ChannelPlan channel;
    channel.name = "ch" + std::to_string(i);
    channel.make = static_cast<Make>(draw.below("make" + channel.name, makes.size()));
    if (!plan.press.empty()) channel.make = Make::ea;  // the others do not carry what this cell takes
    if (options.make && i == 1) channel.make = *options.make;
    channel.cycler = std::string(traits(channel.make).instrument) + std::to_string(i);
    channel.has_contactor = !plan.relays.empty() && draw.chance("contactor" + channel.name, 0.7);
    draw_profile(draw, plan, channel);
    // Two that want different temperatures take turns: hours, not days.
    const bool takes_turns = !is_alone && plan.pace != Pace::long_work && !channel.settings.empty();
    if (takes_turns && draw.chance("temperatures", 0.5)) channel.settings["temperature_degC"] = i == 1 ? "25" : "30";
    plan.channels.push_back(channel);
  }
}

/// What the cells are like when somebody connects them: never outside the window of the cell file, that is a fault.
std::string cell_text(const Draw& draw, const Plan& plan, const std::string& channel) {
  return fmt::format("    {}: {{file: {}, soc_pct: {}, capacity_fraction: {}, resistance_factor: {}{}}}\n", channel, plan.cell,
                     draw.number("soc" + channel, 5, 95), draw.number("capacity" + channel, 0.85, 1.0),
                     draw.number("resistance" + channel, 1.0, 1.5),
                     plan.press.empty() ? "" : ", fixture: plates, stack: {mode: constant_pressure, pressure_MPa: 5}");
}

/// What is fixed to a cell beside its thermocouple, and the limits of that.
std::string sensors_text(const Plan& plan, bool is_first) {
  std::string text, limits;
  if (!plan.press.empty()) {
    text += fmt::format("    stack_force: {{logger: {}, input: 0, area_cm2: 200}}\n", plan.press);
    limits = "stack_pressure_min_MPa: 1, stack_pressure_max_MPa: 9, stack_pressure_for_s: 2";
  }
  if (!plan.sniffer.empty() && is_first) {
    text += fmt::format("    gas: {{logger: {}, input: 0}}\n", plan.sniffer);
    limits += fmt::format("{}gas_max_ppm: {:g}, gas_for_s: {:g}", limits.empty() ? "" : ", ", gas_max_ppm, to_seconds(gas_hold));
  }
  return limits.empty() ? text : text + "    limits: {" + limits + "}\n";
}

/// The last digits of every reading move, as those of real instruments do.
std::string noise_text(const Plan& plan) {
  std::string text = "  measurement:\n";
  for (const ChannelPlan& channel : plan.channels)
    text +=
        fmt::format("    {}: {{voltage_noise_V: {:g}, current_noise_A: 0.001}}\n", channel.cycler, traits(channel.make).noise_V);
  if (plan.logger == "adam" || plan.relays == "adam") text += "    adam: {temperature_noise_K: 0.03}\n";
  if (plan.logger == "daq") text += "    daq: {temperature_noise_K: 0.02}\n";
  return text;
}

std::string bench_text(const Draw& draw, const Plan& plan) {
  std::string text = fmt::format("bench: swarm\nwatchdog_s: {:g}\ninstruments:\n", to_seconds(plan.watchdog_delay));
  int host = 10;
  for (const ChannelPlan& channel : plan.channels) {
    text += fmt::format("  {}: {{model: {}, {}}}\n", channel.cycler, traits(channel.make).model,
                        fmt::format(fmt::runtime(traits(channel.make).addresses), host++));
  }
  if (plan.logger == "adam" || plan.relays == "adam") text += "  adam: {model: adam-6018, modbus: \"192.0.2.3:502\"}\n";
  if (plan.logger == "daq") text += "  daq: {model: keysight-daq970a, scpi: \"192.0.2.4:5025\"}\n";
  if (!plan.contacts.empty()) text += fmt::format("  {}: {{model: adam-6060, modbus: \"192.0.2.5:502\"}}\n", plan.contacts);
  if (!plan.press.empty()) text += fmt::format("  {}: {{model: loadcell-aje, modbus: \"192.0.2.6:502\"}}\n", plan.press);
  if (!plan.sniffer.empty()) text += fmt::format("  {}: {{model: gas-jxbs-3001-co, modbus: \"192.0.2.7:502\"}}\n", plan.sniffer);
  for (const ChamberTraits& chamber : chambers) {
    if (plan.chamber != chamber.instrument) continue;
    text += fmt::format("  {0}: {{model: {1}, {2}}}\nchambers:\n  oven: {{instrument: {0}}}\n", chamber.instrument, chamber.model,
                        chamber.address);
  }
  text += "channels:\n";
  const bool has_air = !plan.logger.empty() && draw.chance("air", 0.5);
  int input = 0;
  int output = 0;
  for (const ChannelPlan& channel : plan.channels) {
    text += fmt::format("  {}:\n    cycler: {}\n", channel.name, channel.cycler);
    if (!plan.logger.empty()) text += fmt::format("    cell_temperature: {{logger: {}, input: {}}}\n", plan.logger, input++);
    if (has_air) text += fmt::format("    ambient_temperature: {{logger: {}, input: 5}}\n", plan.logger);
    if (channel.has_contactor) text += fmt::format("    contactor: {{relays: adam, output: {}}}\n", output++);
    text += sensors_text(plan, &channel == &plan.channels.front());
    if (!plan.contacts.empty()) text += fmt::format("    interlock: {{inputs: {}, input: 0}}\n", plan.contacts);
    if (!plan.chamber.empty()) text += "    chamber: oven\n";
  }
  text += "simulation:\n  cells:\n";
  for (const ChannelPlan& channel : plan.channels) text += cell_text(draw, plan, channel.name);
  text += fmt::format("  room_temperature_degC: {}\n  latency: {}\n", draw.number("room", 18, 28),
                      plan.latency_is_modelled ? "modelled" : "none");
  return text + noise_text(plan);
}

void draw_bench(const Draw& draw, const PlanOptions& options, Plan& plan) {
  const bool has_chamber = plan.family == Family::cold_weather || draw.chance("chamber", 0.6);
  if (has_chamber) plan.chamber = chambers[draw.below("make of chamber", chambers.size())].instrument;
  const std::uint64_t logger = draw.below("logger", has_chamber ? 2 : 3);  // a chamber is for cells that somebody looks at
  plan.logger = logger == 0 ? "adam" : logger == 1 ? "daq" : "";
  if (draw.chance("relays", 0.6)) plan.relays = "adam";
  // Contacts are read twice a second at any pace: most benches of days have none.
  if (draw.chance("contacts", plan.pace == Pace::long_work ? 0.1 : 0.3)) plan.contacts = "doors";
  if (plan.family == Family::courses && !plan.logger.empty() && draw.chance("press", 0.25)) {
    plan.press = "press";
    plan.cell = "sulfide-20";
  }
  // It is read at the pace of the other sensors.
  if (!plan.logger.empty() && draw.chance("sniffer", plan.pace == Pace::long_work ? 0.1 : 0.3)) plan.sniffer = "sniffer";
  plan.latency_is_modelled = draw.chance("latency", 0.8);
  draw_channels(draw, options, plan);
  plan.bench = bench_text(draw, plan);
}

// ---- faults

/// One in eight in the first seconds, where the bench is looked over and armed; the others anywhere in a run.
Duration draw_instant(sim::Random& random, double horizon_s) {
  const bool is_early = random.below(8) == 0;
  const double at_s = (is_early ? 8.0 : horizon_s) * random.uniform();
  return from_seconds(std::round(at_s * 1000.0) / 1000.0);
}

bool is_there_at(const DrawnFault& fault, TimePoint now) {
  const TimePoint begin{fault.at};
  return now >= begin && (fault.ends_by_itself || now <= begin + fault.lasts + memory_of_faults);
}

/// What is taken from this channel by all faults that are there when this one begins.
unsigned taken_when_it_begins(const Plan& plan, const ChannelPlan& channel, const DrawnFault& latest) {
  unsigned taken = channel.has_contactor ? 0 : takes::contactor;
  for (const DrawnFault& fault : plan.faults) {
    const auto mine = fault.takes.find(channel.name);
    if (mine != fault.takes.end() && is_there_at(fault, TimePoint{latest.at})) taken |= mine->second;
  }
  return taken;
}

/// At every instant some way to OFF must be left to each channel: its own OFF over the link, the contactor, or the watchdog.
/// Without any, current flows whatever a controller does.
bool leaves_a_way_to_off(const Plan& plan) {
  for (const ChannelPlan& channel : plan.channels) {
    for (const DrawnFault& latest : plan.faults) {
      const unsigned taken = taken_when_it_begins(plan, channel, latest);
      const bool has_own = (taken & (takes::cycler_link | takes::cycler_obeys)) == 0;
      if (!has_own && (taken & takes::contactor) != 0 && (taken & takes::watchdog) != 0) return false;
    }
  }
  return true;
}

double horizon_of(const PlanOptions& options, const Plan& plan) {
  if (plan.pace == Pace::long_work) return long_fault_horizon_s;
  return plan.pace == Pace::promise || !options.fault.empty() ? short_fault_horizon_s : fault_horizon_s;
}

std::uint64_t fault_count(const PlanOptions& options, const Plan& plan, sim::Random& random) {
  const std::uint64_t share = random.below(100);
  if (!options.fault.empty()) return 1;
  if (share < 8) return 0;
  if (plan.pace == Pace::long_work) return 1 + random.below(long_fault_draws_max);
  return share < 55 ? 1 : share < 82 ? 2 : fault_draws_max;
}

void draw_faults(const Draw& draw, const PlanOptions& options, Plan& plan) {
  const bool is_single = !options.fault.empty();
  // Each fault of the matrix has an instant of its own: one for all of them could be one at which nothing flows.
  sim::Random random = draw.stream(is_single ? "faults, of them " + options.fault : "faults");
  const std::uint64_t count = fault_count(options, plan, random);
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto menu = fault_menu();
    const std::string name = is_single ? options.fault : std::string(menu[random.below(menu.size())].name);
    const Duration at = draw_instant(random, horizon_of(options, plan));
    std::optional<DrawnFault> fault = draw_fault(name, plan, random);
    if (!fault) continue;
    fault->at = at;
    plan.faults.push_back(*fault);
    if (!leaves_a_way_to_off(plan)) plan.faults.pop_back();
  }
  std::stable_sort(plan.faults.begin(), plan.faults.end(), [](const DrawnFault& a, const DrawnFault& b) { return a.at < b.at; });
  if (is_single || random.below(10) >= 3) return;
  plan.network =
      fmt::format("random seed={} rate={:.6f}", random.below(1'000'000), 1e-5 * std::pow(10.0, 3.0 * random.uniform()));
}

/// What goes on after its faults says the same at a tenth of the cost in the slower runs: of eight, one goes on to its end.
void draw_stop(const Draw& draw, const PlanOptions& options, Plan& plan) {
  const bool is_single = !options.fault.empty();
  if (!is_single && (plan.pace != Pace::promise || draw.chance("to the end", 0.125))) return;
  // Whether OFF is refused shows when somebody asks for it.
  const bool is_asked_early = is_single && !plan.faults.empty() && menu_entry(options.fault)->reaction == Reaction::off_refused;
  if (is_asked_early) {
    plan.stop_at = plan.faults.front().at + std::min<Duration>(plan.faults.front().lasts / 2, quiet_until_stopped);
    return;
  }
  Duration last = plan.faults.empty() ? long_enough_in_force : Duration{};
  for (const DrawnFault& fault : plan.faults)
    last = std::max<Duration>(last, fault.at + std::min(fault.lasts, long_enough_in_force));
  plan.stop_at = last + quiet_until_stopped;
}

// ---- how closely it is looked at

/// One run in eight is at the period of the promise, most of them fast charges, the fastest in coming to harm; three in five last for days. A
/// fault of its own is asked for its reaction: fast charges, and one in four of the others, at the period of the promise.
Pace draw_pace(const Draw& draw, const PlanOptions& options, const Plan& plan) {
  if (options.pace) return *options.pace;
  if (options.control_period) return *options.control_period < default_period ? Pace::promise : Pace::usual;
  const bool is_fast = plan.family == Family::fast_charge;
  const double share = draw.between("pace", 0, 1);
  if (!options.fault.empty()) return is_fast || share < 0.25 ? Pace::promise : Pace::usual;
  if (share < (is_fast ? 0.23 : 0.08)) return Pace::promise;
  return share < 0.4 ? Pace::usual : Pace::long_work;
}

/// Half the watchdog's delay is the longest period that a bench accepts.
void draw_periods(const Draw& draw, const PlanOptions& options, Plan& plan) {
  plan.watchdog_delay = usual_watchdog;
  switch (plan.pace) {
    case Pace::promise: plan.control_period = reaction_period; break;
    case Pace::usual: plan.control_period = default_period; break;
    case Pace::long_work:
      plan.watchdog_delay = std::chrono::seconds{long_watchdogs_s[draw.below("watchdog", long_watchdogs_s.size())]};
      plan.control_period = std::chrono::seconds{3 + draw.below("slow", 3)};
      break;
  }
  if (options.control_period) plan.control_period = *options.control_period;
  plan.sensor_period = plan.control_period < default_period ? sensor_period_max : plan.control_period;
  const std::uint64_t choice = draw.below("slow sensors", 4);
  if (plan.pace == Pace::long_work) plan.sensor_period = std::chrono::seconds{long_sensor_periods_s[choice]};
  const bool is_usual = plan.pace == Pace::usual && options.fault.empty() && !options.control_period;
  if (is_usual) plan.sensor_period = std::chrono::seconds{usual_sensor_periods_s[choice % 2]};
}

}  // namespace

std::string_view to_string(Family family) { return family_names[static_cast<std::size_t>(family)]; }
std::string_view to_string(Pace pace) { return pace_names[static_cast<std::size_t>(pace)]; }
std::string_view to_string(Make make) { return traits(make).word; }
std::optional<int> alike_by_chance(Make make) { return traits(make).alike_by_chance; }

const std::vector<std::string>& family_words() {
  static const std::vector<std::string> words(family_names.begin(), family_names.end());
  return words;
}

const std::vector<std::string>& pace_words() {
  static const std::vector<std::string> words(pace_names.begin(), pace_names.end());
  return words;
}

const std::vector<std::string>& make_words() {
  static const std::vector<std::string> words = [] {
    std::vector<std::string> list;
    for (const MakeTraits& make : makes) list.emplace_back(make.word);
    return list;
  }();
  return words;
}

Plan draw_plan(std::uint64_t seed, const PlanOptions& options) {
  const Draw draw{seed};
  Plan plan;
  plan.seed = seed;
  plan.family = options.family.value_or(static_cast<Family>(draw.below("family", family_names.size())));
  plan.pace = draw_pace(draw, options, plan);
  draw_periods(draw, options, plan);
  draw_bench(draw, options, plan);
  draw_faults(draw, options, plan);
  draw_stop(draw, options, plan);
  return plan;
}

std::string describe(const Plan& plan) {
  std::string text = fmt::format(
      "seed {}: {}, {}, {} channel{}, period {} ms, watchdog {:g} s, latency {}, chamber {}, logger {}, relays {}{}{}\n",
      plan.seed, to_string(plan.family), to_string(plan.pace), plan.channels.size(), plan.channels.size() == 1 ? "" : "s",
      plan.control_period / 1ms, to_seconds(plan.watchdog_delay), plan.latency_is_modelled ? "modelled" : "none",
      plan.chamber.empty() ? "none" : plan.chamber, plan.logger.empty() ? "none" : plan.logger,
      plan.relays.empty() ? "none" : plan.relays, plan.press.empty() ? "" : ", pressed",
      plan.sniffer.empty() ? "" : ", gas sensor");
  for (const ChannelPlan& channel : plan.channels) {
    text += fmt::format("  {}: {}{}, {}\n", channel.name, channel.cycler, channel.has_contactor ? ", contactor" : "",
                        channel.settings.empty() ? "a profile of its own" : channel.profile);
    if (const auto degC = channel.settings.find("temperature_degC"); degC != channel.settings.end())
      text.insert(text.size() - 1, " at " + degC->second + " degC");
  }
  for (const DrawnFault& fault : plan.faults) {
    text += fmt::format("  at {:.3f} s {}", to_seconds(fault.at), fault.name);
    for (const std::string& order : fault.orders) text += ": " + order;
    text += fault.ends.empty() ? "\n" : fmt::format(", until {:.3f} s\n", to_seconds(fault.at + fault.lasts));
  }
  if (plan.stop_at) text += fmt::format("  at {:.3f} s a person stops what is left\n", to_seconds(*plan.stop_at));
  if (!plan.network.empty()) text += "  from the start: " + plan.network + "\n";
  return text;
}

}  // namespace cellrig::swarm
