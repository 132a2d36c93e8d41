// A kind of fault: its name, its keys, and what carries it out. Each family has a file of its own; catalogue.cpp has them all.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/result.hpp"
#include "controller/base/time.hpp"
#include "sim/bench.hpp"
#include "sim/fault_order.hpp"

namespace cellrig::sim::faults {

inline constexpr double seconds_max = 1e9;  ///< of any duration in an order

[[nodiscard]] inline Error refuse(std::string what) { return fail(Fault::refused, std::move(what)); }

/// The fields of an order, each of them checked while it is read. The first mistake is kept.
class Fields {
 public:
  explicit Fields(const FaultOrder& order) : order_{order} {}

  [[nodiscard]] const std::string* text(std::string_view key) const { return order_.find(key); }
  [[nodiscard]] bool has(std::string_view key) const { return text(key) != nullptr; }
  double number(std::string_view key, double fallback, double least, double most);
  std::uint32_t whole(std::string_view key, std::uint32_t fallback);
  bool flag(std::string_view key, bool fallback);
  /// The position of the value among `words`; hyphens, underscores and letter case are the same.
  template <class Words>
  std::size_t choice(std::string_view key, std::size_t fallback, const Words& words) {
    return choice_of(key, fallback, std::vector<std::string>(words.begin(), words.end()));
  }
  void complain(std::string what);
  [[nodiscard]] Result<void> verdict() const;

 private:
  std::size_t choice_of(std::string_view key, std::size_t fallback, const std::vector<std::string>& words);

  const FaultOrder& order_;
  std::string complaint_;
};

struct Context {
  SimulatedBench& bench;
  TimePoint now;
  const FaultOrder& order;
  Fields& fields;
  bool is_rehearsal = false;  ///< check everything, change nothing
  std::uint64_t number = 0;   ///< in the bench's log, while the fault is in force

  /// The order is wrong, or was only to be checked: its action ends here with this.
  [[nodiscard]] bool ends(const Result<void>& verdict) const { return !verdict || is_rehearsal; }
};
using Action = Result<void> (*)(const Context&);

enum class Family : unsigned char { wire, instrument, cell, world, host };
inline constexpr std::array<std::string_view, 5> family_names{"wire", "instrument", "cell", "world", "host"};

/// What an order aims at.
enum class Aim : unsigned char { nothing, port, modbus_port, line_port, instrument, cycler, clock, channel, chamber, interlock };

/// A key that `random` draws, evenly in its logarithm.
struct DrawnKey {
  std::string_view key;
  double low;
  double high;
};

/// Whether `random` may order a kind.
enum class Drawn : unsigned char {
  never,
  by_name,  ///< kinds=kill, and no wider word: nothing that comes after it would be seen
  always,
};

/// A key of which `random` draws one of some words.
struct DrawnWord {
  std::string_view key;
  std::vector<std::string_view> words;
};

struct Kind {
  std::string_view name;
  Family family;
  Aim aim;
  std::vector<std::string> keys;  ///< besides those of the aim, at_s, and on and for_s of a state
  Action action;
  bool is_state = true;  ///< lasts until on=false, or for for_s
  Drawn is_drawn = Drawn::always;
  std::vector<DrawnKey> drawn = {};
  std::vector<DrawnWord> drawn_words = {};
};

/// What an order aims at: a target by any of its names.
[[nodiscard]] std::string target_of(const Context& context);
/// "drop: unknown instrument 'x', did you mean 'y'?", or "on which instrument?".
[[nodiscard]] Error unknown_target(const Context& context, const std::string& what, const std::vector<std::string>& known);
/// nullptr: there is no such thing, and `error` says what there is.
[[nodiscard]] SimulatedChannel* channel_of(const Context& context, Error& error);
[[nodiscard]] std::vector<std::string> channel_names(SimulatedBench& bench);

[[nodiscard]] const std::vector<Kind>& wire_kinds();
[[nodiscard]] const std::vector<Kind>& instrument_kinds();
/// output.cpp: what power stages do that nobody asked for.
[[nodiscard]] const std::vector<Kind>& output_kinds();
[[nodiscard]] const std::vector<Kind>& cell_kinds();
[[nodiscard]] const std::vector<Kind>& world_kinds();
[[nodiscard]] const std::vector<Kind>& host_kinds();
/// draw.cpp: `random`.
[[nodiscard]] const std::vector<Kind>& drawing_kinds();

// What clear_faults() undoes, family by family.
void clear_instruments(SimulatedBench& bench);
void clear_outputs(SimulatedBench& bench, TimePoint now);
void clear_cells(SimulatedBench& bench, TimePoint now);
void clear_world(SimulatedBench& bench, TimePoint now);

/// Checks everything, then carries the order out or schedules it.
[[nodiscard]] Result<void> order(SimulatedBench& bench, TimePoint now, const FaultOrder& wanted);

}  // namespace cellrig::sim::faults
