// Executions of steps, as a record tells them, and the samples within. Pure, but for who reads the samples.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/result.hpp"
#include "db/reader.hpp"

namespace cellrig::verdict {

/// One time that a step of the profile was carried out, its parts before and after an interruption together.
struct Execution {
  std::string name, type;
  std::string ended_by;    ///< the condition, or the reason where it was none
  std::int64_t count = 0;  ///< Step Count of the record
  std::int64_t cycle = 0;
  bool is_reference = false, has_ended = false;
  bool was_skipped = false;      ///< by a person: what it was for did not happen
  std::int64_t step_id = 0;      ///< its place in the program
  bool was_cut_off = false;      ///< by an interruption, a stop or a trip, and did not go on
  bool was_passed_over = false;  ///< cut off, and the run went on with another step
  bool is_done_again = false;    ///< it began anew where the one before it was cut off
  double moved_before_Ah = 0.0;  ///< by those that were cut off before it, to and fro
  double first_started_s = 0.0;  ///< of the first of them
  std::vector<db::StepKey> parts;
  double started_s = 0.0, ended_s = 0.0;
  double seconds = 0.0;   ///< of all parts, without what it waited; of a rest all of it
  double waited_s = 0.0;  ///< with its output off, for its chamber or for a person who had paused it
  double charge_Ah = 0.0, discharge_Ah = 0.0, charge_Wh = 0.0, discharge_Wh = 0.0;
  double cv_seconds = 0.0;
  std::optional<double> cell_temperature_max_degC;
  std::optional<double> stack_pressure_min_MPa, stack_pressure_max_MPa;  ///< of its figures; empty: none were stored

  [[nodiscard]] double net_Ah() const;  ///< magnitude of what moved
  [[nodiscard]] double net_Wh() const;  ///< magnitude
  [[nodiscard]] double mean_A() const;  ///< magnitude of the mean current
  [[nodiscard]] double mean_V() const;  ///< energy over charge
  [[nodiscard]] bool is_charge() const { return charge_Ah > discharge_Ah; }
  /// The output was off; what was counted all the same is the offset of an instrument.
  [[nodiscard]] bool is_rest() const { return type == "REST" || type == "SOAK" || type == "WAIT"; }
};

/// Whether a step ends by its time as it should: a rest, a pulse.
using EndsByTime = std::function<bool(const db::StepRow&)>;
/// In the order of time. A time bound is the end of a step only where `ends_by_time` says so. `figures` are those of the steps, as stored:
/// they tell what each waited.
[[nodiscard]] std::vector<Execution> executions_of(const std::vector<db::StepInfo>& steps, const EndsByTime& ends_by_time,
                                                   const std::vector<db::StepMetricRow>& figures = {});

/// Tells of each execution whether it was passed over or did one again that was cut off. executions_of() has done it.
void note_interruptions(std::vector<Execution>& executions);

/// Something that came between: an interruption, a pause.
struct Disturbance {
  double at_s = 0.0;       ///< of test time
  double unseen_Ah = 0.0;  ///< at most, either way
  std::string what;
  double unseen_s = 0.0;  ///< that went by and are not in test time
};

/// Gives the samples of one step row in the order of time until the visitor says false.
using VisitSamples = std::function<Result<void>(db::StepKey, const std::function<bool(const db::SampleRow&)>&)>;

/// What a record says of one run.
struct RunFacts {
  std::vector<Execution> executions;
  std::vector<Disturbance> disturbances;  ///< in any order
  VisitSamples visit;
};

/// Refuses what is no longer the procedure: a step up to the last one of these names that was skipped by a person or passed over after an
/// interruption, and one of these names that was cut off last. An earlier execution never stands in for it. Empty names count for nothing.
[[nodiscard]] Result<void> require_carried_out(const RunFacts& run, const std::vector<std::string>& names);
/// Refuses an execution that is the rest of its step only: it was done again after charge had moved. A rest that is done again is whole.
[[nodiscard]] Result<void> require_whole(const RunFacts& run, const Execution& execution);
/// Refuses an execution in which a time or an extreme is not known: not whole, interrupted, paused, or with a gap between its samples.
[[nodiscard]] Result<void> require_unbroken(const RunFacts& run, const Execution& execution);
/// What went by on the wall and not in test time, between these instants.
[[nodiscard]] double unseen_seconds(const RunFacts& run, double from_s, double to_s);
/// The charge that at most moved unseen within an execution and at its edges: what its deviations say, and gaps at the greater current
/// beside them.
[[nodiscard]] Result<double> unseen_charge_Ah(const RunFacts& run, const Execution& execution);

/// Those with this name that came to their end; a name that ends with '*' is a beginning.
[[nodiscard]] std::vector<std::size_t> find_all(const RunFacts& run, std::string_view name);
/// An error that names the nearest step when there is none.
[[nodiscard]] Result<std::size_t> find_last(const RunFacts& run, std::string_view name);
[[nodiscard]] Result<std::size_t> find_first(const RunFacts& run, std::string_view name);

/// The first and the last sample of an execution.
struct Ends {
  db::SampleRow first, last;
};
[[nodiscard]] Result<Ends> ends_of(const RunFacts& run, const Execution& execution);

}  // namespace cellrig::verdict
