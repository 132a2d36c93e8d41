#include "ui/model/activity_text.hpp"

#include <QCoreApplication>

#include "ui/chart/palette.hpp"
#include "ui/model/text.hpp"

namespace cellrig::ui {

namespace {
QString translated(const char* text) { return QCoreApplication::translate("Activity", text); }
}  // namespace

QString activity_text(api::Activity activity) {
  switch (activity) {
    case api::Activity::idle: return translated("Free");
    case api::Activity::starting: return translated("Starting");
    case api::Activity::running: return translated("Running");
    case api::Activity::resting: return translated("Resting");
    case api::Activity::waiting: return translated("Waiting");
    case api::Activity::paused: return translated("Paused");
    case api::Activity::stopping: return translated("Stopping");
    case api::Activity::finished: return translated("Finished");
    case api::Activity::stopped: return translated("Stopped");
    case api::Activity::tripped: return translated("TRIPPED");
    case api::Activity::failed: return translated("FAILED");
    case api::Activity::not_safe: return translated("NOT SAFE");
  }
  return {};
}

QColor activity_colour(api::Activity activity) {
  const Palette& p = colours();
  switch (activity) {
    case api::Activity::running: return p.good;
    case api::Activity::starting:
    case api::Activity::resting:
    case api::Activity::finished: return p.accent;
    case api::Activity::waiting:
    case api::Activity::paused:
    case api::Activity::stopping: return p.warning;
    case api::Activity::idle:
    case api::Activity::stopped: return p.neutral;
    case api::Activity::tripped:
    case api::Activity::failed:
    case api::Activity::not_safe: return p.alarm;
  }
  return p.neutral;
}

QString alarm_severity_text(api::AlarmSeverity severity) {
  switch (severity) {
    case api::AlarmSeverity::info: return translated("Notice");
    case api::AlarmSeverity::warning: return translated("Warning");
    case api::AlarmSeverity::alarm: return translated("ALARM");
    case api::AlarmSeverity::trip: return translated("SAFETY TRIP");
  }
  return {};
}

QString cycle_text(const api::ChannelView& channel) {
  if (!channel.cycle) return {};
  if (!channel.cycle_count) return translated("cycle %1").arg(*channel.cycle);
  return translated("cycle %1 of %2").arg(*channel.cycle).arg(*channel.cycle_count);
}

QString cell_text(const api::ChannelView& channel) {
  if (channel.cell_id.empty()) return to_text(channel.cell);
  return channel.cell.empty() ? to_text(channel.cell_id)
                              : to_text(channel.cell_id) + QStringLiteral(" · ") + to_text(channel.cell);
}

}  // namespace cellrig::ui
