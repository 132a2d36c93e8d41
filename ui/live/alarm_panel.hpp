// Alarms that nobody has acknowledged, on top of everything: cause, value, limit, what to do. Sounds until somebody did.
#pragma once

#include <QFrame>
#include <QTimer>
#include <vector>

#include "controller/api/messages.hpp"

class QLabel;
class QPushButton;
class QVBoxLayout;

namespace cellrig::ui {

class AlarmPanel : public QFrame {
  Q_OBJECT
 public:
  static constexpr int shown_max = 3;  ///< the gravest; how many more there are is said
  explicit AlarmPanel(QWidget* parent = nullptr);
  void show_alarms(const std::vector<api::AlarmView>& alarms);
  /// Of the rows to come: empty, or why the signed-in person may not acknowledge.
  void set_why_not_acknowledge(const QString& why) { why_not_acknowledge_ = why; }
  [[nodiscard]] bool is_sounding() const { return sound_.isActive(); }

 Q_SIGNALS:
  void acknowledge_requested(const cellrig::api::AlarmView& alarm);

 private:
  void add_row(const api::AlarmView& alarm);
  QVBoxLayout* rows_ = nullptr;
  QLabel* more_ = nullptr;
  QPushButton* silence_ = nullptr;
  QTimer sound_;
  std::int64_t newest_id_ = 0;
  QString why_not_acknowledge_;
};

}  // namespace cellrig::ui
