// What a seed draws: how often wires fail, and which faults of which family come when, where and for how long.
#include <algorithm>
#include <cmath>
#include <string>

#include <fmt/format.h>

#include "controller/base/config_error.hpp"
#include "sim/faults/catalogue.hpp"
#include "sim/random.hpp"

namespace cellrig::sim::faults {
namespace {

constexpr double order_count_max = 10'000.0;
constexpr double lasts_least_s = 0.2;
constexpr int together_max = 3;  ///< so many faults begin at one instant
constexpr int tries_max = 20;    ///< for one order, before it is left out

// ---- wires: a state of the network

WireFault drawn_fault(WireFaultKind kind, double rate, Random& random) {
  WireFault fault;
  fault.kind = kind;
  fault.count.reset();
  fault.rate = rate * std::pow(10.0, -2.0 * random.uniform());  // two decades: rare faults and frequent ones
  fault.delay = from_seconds(0.01 + 2.0 * random.uniform());
  fault.overtaken = random.below(2) == 0;
  fault.bytes = static_cast<std::uint32_t>(1 + random.below(8));
  return fault;
}

/// The seed draws which kinds there are on each port and how often they come, at most `rate` each.
Result<void> draw_rates(const Context& c, std::uint64_t seed, double rate) {
  const std::string target = target_of(c);
  std::vector<Wire*> wires;
  std::vector<std::string> known = c.bench.instrument_names();
  for (const BenchPort& port : c.bench.ports()) {
    known.push_back(port.wire->name());
    if (target.empty() || target == port.instrument || target == port.wire->name()) wires.push_back(port.wire);
  }
  if (wires.empty()) return unknown_target(c, "instrument or port", known);
  if (const Result<void> verdict = c.fields.verdict(); c.ends(verdict)) return verdict;
  for (Wire* const wire : wires) {
    Random random{seed_for(seed, wire->name())};
    for (const WireFaultKind kind : {WireFaultKind::drop, WireFaultKind::delay, WireFaultKind::garble, WireFaultKind::truncate,
                                     WireFaultKind::duplicate, WireFaultKind::close}) {
      const bool is_present = random.below(2) == 0;
      const WireFault fault = drawn_fault(kind, rate, random);
      if (is_present) wire->add_fault(c.now, fault);
    }
  }
  return Result<void>{};
}

// ---- all families: orders with instants

struct Draw {
  std::uint64_t seed = 1;
  double rate = 0.01;
  double over_s = 0.0;
  int count = 0;
  std::vector<const Kind*> kinds;
};

/// Of "wire,cell,suspend": families and kinds. Nothing, and a complaint, for a word that is neither.
std::vector<const Kind*> kinds_meant(const Context& c, std::string_view list) {
  std::vector<std::string> words{"all"};
  words.insert(words.end(), family_names.begin(), family_names.end());
  for (const Kind* kind : all_kinds()) {
    if (kind->is_drawn != Drawn::never) words.emplace_back(kind->name);
  }
  std::vector<const Kind*> meant;
  while (!list.empty()) {
    const std::size_t size = std::min(list.find(','), list.size());
    const std::string_view word = list.substr(0, size);
    list.remove_prefix(std::min(size + 1, list.size()));
    bool is_known = false;
    for (const Kind* kind : all_kinds()) {
      const std::string_view family = family_names[static_cast<std::size_t>(kind->family)];
      const bool is_meant = word == kind->name || (kind->is_drawn == Drawn::always && (word == "all" || word == family));
      if (kind->is_drawn == Drawn::never || !is_meant) continue;
      is_known = true;
      if (std::find(meant.begin(), meant.end(), kind) == meant.end()) meant.push_back(kind);
    }
    if (!is_known) c.fields.complain("random: unknown family or kind '" + std::string(word) + "'" + suggestion(word, words));
  }
  return meant;
}

/// Those of a kind's targets that an order for `wanted` may hit; an instrument stands for its ports.
std::vector<std::string> targets_within(SimulatedBench& bench, const Kind& kind, const std::string& wanted) {
  std::vector<std::string> targets = targets_of(bench, kind);
  if (wanted.empty()) return targets;
  std::erase_if(targets, [&](const std::string& name) { return name != wanted && !name.starts_with(wanted + '.'); });
  return targets;
}

double between(Random& random, double low, double high) { return low * std::pow(high / low, random.uniform()); }

FaultOrder drawn_order(const Draw& draw, const Kind& kind, const std::vector<std::string>& targets, double at_s, Random& random) {
  FaultOrder order;
  order.kind = kind.name;
  if (!targets.empty()) order.fields.emplace_back("target", targets[random.below(targets.size())]);
  order.fields.emplace_back("at_s", fmt::format("{:.6f}", at_s));
  const double lasts_s = between(random, lasts_least_s, std::max(draw.over_s / 4.0, 2.0 * lasts_least_s));
  const bool has_time = kind.is_state && std::find(kind.keys.begin(), kind.keys.end(), "count") == kind.keys.end();
  const double rate = draw.rate * std::pow(10.0, -2.0 * random.uniform());
  if (has_time || kind.family == Family::wire) order.fields.emplace_back("for_s", fmt::format("{:.6f}", lasts_s));
  if (kind.family == Family::wire && !has_time) order.fields.emplace_back("rate", fmt::format("{:.9f}", rate));
  for (const DrawnWord& word : kind.drawn_words) order.fields.emplace_back(word.key, word.words[random.below(word.words.size())]);
  for (const DrawnKey& key : kind.drawn) {
    const double value = between(random, key.low, key.high);
    const bool is_whole = key.key == "bytes" || key.key == "code";
    order.fields.emplace_back(key.key, is_whole ? fmt::format("{:.0f}", std::floor(value)) : fmt::format("{:.6f}", value));
  }
  return order;
}

/// Up to three faults begin together: what one of them hides another may show.
Result<void> draw_orders(const Context& c, const Draw& draw) {
  const std::string wanted = target_of(c);
  std::vector<const Kind*> possible;
  for (const Kind* kind : draw.kinds) {
    const bool needs_host = kind->family == Family::host;
    const bool is_possible =
        needs_host ? wanted.empty() && c.bench.fault_host() != nullptr : !targets_within(c.bench, *kind, wanted).empty();
    if (is_possible) possible.push_back(kind);
  }
  if (possible.empty())
    c.fields.complain("random: none of these kinds can act here" + (wanted.empty() ? "" : " on '" + wanted + "'"));
  if (const Result<void> verdict = c.fields.verdict(); c.ends(verdict)) return verdict;
  Random random{seed_for(draw.seed, "orders")};
  const double begin_s = to_seconds(c.now.time_since_epoch());
  for (int ordered = 0; ordered < draw.count;) {
    const double at_s = begin_s + draw.over_s * random.uniform();
    const int together = std::min(draw.count - ordered, 1 + static_cast<int>(random.below(together_max)));
    for (int i = 0; i < together; ++i, ++ordered) {
      for (int tries = 0; tries < tries_max; ++tries) {
        const Kind& kind = *possible[random.below(possible.size())];
        const FaultOrder drawn = drawn_order(draw, kind, targets_within(c.bench, kind, wanted), at_s, random);
        if (order(c.bench, c.now, drawn)) break;
      }
    }
  }
  return Result<void>{};
}

Result<void> random_faults(const Context& c) {
  Draw draw;
  draw.seed = static_cast<std::uint64_t>(c.fields.number("seed", 1.0, 0.0, 9e15));
  draw.rate = c.fields.number("rate", 0.01, 0.0, 1.0);
  const std::string* const kinds = c.fields.text("kinds");
  if (kinds == nullptr) {
    if (c.fields.has("over_s") || c.fields.has("count")) c.fields.complain("random: 'over_s' and 'count' need 'kinds'");
    return draw_rates(c, draw.seed, draw.rate);
  }
  draw.over_s = c.fields.number("over_s", 600.0, 0.001, seconds_max);
  draw.count = static_cast<int>(c.fields.number("count", 10.0, 1.0, order_count_max));
  draw.kinds = kinds_meant(c, *kinds);
  return draw_orders(c, draw);
}

}  // namespace

const std::vector<Kind>& drawing_kinds() {
  static const std::vector<Kind> all{
      {"random", Family::wire, Aim::port, {"seed", "rate", "kinds", "over_s", "count"}, random_faults, false, Drawn::never},
  };
  return all;
}

}  // namespace cellrig::sim::faults
