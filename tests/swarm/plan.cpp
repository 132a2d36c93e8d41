#include "tests/swarm/plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tests/swarm/fault_menu.hpp"

namespace cellrig::swarm {
namespace {

using namespace std::chrono_literals;

constexpr Duration reaction_period = 100ms;    ///< at which reaction times are promised
constexpr Duration default_period = 1s;        ///< of virtual time
constexpr Duration sensor_period_max = 500ms;  ///< where reaction times are promised, as on a real bench
constexpr int fault_draws_max = 3;

/// A stream of its own for every question: another answer to one of them shifts no other.
class Draw {
 public:
  explicit Draw(std::uint64_t seed) : seed_{seed} {}
  [[nodiscard]] sim::Random stream(std::string_view name) const { return sim::Random{sim::seed_for(seed_, name)}; }
  [[nodiscard]] std::uint64_t below(std::string_view name, std::uint64_t bound) const { return stream(name).below(bound); }
  [[nodiscard]] bool chance(std::string_view name, double probability) const { return stream(name).uniform() < probability; }
  [[nodiscard]] double between(std::string_view name, double low, double high) const {
    return low + (high - low) * stream(name).uniform();
  }
  [[nodiscard]] std::string number(std::string_view name, double low, double high) const {
    return fmt::format("{:.3f}", between(name, low, high));
  }

 private:
  std::uint64_t seed_;
};

struct MakeTraits {
  std::string_view word, instrument, model, addresses;
};

constexpr std::array<MakeTraits, 3> makes{{
    {"ea", "psb", "ea-psb-10060-60", "modbus: \"192.0.2.{0}:502\", scpi: \"192.0.2.{0}:5025\""},
    {"n6900", "aps", "keysight-n6974a", "scpi: \"192.0.2.{0}:5025\""},
    {"itech", "itech", "itech-it-m3432", "scpi: \"192.0.2.{0}:30000\""},
}};

const MakeTraits& traits(Make make) { return makes[static_cast<std::size_t>(make)]; }

constexpr std::array<std::string_view, 3> family_names{"fast-charge", "cold-weather", "cycle-life"};

// ---- profiles

/// The library's profiles, shortened by their own parameters to a few hours.
void draw_library_profile(const Draw& draw, Family family, ChannelPlan& channel) {
  const std::string& n = channel.name;
  auto& set = channel.settings;
  switch (family) {
    case Family::fast_charge:
      channel.profile = "fast-charge-window";
      set["reference_cycles"] = "1";
      set["reference_rate_C"] = draw.number("reference" + n, 0.5, 1.0);
      set["charge_rate_C"] = draw.number("charge" + n, 1.0, 2.0);
      set["soc_low_pct"] = draw.number("low" + n, 5, 20);
      set["soc_high_pct"] = draw.number("high" + n, 60, 90);
      set["charge_time_max_min"] = "60";
      set["rest_min"] = draw.number("rest" + n, 1, 10);
      set["window_rest_min"] = draw.number("window" + n, 1, 10);
      return;
    case Family::cold_weather:
      channel.profile = "cold-discharge";
      set["cold_temperature_degC"] = draw.number("cold" + n, -20, 5);
      set["soak_min"] = draw.number("soak" + n, 1, 20);
      set["charge_rate_C"] = draw.number("charge" + n, 0.5, 1.0);
      set["discharge_rate_C"] = draw.number("discharge" + n, 0.33, 1.0);
      set["rest_min"] = draw.number("rest" + n, 1, 10);
      return;
    case Family::cycle_life:
      channel.profile = "cycle-life";
      set["cycles_per_block"] = std::to_string(1 + draw.below("cycles" + n, 2));
      set["blocks_max"] = "1";
      set["charge_rate_C"] = draw.number("charge" + n, 0.7, 1.5);
      set["discharge_rate_C"] = draw.number("discharge" + n, 0.7, 2.0);
      set["cutoff_rate_C"] = draw.number("cutoff" + n, 0.05, 0.2);
      set["reference_rate_C"] = draw.number("reference" + n, 0.5, 1.0);
      set["rest_min"] = draw.number("rest" + n, 1, 5);
      return;
  }
}

/// The same families on a bench without a chamber: no soak, the cell is at the temperature of the room.
std::string room_profile(const Draw& draw, Family family, const std::string& n) {
  const std::string rate = draw.number("charge" + n, 0.7, family == Family::fast_charge ? 2.0 : 1.5);
  const std::string out = draw.number("discharge" + n, 0.7, 2.0);
  const std::string rest = draw.number("rest" + n, 1, 5);
  if (family == Family::fast_charge) {
    return fmt::format(
        "profile: Fast charge at room temperature\nformat: 1\nrecord: {{every_s: 10}}\nsteps:\n"
        "  - cc_discharge: {{rate_C: 1, until: voltage_V <= cell.voltage_min_V, at_most_h: 3, sets_soc_pct: 0, measure: "
        "reference}}\n"
        "  - rest: {{for_min: {0}}}\n"
        "  - cycles:\n      times: {3}\n      steps:\n"
        "        - cccv_charge: {{rate_C: {1}, voltage_V: cell.voltage_max_V, until: soc_pct >= 80, at_most_h: 6, "
        "record_every_s: 1}}\n"
        "        - rest: {{for_min: {0}}}\n"
        "        - cc_discharge: {{rate_C: {2}, until: voltage_V <= cell.voltage_min_V, at_most_h: 3, sets_soc_pct: 0}}\n"
        "        - rest: {{for_min: {0}}}\n",
        rest, rate, out, 1 + draw.below("cycles" + n, 2));
  }
  return fmt::format(
      "profile: Cycles at room temperature\nformat: 1\nrecord: {{every_s: 60}}\nsteps:\n"
      "  - cycles:\n      times: {3}\n      steps:\n"
      "        - cccv_charge: {{rate_C: {1}, voltage_V: cell.voltage_max_V, until: rate_C <= 1/10 for 5 s, at_most_h: 6}}\n"
      "        - rest: {{for_min: {0}}}\n"
      "        - cc_discharge: {{rate_C: {2}, until: voltage_V <= cell.voltage_min_V, at_most_h: 3}}\n"
      "        - rest: {{for_min: {0}}}\n",
      rest, rate, out, 1 + draw.below("cycles" + n, 3));
}

// ---- benches

void draw_channels(const Draw& draw, const PlanOptions& options, Plan& plan) {
  const bool is_alone = plan.family == Family::cold_weather || draw.chance("alone", 0.5);
  for (int i = 1; i <= (is_alone ? 1 : 2); ++i) {
    ChannelPlan channel;
    channel.name = "ch" + std::to_string(i);
    channel.make = static_cast<Make>(draw.below("make" + channel.name, makes.size()));
    if (options.make && i == 1) channel.make = *options.make;
    channel.cycler = std::string(traits(channel.make).instrument) + std::to_string(i);
    channel.has_contactor = !plan.relays.empty() && draw.chance("contactor" + channel.name, 0.7);
    if (plan.chamber.empty()) {
      channel.profile = room_profile(draw, plan.family, channel.name);
    } else {
      draw_library_profile(draw, plan.family, channel);
    }
    plan.channels.push_back(channel);
  }
}

/// What the cells are like when somebody connects them: never outside the window of the cell file, that is a fault.
std::string cell_text(const Draw& draw, const std::string& channel) {
  return fmt::format("    {}: {{file: lg-m50, soc_pct: {}, capacity_fraction: {}, resistance_factor: {}}}\n", channel,
                     draw.number("soc" + channel, 5, 95), draw.number("capacity" + channel, 0.85, 1.0),
                     draw.number("resistance" + channel, 1.0, 1.5));
}

std::string bench_text(const Draw& draw, const Plan& plan) {
  std::string text = "bench: swarm\ninstruments:\n";
  int host = 10;
  for (const ChannelPlan& channel : plan.channels) {
    text += fmt::format("  {}: {{model: {}, {}}}\n", channel.cycler, traits(channel.make).model,
                        fmt::format(fmt::runtime(traits(channel.make).addresses), host++));
  }
  if (plan.logger == "adam" || plan.relays == "adam") text += "  adam: {model: adam-6018, modbus: \"192.0.2.3:502\"}\n";
  if (plan.logger == "daq") text += "  daq: {model: keysight-daq970a, scpi: \"192.0.2.4:5025\"}\n";
  if (!plan.contacts.empty()) text += fmt::format("  {}: {{model: adam-6060, modbus: \"192.0.2.5:502\"}}\n", plan.contacts);
  if (!plan.chamber.empty())
    text += "  f4t: {model: watlow-f4t, modbus: \"192.0.2.2:502\"}\nchambers:\n  oven: {instrument: f4t}\n";
  text += "channels:\n";
  const bool has_air = !plan.logger.empty() && draw.chance("air", 0.5);
  int input = 0;
  int output = 0;
  for (const ChannelPlan& channel : plan.channels) {
    text += fmt::format("  {}:\n    cycler: {}\n", channel.name, channel.cycler);
    if (!plan.logger.empty()) text += fmt::format("    cell_temperature: {{logger: {}, input: {}}}\n", plan.logger, input++);
    if (has_air) text += fmt::format("    ambient_temperature: {{logger: {}, input: 5}}\n", plan.logger);
    if (channel.has_contactor) text += fmt::format("    contactor: {{relays: adam, output: {}}}\n", output++);
    if (!plan.contacts.empty()) text += fmt::format("    interlock: {{inputs: {}, input: 0}}\n", plan.contacts);
    if (!plan.chamber.empty()) text += "    chamber: oven\n";
  }
  text += "simulation:\n  cells:\n";
  for (const ChannelPlan& channel : plan.channels) text += cell_text(draw, channel.name);
  return text + fmt::format("  room_temperature_degC: {}\n  latency: {}\n", draw.number("room", 18, 28),
                            plan.latency_is_modelled ? "modelled" : "none");
}

void draw_bench(const Draw& draw, const PlanOptions& options, Plan& plan) {
  const bool has_chamber = plan.family == Family::cold_weather || draw.chance("chamber", 0.6);
  if (has_chamber) plan.chamber = "f4t";
  const std::uint64_t logger = draw.below("logger", has_chamber ? 2 : 3);  // a chamber is for cells that somebody looks at
  plan.logger = logger == 0 ? "adam" : logger == 1 ? "daq" : "";
  if (draw.chance("relays", 0.6)) plan.relays = "adam";
  if (draw.chance("contacts", 0.3)) plan.contacts = "doors";
  plan.latency_is_modelled = draw.chance("latency", 0.8);
  draw_channels(draw, options, plan);
  plan.bench = bench_text(draw, plan);
}

// ---- faults

/// One in eight in the first seconds, where the bench is looked over and armed; the others anywhere in a run of some hours.
Duration draw_instant(sim::Random& random) {
  const bool is_early = random.below(8) == 0;
  const double at_s = is_early ? 8.0 * random.uniform() : 9000.0 * random.uniform();
  return from_seconds(std::round(at_s * 1000.0) / 1000.0);
}

/// At every instant some way to OFF must be left to each channel: its own OFF over the link, the contactor, or the watchdog.
/// Without any, current flows whatever a controller does.
bool leaves_a_way_to_off(const Plan& plan) {
  for (const ChannelPlan& channel : plan.channels) {
    unsigned taken = channel.has_contactor ? 0 : takes::contactor;
    for (const DrawnFault& fault : plan.faults) {
      const auto mine = fault.takes.find(channel.name);
      if (mine != fault.takes.end()) taken |= mine->second;
    }
    const bool has_own = (taken & (takes::cycler_link | takes::cycler_obeys)) == 0;
    if (!has_own && (taken & takes::contactor) != 0 && (taken & takes::watchdog) != 0) return false;
  }
  return true;
}

void draw_faults(const Draw& draw, const PlanOptions& options, Plan& plan) {
  sim::Random random = draw.stream("faults");
  const bool is_single = !options.fault.empty();
  const std::uint64_t share = random.below(100);
  const int count = is_single ? 1 : share < 8 ? 0 : share < 55 ? 1 : share < 82 ? 2 : fault_draws_max;
  for (int i = 0; i < count; ++i) {
    const auto menu = fault_menu();
    const std::string name = is_single ? options.fault : std::string(menu[random.below(menu.size())].name);
    const Duration at = draw_instant(random);
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

}  // namespace

std::string_view to_string(Family family) { return family_names[static_cast<std::size_t>(family)]; }
std::string_view to_string(Make make) { return traits(make).word; }

const std::vector<std::string>& family_words() {
  static const std::vector<std::string> words(family_names.begin(), family_names.end());
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
  // Fast charges are short, and the fastest in coming to harm: they run at the period of the promise. One in four of the others too.
  const bool is_fast = plan.family == Family::fast_charge || draw.chance("period", 0.25);
  plan.control_period = options.control_period.value_or(is_fast ? reaction_period : default_period);
  plan.sensor_period = plan.control_period < default_period ? sensor_period_max : plan.control_period;
  draw_bench(draw, options, plan);
  draw_faults(draw, options, plan);
  return plan;
}

std::string describe(const Plan& plan) {
  std::string text =
      fmt::format("seed {}: {}, {} channel{}, period {} ms, latency {}, chamber {}, logger {}, relays {}\n", plan.seed,
                  to_string(plan.family), plan.channels.size(), plan.channels.size() == 1 ? "" : "s", plan.control_period / 1ms,
                  plan.latency_is_modelled ? "modelled" : "none", plan.chamber.empty() ? "none" : "yes",
                  plan.logger.empty() ? "none" : plan.logger, plan.relays.empty() ? "none" : plan.relays);
  for (const ChannelPlan& channel : plan.channels) {
    text += fmt::format("  {}: {}{}, {}\n", channel.name, channel.cycler, channel.has_contactor ? ", contactor" : "",
                        channel.settings.empty() ? "profile without a chamber" : channel.profile);
  }
  for (const DrawnFault& fault : plan.faults) {
    text += fmt::format("  at {:.3f} s {}", to_seconds(fault.at), fault.name);
    for (const std::string& order : fault.orders) text += ": " + order;
    text += fault.ends.empty() ? "\n" : fmt::format(", until {:.3f} s\n", to_seconds(fault.at + fault.lasts));
  }
  if (!plan.network.empty()) text += "  from the start: " + plan.network + "\n";
  return text;
}

}  // namespace cellrig::swarm
