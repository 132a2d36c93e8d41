// The parameters of a profile as fields: what is left empty stays at its default.
#pragma once

#include <QWidget>
#include <vector>

#include "controller/api/messages.hpp"

class QFormLayout;
class QLineEdit;

namespace cellrig::ui {

class ParameterForm : public QWidget {
  Q_OBJECT
 public:
  explicit ParameterForm(QWidget* parent = nullptr);
  void show_profile(const api::ProfileView& profile);
  /// Only what was typed, with a decimal point.
  [[nodiscard]] api::Parameters values() const;
  /// False: something holds two commas, or a comma and a point: nobody knows what was meant.
  [[nodiscard]] bool are_readable() const;
  [[nodiscard]] QLineEdit* field(const QString& name) const;

 Q_SIGNALS:
  void edited();

 private:
  std::vector<std::string> names_;
  QFormLayout* form_ = nullptr;
};

}  // namespace cellrig::ui
