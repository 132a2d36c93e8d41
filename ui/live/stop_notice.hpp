// What became of the stops that somebody ordered: in red, above everything, for as long as one is not confirmed.
#pragma once

#include <QFrame>
#include <QStringList>
#include <QTimer>
#include <map>

#include "ui/api_client/stop_order.hpp"

class QLabel;
class QPushButton;

namespace cellrig::ui {

/// * One line for each thing that is stopped. An unconfirmed one stays until it is confirmed, or a person hides it once nothing more is tried.
/// * Nothing else that the window has to say takes its place.
class StopNotice : public QFrame {
  Q_OBJECT
 public:
  static constexpr int confirmed_shown_ms = 15'000;
  explicit StopNotice(QWidget* parent = nullptr);
  void hear(const StopNews& news);
  /// Of the lines that are shown; empty: there is none.
  [[nodiscard]] QString text() const;
  /// What was to be stopped and is not known to be: "every output", "channel ch3".
  [[nodiscard]] QStringList unconfirmed() const;
  [[nodiscard]] QPushButton& hide_button() { return *hide_; }

 private:
  void show_lines();

  std::map<QString, StopNews> lines_;  ///< by path
  QLabel* label_ = nullptr;
  QPushButton* hide_ = nullptr;
  QTimer confirmed_;
};

}  // namespace cellrig::ui
