// The bench as the service last described it, and the newest samples of each channel. Views look here; nothing is painted from here.
#pragma once

#include <QObject>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "controller/api/messages.hpp"
#include "ui/chart/trace.hpp"

namespace cellrig::ui {

class ApiClient;

class BenchModel : public QObject {
  Q_OBJECT
 public:
  /// As many as the service keeps: those that are done with are forgotten first, then the least grave and oldest; an open trip never is.
  static constexpr std::size_t alarms_max = 500;
  /// Follows the stream of this client, which must live longer.
  explicit BenchModel(ApiClient& client, QObject* parent = nullptr);

  [[nodiscard]] bool is_known() const { return is_known_; }
  [[nodiscard]] const api::BenchView& bench() const { return bench_; }
  [[nodiscard]] const std::vector<api::ChannelView>& channels() const { return bench_.channels; }
  [[nodiscard]] const api::ChannelView* channel(const std::string& name) const;
  /// Not acknowledged first, the gravest and newest of them at the top.
  [[nodiscard]] const std::vector<api::AlarmView>& alarms() const { return alarms_; }
  [[nodiscard]] int open_alarm_count() const;
  /// A small trace of the voltage of the channel's run; none: nothing came yet.
  [[nodiscard]] const Trace* spark(const std::string& channel) const;

  void apply(const api::StreamMessage& message);

 Q_SIGNALS:
  void bench_changed();  ///< which channels there are
  void channel_changed(const std::string& channel);
  void chambers_changed();
  void alarms_changed();
  void alarm_raised();
  void run_changed(const cellrig::api::RunView& run);
  void samples_came(const cellrig::api::LiveSamples& samples);
  void samples_dropped(qint64 count);

 private:
  struct Spark {
    std::optional<std::int64_t> run;
    Trace trace;
  };
  void take_snapshot(const api::StreamMessage& message);
  void take_channel(const api::ChannelView& channel);
  void take_chamber(const api::ChamberView& chamber);
  void take_alarm(const api::AlarmView& alarm);
  void take_samples(const api::LiveSamples& samples);
  void sort_alarms();

  bool is_known_ = false;
  api::BenchView bench_;
  std::vector<api::AlarmView> alarms_;
  std::map<std::string, Spark> sparks_;
};

}  // namespace cellrig::ui
