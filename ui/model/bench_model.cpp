#include "ui/model/bench_model.hpp"

#include <algorithm>

#include "ui/api_client/api_client.hpp"

namespace cellrig::ui {

namespace {
constexpr Trace::Capacity spark_capacity{.recent_points = 1024, .history_buckets = 512};
bool is_open(const api::AlarmView& alarm) { return alarm.acknowledged_by.empty(); }
bool is_open_trip(const api::AlarmView& alarm) { return is_open(alarm) && alarm.severity == api::AlarmSeverity::trip; }
}  // namespace

BenchModel::BenchModel(ApiClient& client, QObject* parent) : QObject(parent) {
  connect(&client, &ApiClient::streamed, this, &BenchModel::apply);
}

const api::ChannelView* BenchModel::channel(const std::string& name) const {
  const auto found =
      std::find_if(bench_.channels.begin(), bench_.channels.end(), [&](const auto& c) { return c.channel == name; });
  return found == bench_.channels.end() ? nullptr : &*found;
}

int BenchModel::open_alarm_count() const { return static_cast<int>(std::count_if(alarms_.begin(), alarms_.end(), is_open)); }

const Trace* BenchModel::spark(const std::string& channel) const {
  const auto found = sparks_.find(channel);
  return found == sparks_.end() ? nullptr : &found->second.trace;
}

void BenchModel::apply(const api::StreamMessage& message) {
  switch (message.type) {
    case api::StreamType::snapshot: take_snapshot(message); return;
    case api::StreamType::channel:
      if (message.channel) take_channel(*message.channel);
      return;
    case api::StreamType::chamber:
      if (message.chamber) take_chamber(*message.chamber);
      return;
    case api::StreamType::alarm:
      if (message.alarm) take_alarm(*message.alarm);
      return;
    case api::StreamType::run:
      if (message.run) Q_EMIT run_changed(*message.run);
      return;
    case api::StreamType::samples:
      if (message.samples) take_samples(*message.samples);
      return;
    case api::StreamType::dropped:
      if (message.dropped) Q_EMIT samples_dropped(*message.dropped);
      return;
  }
}

void BenchModel::take_snapshot(const api::StreamMessage& message) {
  if (!message.bench) return;
  const int open_before = open_alarm_count();
  bench_ = *message.bench;
  if (message.alarms) alarms_ = *message.alarms;
  sort_alarms();
  is_known_ = true;
  Q_EMIT bench_changed();
  Q_EMIT chambers_changed();
  Q_EMIT alarms_changed();
  if (open_alarm_count() > open_before) Q_EMIT alarm_raised();
}

void BenchModel::take_channel(const api::ChannelView& channel) {
  const auto found =
      std::find_if(bench_.channels.begin(), bench_.channels.end(), [&](const auto& c) { return c.channel == channel.channel; });
  if (found == bench_.channels.end()) {
    bench_.channels.push_back(channel);
    Q_EMIT bench_changed();
    return;
  }
  *found = channel;
  Q_EMIT channel_changed(channel.channel);
}

void BenchModel::take_chamber(const api::ChamberView& chamber) {
  const auto found =
      std::find_if(bench_.chambers.begin(), bench_.chambers.end(), [&](const auto& c) { return c.chamber == chamber.chamber; });
  if (found == bench_.chambers.end()) {
    bench_.chambers.push_back(chamber);
  } else {
    *found = chamber;
  }
  Q_EMIT chambers_changed();
}

void BenchModel::take_alarm(const api::AlarmView& alarm) {
  const auto found = std::find_if(alarms_.begin(), alarms_.end(), [&](const auto& a) { return a.id == alarm.id; });
  const bool is_new = found == alarms_.end();
  if (is_new) {
    alarms_.push_back(alarm);
  } else {
    *found = alarm;
  }
  sort_alarms();
  Q_EMIT alarms_changed();
  if (is_new && is_open(alarm)) Q_EMIT alarm_raised();
}

void BenchModel::sort_alarms() {
  std::stable_sort(alarms_.begin(), alarms_.end(), [](const api::AlarmView& a, const api::AlarmView& b) {
    if (is_open(a) != is_open(b)) return is_open(a);
    if (a.severity != b.severity) return a.severity > b.severity;
    return a.id > b.id;
  });
  while (alarms_.size() > alarms_max && !is_open_trip(alarms_.back())) alarms_.pop_back();
}

void BenchModel::take_samples(const api::LiveSamples& samples) {
  Spark& spark = sparks_.try_emplace(samples.channel, Spark{{}, Trace{spark_capacity}}).first->second;
  if (spark.run != samples.run) {
    spark.run = samples.run;
    spark.trace.clear();
  }
  const auto time = samples.columns.find("test_time_s"), voltage = samples.columns.find("voltage_V");
  if (time != samples.columns.end() && voltage != samples.columns.end()) {
    const std::size_t rows = std::min(time->second.size(), voltage->second.size());
    for (std::size_t i = 0; i < rows; ++i) spark.trace.append({time->second[i], voltage->second[i]});
  }
  Q_EMIT samples_came(samples);
}

}  // namespace cellrig::ui
