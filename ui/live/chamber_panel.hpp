// The chambers: set, actual, who holds the temperature and who waits for which.
#pragma once

#include <QWidget>
#include <string>
#include <vector>

#include "controller/api/messages.hpp"

class QHBoxLayout;
class QPushButton;

namespace cellrig::ui {

class ChamberPanel : public QWidget {
  Q_OBJECT
 public:
  explicit ChamberPanel(QWidget* parent = nullptr);
  void show_chambers(const std::vector<api::ChamberView>& chambers);
  /// Null for a chamber that is not there.
  [[nodiscard]] QPushButton* stop_button(const std::string& chamber) const;

 Q_SIGNALS:
  void stop_requested(const std::string& chamber);

 private:
  void add_card();
  std::vector<std::string> names_;
  QHBoxLayout* cards_ = nullptr;
};

}  // namespace cellrig::ui
