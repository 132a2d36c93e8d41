// The cycles of a run as an engineer judges them: figures as they were stored, and what follows from a stated reference.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <vector>

#include "controller/base/result.hpp"
#include "db/analysis/charge.hpp"
#include "db/analysis/definitions.hpp"
#include "db/analysis/life.hpp"
#include "db/reader.hpp"

namespace cellrig::db {

struct SummaryOptions {
  LifeReference reference;
  CapacitySource source = CapacitySource::every_cycle;
  std::optional<SocWindow> window;  ///< reads the rows of every charge; reference_Ah 0: the nominal capacity
};

struct CycleSummaryRow {
  CycleRow row;
  std::map<Figure, double> figures;  ///< those without an `at`, as stored
  std::map<double, double> charge_time_to_share_s;
  std::optional<double> retention;                             ///< against the reference; none: this cycle shows no capacity
  std::optional<EquivalentFullCycles> equivalent_full_cycles;  ///< at its end
  std::optional<ChargeTime> window;
};

struct CycleSummary {
  RunInfo info;
  std::vector<CycleSummaryRow> cycles;
  std::vector<CapacityPoint> capacities;
  std::optional<double> reference_Ah;  ///< none: there is no such cycle
  std::array<CyclesTo, end_of_life_shares.size()> cycles_to;
  std::map<double, double> dc_resistance_ohm;  ///< of the run's first step that shows any, by time in s
};

[[nodiscard]] Result<CycleSummary> summarise(Reader& reader, RunKey run, const SummaryOptions& options = {});

/// The charge of one cycle as one curve: its charging steps and the rests between them, time and charge going on. What they
/// waited is cut out.
[[nodiscard]] Result<LoadedCurve> charge_curve(Reader& reader, std::span<const StepInfo> steps, std::int64_t cycle);

}  // namespace cellrig::db
