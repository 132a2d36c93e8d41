// From the words of an order to its being done, now or later, and to its end.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "controller/base/config_error.hpp"
#include "sim/faults.hpp"
#include "sim/faults/catalogue.hpp"

namespace cellrig::sim {
namespace faults {
namespace {

Result<void> check_names(const FaultOrder& order, const Kind* kind) {
  if (kind == nullptr) return refuse("unknown fault '" + order.kind + "'" + suggestion(order.kind, fault_names()));
  const std::vector<std::string> keys = keys_of(*kind);
  for (const auto& [name, value] : order.fields) {
    if (std::find(keys.begin(), keys.end(), name) != keys.end()) continue;
    return refuse(order.kind + ": unknown field '" + name + "'" + suggestion(name, keys));
  }
  return Result<void>{};
}

/// The order without the words that name another instant.
FaultOrder without(const FaultOrder& order, std::initializer_list<std::string_view> keys) {
  FaultOrder rest = order;
  std::erase_if(rest.fields, [&](const auto& field) { return std::find(keys.begin(), keys.end(), field.first) != keys.end(); });
  return rest;
}

/// A state that ends by itself: the same order with on=false, unless somebody ended or renewed it before.
void end_later(SimulatedBench& bench, TimePoint at, std::uint64_t number, const Kind& kind, const FaultOrder& order) {
  FaultOrder end = without(order, {"for_s", "on"});
  end.fields.emplace_back("on", "false");
  bench.schedule(at, [&bench, number, end, action = kind.action](TimePoint then) {
    if (!bench.fault_log().has(number)) return;
    bench.fault_log().remove(number);
    Fields fields{end};
    static_cast<void>(action(Context{bench, then, end, fields}));  // it was checked when it was ordered
  });
}

/// Which state of its kind an order is about: the voltage of an instrument may stand still, and its current beside it.
std::string state_name(const Context& c) {
  std::string name = target_of(c);
  for (const char* const key : {"quantity", "sensor"}) {
    if (const std::string* const word = c.fields.text(key)) name += ' ' + *word;
  }
  return name;
}

Result<void> carry_out(SimulatedBench& bench, TimePoint now, const Kind& kind, const FaultOrder& order) {
  Fields fields{order};
  const bool is_kept = kind.is_state && kind.family != Family::wire;
  if (!is_kept) return kind.action(Context{bench, now, order, fields});
  // What is in force must not lose its end to an order that is refused.
  const Result<void> rehearsed = kind.action(Context{bench, now, order, fields, true});
  if (!rehearsed) return rehearsed;
  const bool on = fields.flag("on", true);
  const Duration lasts = from_seconds(fields.number("for_s", 0.0, 0.0, seconds_max));
  const std::string target = state_name(Context{bench, now, order, fields});
  bench.fault_log().remove(kind.name, target);
  std::uint64_t number = 0;
  if (on) {
    const TimePoint until = fields.has("for_s") ? now + lasts : TimePoint::max();
    number = bench.fault_log().add(
        {.kind = std::string(kind.name), .target = target, .order = to_words(order), .at = now, .until = until});
  }
  const Result<void> done = kind.action(Context{bench, now, order, fields, false, number});
  if (!done) bench.fault_log().remove(number);
  if (done && on && fields.has("for_s") && kind.family != Family::host) end_later(bench, now + lasts, number, kind, order);
  return done;
}

}  // namespace

Result<void> order(SimulatedBench& bench, TimePoint now, const FaultOrder& wanted) {
  const Result<FaultOrder> named = by_name(bench, wanted);
  if (!named) return named.error();
  const Kind* const kind = kind_named(named->kind);
  if (const Result<void> known = check_names(*named, kind); !known) return known;
  Fields fields{*named};
  const TimePoint at{from_seconds(fields.number("at_s", 0.0, 0.0, seconds_max))};
  static_cast<void>(fields.number("for_s", 0.0, 0.0, seconds_max));
  if (const Result<void> verdict = fields.verdict(); !verdict) return verdict;
  // Whoever carries out faults of the host is told the instant: a bench that nobody asks does not act on time.
  if (at > now && kind->family != Family::host) {
    const Result<void> rehearsed = kind->action(Context{bench, now, *named, fields, true});
    if (!rehearsed) return rehearsed;
    const std::uint64_t number =
        bench.fault_log().add({.kind = std::string(kind->name), .order = to_words(*named), .is_waiting = true, .at = at});
    bench.schedule(at, [&bench, kind, number, kept = without(*named, {"at_s"})](TimePoint then) {
      bench.fault_log().remove(number);
      static_cast<void>(carry_out(bench, then, *kind, kept));  // it was checked when it was ordered
    });
    return rehearsed;
  }
  const Result<void> done = carry_out(bench, std::max(at, now), *kind, *named);
  bench.refresh_events();
  return done;
}

namespace {

std::string json_text(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return quoted + '"';
}

std::string instant_json(const char* key, TimePoint instant) {
  return instant == TimePoint::max() ? std::string{} : fmt::format(R"(,"{}":{})", key, to_ns(instant));
}

std::string wire_json(const Wire& wire, const WireFault& fault) {
  const std::string_view kind = wire_fault_names[static_cast<std::size_t>(fault.kind)];
  const bool is_counted =
      fault.kind != WireFaultKind::refuse && fault.kind != WireFaultKind::accept_only && fault.kind != WireFaultKind::half_open;
  std::string text = fmt::format(R"({{"order":"{} {}","state":"in force")", kind, wire.name());
  if (is_counted) {
    text += fault.count ? fmt::format(R"(,"left":{})", *fault.count) : std::string(R"(,"left":"for_ever")");
    if (fault.skip > 0) text += fmt::format(R"(,"skips":{})", fault.skip);
    if (fault.rate < 1.0) text += fmt::format(R"(,"rate":{:.9g})", fault.rate);
  }
  return text + instant_json("until_ns", fault.until) + '}';
}

}  // namespace
}  // namespace faults

std::vector<std::string> fault_names() {
  std::vector<std::string> names;
  for (const faults::Kind* kind : faults::all_kinds()) names.emplace_back(kind->name);
  return names;
}

Result<void> apply_fault(SimulatedBench& bench, TimePoint now, std::string_view text) {
  const Result<FaultOrder> order = parse_fault_order(text);
  if (!order) return order.error();
  return faults::order(bench, now, *order);
}

void clear_faults(SimulatedBench& bench, TimePoint now) {
  bench.clear_schedule();
  bench.fault_log().clear();
  if (bench.fault_host() != nullptr) bench.fault_host()->clear();
  for (const BenchPort& port : bench.ports()) port.wire->clear_faults(now);
  faults::clear_instruments(bench);
  bench.world().advance(now);
  faults::clear_outputs(bench, now);
  faults::clear_world(bench, now);
  faults::clear_cells(bench, now);
  bench.refresh_events();
}

std::string faults_json(SimulatedBench& bench, TimePoint now) {
  std::vector<std::string> all;
  for (const BenchPort& port : bench.ports()) {
    for (const WireFault& fault : port.wire->faults_in_force(now)) all.push_back(faults::wire_json(*port.wire, fault));
  }
  for (const FaultLog::Entry& entry : bench.fault_log().entries()) {
    if (entry.until <= now) continue;
    all.push_back(fmt::format(
        R"({{"order":{},"state":"{}"{}{}}})", faults::json_text(entry.order), entry.is_waiting ? "waiting" : "in force",
        faults::instant_json(entry.is_waiting ? "at_ns" : "since_ns", entry.at), faults::instant_json("until_ns", entry.until)));
  }
  return fmt::format(R"({{"schema_version":1,"now_ns":{},"faults":[{}]}})", to_ns(now), fmt::join(all, ","));
}

std::string fault_kinds_json() {
  std::vector<std::string> kinds;
  for (const faults::Kind* kind : faults::all_kinds()) {
    kinds.push_back(fmt::format(R"({{"kind":"{}","family":"{}","keys":["{}"]}})", kind->name,
                                faults::family_names[static_cast<std::size_t>(kind->family)],
                                fmt::join(faults::keys_of(*kind), R"(",")")));
  }
  constexpr std::array<std::string_view, 2> places{"anywhere", "controller"};
  std::vector<std::string> numbers;
  for (const faults::NumberedFault& fault : faults::numbered_faults()) {
    numbers.push_back(fmt::format(R"({{"number":"{}","name":"{}","order":"{}{}{}","where":"{}"}})", fault.number, fault.name,
                                  fault.kind, fault.keys.empty() ? "" : " ", fault.keys,
                                  places[static_cast<std::size_t>(fault.where)]));
  }
  return fmt::format(R"({{"schema_version":1,"kinds":[{}],"numbers":[{}]}})", fmt::join(kinds, ","), fmt::join(numbers, ","));
}

}  // namespace cellrig::sim
