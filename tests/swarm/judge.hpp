// Judges a run by the simulated truth: after every event it looks at what really flows, and at what the rig can know of it.
//
// I0  no value is attributed to another question: readings are what was true when they were taken
// I1  no current while a value that guards the cell is older than its limit, longer than the way to OFF takes
// I2  nothing energises again after a trip, or after the end
// I4  one owner per output
// I5  the cell stays within its limits: true V <= Vmax + 50 mV, true T <= Tmax + 2 K, true SoC <= 101 %; and hazard by hazard
//     the current is gone within the time of the hazard table
// I6  within 60 s without faults the run goes on or has ended in a named state
// I3 and I7 are judged on what is recorded (watched_recorder).
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "controller/async/time_source.hpp"
#include "controller/engine/program.hpp"
#include "controller/runtime/config.hpp"
#include "controller/runtime/listener.hpp"
#include "sim/bench.hpp"
#include "tests/swarm/fault_clock.hpp"
#include "tests/swarm/plan.hpp"
#include "tests/swarm/trace.hpp"

namespace cellrig::swarm {

/// The first invariant that did not hold.
struct Violation {
  std::string invariant;  ///< "I1"
  std::string channel;    ///< empty: the bench
  std::string what;
  TimePoint at{};
  std::string truth;  ///< one line of JSON
};

/// From a truth that must end to the end of the current.
struct ReactionTime {
  std::string hazard;
  Duration worst{};
  Duration deadline{};
  std::uint64_t count = 0;
};

enum class HazardClock : unsigned char {
  stale_voltage,      ///< H12
  stale_temperature,  ///< H4, F35
  over_voltage,       ///< H1
  over_current,       ///< H3
  wrong_direction,    ///< H3
  over_temperature,   ///< H4
  cold_charging,      ///< H10
  no_command,         ///< H14
  gas,                ///< H5, where it is measured and only that has happened
};
inline constexpr std::size_t hazard_clock_count = 9;

class Judge {
 public:
  Judge(const Plan& plan, const BenchConfig& config, sim::SimulatedBench& bench, Trace& trace);

  /// A new process goes on with this channel: what the one before had said is over.
  void goes_on(const std::string& channel, TimePoint now);
  /// A channel that runs this program; before the run.
  void watch(const std::string& channel, const Program& program);

  /// After every event. True: something is not as it should be for ever, look again soon.
  bool look(TimePoint now);
  void fault_begins(const DrawnFault& fault, TimePoint now);
  void fault_ends(const DrawnFault& fault, TimePoint now);
  /// A person has asked for the end of everything: no current is wanted from here on.
  void stop_is_wanted() { is_stop_wanted_ = true; }

  // ---- what the rig says
  void sample(const ChannelView& view, TimePoint now);
  void message(std::string_view channel, db::Severity severity, std::string_view text, TimePoint now);
  /// Status: as the record says it.
  void ended(const std::string& channel, std::string_view status, TimePoint now);

  void complain(const std::string& invariant, const std::string& channel, const std::string& what, TimePoint now);
  [[nodiscard]] const std::optional<Violation>& violation() const { return violation_; }
  [[nodiscard]] const std::vector<ReactionTime>& reactions() const { return reactions_; }
  /// What went on flowing after the beginning of the last fault, on a channel that it concerns.
  struct AfterFault {
    std::string channel;
    Duration flowed{};         ///< until current was last seen
    double share_moved = 0;    ///< of the cell's capacity, until then
    double share_allowed = 0;  ///< of it, while no digit moves
    Duration deadline{};       ///< for a fault that is seen in the next measurement, or by the age of what it takes
    bool has_a_way = true;     ///< to OFF
  };
  [[nodiscard]] std::vector<AfterFault> after_fault(bool by_age) const;
  /// The same where the fault has a clock: only those whose clock has run.
  [[nodiscard]] std::vector<AfterFault> answers() const;
  [[nodiscard]] std::uint64_t looks() const { return looks_; }

 private:
  struct Clock {
    std::optional<TimePoint> since;
  };
  struct Watched {
    std::string name;
    const Program* program = nullptr;
    sim::PowerStage* stage = nullptr;
    const sim::Thermocouple* thermocouple = nullptr;
    bool has_temperature = false, has_contactor = false;
    std::optional<std::size_t> smelled_cell;  ///< of the simulated world, where a gas sensor is
    std::optional<int> alike_by_chance;       ///< readings of the voltage
    // truth
    bool flows = false;
    bool was_on = false;
    TimePoint switched{};
    TimePoint jumped{};  ///< the current, from one look to the next
    double last_A = 0.0;
    sim::RegulatorCommand command;
    TimePoint commanded{};  ///< something else than before
    TimePoint last_flow{};
    std::array<Clock, hazard_clock_count> clocks{};
    int clocks_running = 0;
    // what the rig said last
    std::optional<TimePoint> voltage_at, temperature_at;
    TimePoint last_sample{};
    int direction = 0;
    bool is_output_wanted = false;
    TimePoint tripped_at{};
    bool has_begun = false, is_tripped = false, has_ended = false, is_over_in_order = false;
    // faults
    unsigned taken = 0;
    unsigned ever_taken = 0;               ///< what was done to a cell stays in its extremes
    std::array<int, 11> holders{};         ///< by bit: how many faults take it
    std::array<TimePoint, 11> returned{};  ///< by bit of what was taken: when it came back
    TimePoint last_returned{};             ///< the latest of them
    std::optional<TimePoint> fault_began;
    bool flowed_at_fault = false;
    unsigned taken_by_fault = 0;
    double moved_at_fault_Ah = 0, moved_Ah = 0;
    FaultClock fault_clock;
    const sim::SimulatedChamber* chamber = nullptr;
    std::optional<double> wanted_degC;  ///< of the chamber
    TimePoint wanted_since{};
  };

  [[nodiscard]] unsigned taken_lately(const Watched& w, TimePoint now) const;
  [[nodiscard]] std::optional<Duration> way_to_off(const Watched& w, unsigned taken) const;
  void look_at(Watched& w, TimePoint now);
  [[nodiscard]] static bool is_nobodys(const Watched& w);
  void judge_limits(const Watched& w, TimePoint now);
  using Conditions = std::array<bool, hazard_clock_count>;  ///< by HazardClock
  [[nodiscard]] bool is_gassed(std::size_t cell) const;
  [[nodiscard]] Conditions conditions_of(const Watched& w, unsigned taken, TimePoint now) const;
  void judge_clocks(Watched& w, unsigned taken, TimePoint now);
  void judge_clock(Watched& w, HazardClock clock, bool is_bad, Duration deadline, TimePoint now);
  void judge_return(Watched& w, unsigned taken, TimePoint now);
  [[nodiscard]] FaultTruth truth_of(const Watched& w, TimePoint now) const;
  void begin_clock(Watched& w, const DrawnFault& fault, TimePoint now);
  [[nodiscard]] std::optional<double> wanted_of_chamber(const Watched& w) const;
  void judge_fault(Watched& w, TimePoint now);
  void look_by_clock(Watched& w, TimePoint now);
  void judge_liveness(Watched& w, TimePoint now);
  void judge_reading(const Watched& w, const Observation& observation, unsigned taken, TimePoint now);

  const Plan& plan_;
  sim::SimulatedBench& bench_;
  Trace& trace_;
  Duration period_;
  Duration age_limit_, temperature_age_limit_, chamber_age_limit_;
  Duration off_period_;  ///< between two measurements in a rest
  Duration memory_;      ///< of what faults took and gave back
  std::deque<Watched> channels_;
  std::vector<ReactionTime> reactions_;
  std::optional<Violation> violation_;
  int faults_in_force_ = 0;
  TimePoint quiet_since_{};
  bool clock_runs_ = false;
  bool is_alone_ = false;  ///< the plan has one fault and a good network: its own deadline can be judged
  bool is_stop_wanted_ = false;
  std::uint64_t looks_ = 0;
  TimePoint last_instant_{};
  std::uint64_t looks_at_instant_ = 0;
};

}  // namespace cellrig::swarm
