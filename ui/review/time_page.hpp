// Voltage, current, temperature and pressure of one or several runs against time; steps, events and what was expected, of a single one.
#pragma once

#include <QWidget>
#include <vector>

#include "ui/review/loaded_run.hpp"

class QLabel;

namespace cellrig::ui {

class RecordThread;
class TraceChart;

class TimePage : public QWidget {
  Q_OBJECT
 public:
  explicit TimePage(RecordThread& record, QWidget* parent = nullptr);
  void show_runs(const std::vector<std::shared_ptr<const LoadedRun>>& runs);
  [[nodiscard]] TraceChart& chart() { return *chart_; }

 private:
  void show_traces(const LoadedRun& run, int index, bool is_alone);
  void fetch_stretch(Window window);

  RecordThread& record_;
  TraceChart* chart_ = nullptr;
  std::vector<std::shared_ptr<const LoadedRun>> runs_;
};

}  // namespace cellrig::ui
