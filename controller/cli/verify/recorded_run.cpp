#include "controller/cli/verify/recorded_run.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "controller/cli/bench/bench_context.hpp"
#include "controller/cli/record/record_source.hpp"
#include "controller/cli/files/settings.hpp"
#include "profiles/cell.hpp"
#include "profiles/reader.hpp"
#include "profiles/parameters_text.hpp"

namespace cellrig::cli {
namespace {

constexpr double balance_kg = 0.00005;     // 0.05 g: what a balance for cells of a kilogram shows, assumed
constexpr double share_of_volume = 0.005;  // a calliper on a pouch, assumed

/// By the program as it was compiled then; where this version compiles another one, only a rest is known to end by its time.
verdict::EndsByTime ends_by_time_of(const db::RunRow& row, const std::string& name) {
  const auto is_rest = [](const db::StepRow& step) { return step.type == "REST"; };
  try {
    auto program = std::make_shared<const Program>(
        compile(read_profile(row.profile_text, name), read_cell(row.cell_text, name), parameters_of(row.parameters_text)));
    if (program->hash != row.program_hash) return is_rest;
    return [program](const db::StepRow& step) {
      const auto index = static_cast<std::size_t>(step.step_id);
      if (step.step_id < 0 || index >= program->code.size()) return false;
      const Step* const compiled = std::get_if<Step>(&program->code[index]);
      return compiled != nullptr && compiled->time_max_is_normal;
    };
  } catch (const ConfigError&) {
    return is_rest;
  }
}

/// The clock on the wall went on while test time stood.
double seconds_beside_test_time(const db::DeviationRow& row) {
  if (!row.to_utc) return 0.0;
  const std::int64_t on_the_wall_ns = row.to_utc->ns_since_epoch - row.from_utc.ns_since_epoch;
  const std::int64_t in_test_ns = row.to_test_time_ns.value_or(row.from_test_time_ns) - row.from_test_time_ns;
  return std::max(0.0, static_cast<double>(on_the_wall_ns - in_test_ns) / 1e9);
}

std::vector<verdict::Disturbance> disturbances_of(db::Reader& reader, db::RunKey run) {
  std::vector<verdict::Disturbance> found;
  for (const db::DeviationRow& row : value_or_throw(reader.deviations(run), reader.path())) {
    found.push_back({static_cast<double>(row.from_test_time_ns) / 1e9, row.unseen_charge_max_Ah.value_or(0.0),
                     row.category.empty() ? "a deviation" : row.category, seconds_beside_test_time(row)});
  }
  for (const db::EventRow& event : value_or_throw(reader.events(run), reader.path())) {
    if (event.kind == "paused") found.push_back({static_cast<double>(event.test_time_ns) / 1e9, 0.0, "paused by a person"});
  }
  return found;
}

std::optional<Accuracy> pressure_accuracy(const CheckContext& context, const ChannelConfig& channel, const Cell& cell) {
  const std::optional<LoggerInput>& force = context.sensors[static_cast<std::size_t>(Measurand::stack_force)];
  const std::optional<double> area_cm2 = channel.stack_area_cm2 ? channel.stack_area_cm2 : cell.pressed_area_cm2;
  if (!force || !area_cm2) return std::nullopt;
  return pressure_of_force(force->accuracy, *area_cm2);
}

}  // namespace

Accuracy pressure_of_force(const Accuracy& force, double area_cm2) {
  constexpr double mm2_per_cm2 = 100.0;  // N/mm2 are MPa
  Accuracy accuracy = force;
  const double area_mm2 = area_cm2 * mm2_per_cm2;
  accuracy.offset /= area_mm2;
  accuracy.up_to /= area_mm2;
  for (Accuracy::Range& range : accuracy.finer) {
    range.up_to /= area_mm2;
    range.offset /= area_mm2;
  }
  return accuracy;
}

RecordedRun read_recorded_run(db::Reader& reader, db::RunKey run) {
  const db::RunInfo info = value_or_throw(reader.run(run), reader.path());
  const std::string name = fmt::format("the bench of run {}", run);
  const BenchConfig bench = parse_bench(info.row.bench_text, name);
  const CheckContext context = check_context(bench, bench.channel(info.row.channel), name);
  RecordedRun recorded;
  recorded.facts.executions = verdict::executions_of(value_or_throw(reader.steps(run), reader.path()),
                                                     ends_by_time_of(info.row, fmt::format("run {}", run)),
                                                     value_or_throw(reader.step_metrics(run), reader.path()));
  recorded.facts.disturbances = disturbances_of(reader, run);
  recorded.facts.visit = [&reader](db::StepKey step, const std::function<bool(const db::SampleRow&)>& visit) -> Result<void> {
    const auto visited = reader.for_each_sample_of_step(step, [&visit](const db::SampleView& sample) {
      const bool is_waiting = (sample.row.flags & db::sample_flag::waiting) != 0;  // of no figure
      return is_waiting || visit(sample.row);
    });
    if (!visited) return visited.error();
    return {};
  };
  recorded.instruments.current = context.cycler->current_accuracy;
  recorded.instruments.voltage = context.cycler->voltage_accuracy;
  for (const Measurand press : {Measurand::stack_force, Measurand::stack_pressure})
    recorded.measures_pressure = recorded.measures_pressure || context.sensors[static_cast<std::size_t>(press)].has_value();
  recorded.instruments.period_s = to_seconds(info.row.control_period);
  const std::optional<LoggerInput>& thermometer = context.sensors[static_cast<std::size_t>(Measurand::cell_temperature)];
  if (thermometer) {
    recorded.instruments.temperature = thermometer->accuracy;
  } else if (context.logger) {
    recorded.instruments.temperature = context.logger->temperature_accuracy;
  }
  const Cell cell = read_cell(info.row.cell_text, fmt::format("the cell of run {}", run));
  recorded.instruments.pressure_MPa = pressure_accuracy(context, bench.channel(info.row.channel), cell);
  recorded.cell = {.nominal_Ah = cell.nominal_capacity.value(),
                   .voltage_min_V = cell.voltage_min.value(),
                   .mass_kg = cell.mass_kg,
                   .volume_L = cell.volume_L,
                   .electrode_area_cm2 = cell.electrode_area_cm2,
                   .mass_standard_kg = balance_kg,
                   .volume_standard_L = cell.volume_L.value_or(0.0) * share_of_volume};
  return recorded;
}

}  // namespace cellrig::cli
