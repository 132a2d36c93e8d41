// What a cell does from cycle to cycle: capacity, retention, efficiency, charge time. Several runs above each other.
#pragma once

#include <QWidget>
#include <vector>

#include "ui/review/loaded_run.hpp"

namespace cellrig::ui {

class TraceChart;

class CyclePage : public QWidget {
  Q_OBJECT
 public:
  explicit CyclePage(QWidget* parent = nullptr);
  void show_runs(const std::vector<std::shared_ptr<const LoadedRun>>& runs);
  [[nodiscard]] TraceChart& chart() { return *chart_; }

 private:
  TraceChart* chart_ = nullptr;
};

}  // namespace cellrig::ui
