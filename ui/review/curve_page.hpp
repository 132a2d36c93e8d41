// Voltage against charge, and dQ/dV, of chosen cycles of one or several runs.
#pragma once

#include <QWidget>
#include <vector>

#include "ui/review/loaded_run.hpp"

class QComboBox;
class QLabel;
class QLineEdit;

namespace cellrig::ui {

class RecordThread;
class TraceChart;

class CurvePage : public QWidget {
  Q_OBJECT
 public:
  explicit CurvePage(RecordThread& record, QWidget* parent = nullptr);
  void show_runs(const std::vector<std::shared_ptr<const LoadedRun>>& runs);
  [[nodiscard]] TraceChart& voltage_chart() { return *voltage_chart_; }
  [[nodiscard]] QLineEdit& cycles_field() { return *cycles_; }
  [[nodiscard]] QString note() const;

 Q_SIGNALS:
  void curves_shown(int count);

 protected:
  void showEvent(QShowEvent* event) override;

 private:
  void fetch();
  void paint_curves();

  RecordThread& record_;
  QLineEdit* cycles_ = nullptr;
  QComboBox* direction_ = nullptr;
  QLabel* note_ = nullptr;
  TraceChart* voltage_chart_ = nullptr;
  TraceChart* differential_chart_ = nullptr;
  std::vector<std::shared_ptr<const LoadedRun>> runs_;
  std::vector<CycleCurve> curves_;
  bool is_own_choice_ = false;  ///< somebody typed cycles: they stay when another run is chosen
  bool is_stale_ = false;       ///< to be asked for when the page is looked at
  int asked_ = 0;               ///< answers to an older question are dropped
};

}  // namespace cellrig::ui
