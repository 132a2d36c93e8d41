#include "ui/model/verdict_text.hpp"

#include <QCoreApplication>

#include "ui/chart/palette.hpp"

namespace cellrig::ui {

QString verdict_text(Verdict verdict) {
  const auto tr = [](const char* text) { return QCoreApplication::translate("Verdict", text); };
  switch (verdict) {
    case Verdict::any: return tr("any verdict");
    case Verdict::running: return tr("running");
    case Verdict::passed: return tr("passed");
    case Verdict::not_met: return tr("criteria not met");
    case Verdict::tripped: return tr("tripped");
    case Verdict::failed: return tr("failed");
    case Verdict::stopped: return tr("stopped");
    case Verdict::interrupted: return tr("interrupted");
  }
  return {};
}

QColor verdict_colour(Verdict verdict) {
  switch (verdict) {
    case Verdict::running: return colours().accent;
    case Verdict::passed: return colours().good;
    case Verdict::not_met:
    case Verdict::tripped:
    case Verdict::failed: return colours().alarm;
    case Verdict::any:
    case Verdict::stopped:
    case Verdict::interrupted: return colours().muted;
  }
  return {};
}

Verdict verdict_of(const db::RunInfo& run) { return verdict_of(run.status, run.end && run.end->criteria_met); }

QString origin_text(db::RunOrigin origin) {
  const auto tr = [](const char* text) { return QCoreApplication::translate("Origin", text); };
  switch (origin) {
    case db::RunOrigin::measured: return tr("measured");
    case db::RunOrigin::simulated: return tr("SIMULATED");
    case db::RunOrigin::imported: return tr("IMPORTED");
  }
  return {};
}

QString severity_text(db::Severity severity) {
  const auto tr = [](const char* text) { return QCoreApplication::translate("Severity", text); };
  switch (severity) {
    case db::Severity::info: return tr("info");
    case db::Severity::warning: return tr("warning");
    case db::Severity::alarm: return tr("alarm");
    case db::Severity::trip: return tr("trip");
  }
  return {};
}

QColor severity_colour(db::Severity severity) {
  switch (severity) {
    case db::Severity::info: return colours().muted;
    case db::Severity::warning: return colours().text;
    case db::Severity::alarm:
    case db::Severity::trip: return colours().alarm;
  }
  return {};
}

}  // namespace cellrig::ui
