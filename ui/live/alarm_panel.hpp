// Alarms that nobody has acknowledged, on top of everything: cause, value, limit, what to do. Sounds until somebody did.
#pragma once

#include <QFrame>
#include <QTimer>
#include <functional>
#include <utility>
#include <vector>

#include "controller/api/messages.hpp"
#include "ui/model/alarm_sound.hpp"

class QLabel;
class QPushButton;
class QVBoxLayout;

namespace cellrig::ui {

class AlarmTone;

class AlarmPanel : public QFrame {
  Q_OBJECT
 public:
  static constexpr int sound_every_ms = 2000;
  static constexpr int shown_max = 3;  ///< the gravest; how many more there are is said
  explicit AlarmPanel(QWidget* parent = nullptr);
  void show_alarms(const std::vector<api::AlarmView>& alarms);
  /// Of the rows to come: empty, or why the signed-in person may not acknowledge.
  void set_why_not_acknowledge(const QString& why) { why_not_acknowledge_ = why; }
  [[nodiscard]] bool is_sounding() const { return sound_.isActive(); }
  [[nodiscard]] QPushButton& silence_button() { return *silence_; }
  /// In place of the tone.
  void set_beep(std::function<void()> beep) { beep_ = std::move(beep); }

 Q_SIGNALS:
  void acknowledge_requested(const cellrig::api::AlarmView& alarm);

 private:
  void add_row(const api::AlarmView& alarm);
  void sound_or_not();
  QVBoxLayout* rows_ = nullptr;
  QLabel* more_ = nullptr;
  QPushButton* silence_ = nullptr;
  QLabel* beep_note_ = nullptr;  ///< while it sounds, and nothing but the desktop's beep is there
  AlarmTone* tone_ = nullptr;
  QTimer sound_;  ///< runs while it sounds
  AlarmSound heard_;
  std::function<void()> beep_;
  QString why_not_acknowledge_;
};

}  // namespace cellrig::ui
