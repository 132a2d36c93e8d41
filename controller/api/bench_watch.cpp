#include "controller/api/bench_watch.hpp"

#include <algorithm>

namespace cellrig::api {
namespace {

constexpr std::array<const char*, 13> column_names{"utc_s",
                                                   "test_time_s",
                                                   "step_count",
                                                   "cycle",
                                                   "voltage_V",
                                                   "current_A",
                                                   "cell_temperature_degC",
                                                   "ambient_temperature_degC",
                                                   "chamber_temperature_degC",
                                                   "pressure_MPa",
                                                   "charge_Ah",
                                                   "discharge_Ah",
                                                   "step_time_s"};

}  // namespace

void LatenessCounts::add(Duration late) {
  const double late_s = to_seconds(late);
  const auto bound = std::lower_bound(bounds_s.begin(), bounds_s.end(), late_s);
  ++counts[static_cast<std::size_t>(bound - bounds_s.begin())];
  sum_s += late_s;
}

void BenchWatch::sample(const LiveSample& sample) {
  auto found = samples_.find(sample.channel);
  if (found == samples_.end()) found = samples_.emplace(std::string{sample.channel}, Kept{}).first;
  Kept& kept = found->second;
  if (kept.run != sample.run) {  // one message is of one run
    kept.lost += static_cast<std::int64_t>(kept.rows.size());
    kept.rows.clear();
    kept.oldest = 0;
    kept.run = sample.run;
  }
  const std::array<double, 13> row{static_cast<double>(sample.utc.ns_since_epoch) * 1e-9,
                                   sample.test_time_s,
                                   static_cast<double>(sample.step_count),
                                   static_cast<double>(sample.cycle),
                                   sample.voltage_V,
                                   sample.current_A,
                                   sample.cell_temperature_degC,
                                   sample.ambient_temperature_degC,
                                   sample.chamber_temperature_degC,
                                   sample.pressure_MPa,
                                   sample.charge_Ah,
                                   sample.discharge_Ah,
                                   sample.step_time_s};
  if (kept.rows.size() < samples_max) {
    kept.rows.push_back(row);
    return;
  }
  kept.rows[kept.oldest] = row;
  kept.oldest = (kept.oldest + 1) % samples_max;
  ++kept.lost;
}

LiveSamples BenchWatch::columns_of(const std::string& channel, const Kept& kept) {
  LiveSamples samples{.channel = channel};
  if (kept.run != 0) samples.run = kept.run;
  for (std::size_t column = 0; column < column_names.size(); ++column) {
    Column& values = samples.columns[column_names[column]];
    values.reserve(kept.rows.size());
    for (std::size_t i = 0; i < kept.rows.size(); ++i) values.push_back(kept.rows[(kept.oldest + i) % kept.rows.size()][column]);
  }
  return samples;
}

Gathered BenchWatch::gather(const BenchControl& bench) {
  Gathered gathered;
  gathered.bench = bench.bench();
  gathered.channels = bench.channels();
  gathered.chambers = bench.chambers();
  gathered.alarms = bench.alarms();
  for (auto& [channel, kept] : samples_) {
    if (!kept.rows.empty()) gathered.samples[channel] = columns_of(channel, kept);
    if (kept.lost > 0) gathered.samples_lost[channel] = kept.lost;
    kept.rows.clear();
    kept.oldest = 0;
    kept.lost = 0;
  }
  gathered.channels_changed = std::exchange(channels_changed_, {});
  gathered.chambers_changed = std::exchange(chambers_changed_, {});
  gathered.runs_changed = std::exchange(runs_changed_, {});
  gathered.alarms_changed = std::exchange(alarms_changed_, false);
  gathered.lateness = lateness_;
  return gathered;
}

}  // namespace cellrig::api
