// The latest of one channel in large numbers, for somebody who stands two metres away.
#pragma once

#include <QWidget>
#include <vector>

#include "controller/api/messages.hpp"

class QLabel;

namespace cellrig::ui {

class RunNumbers : public QWidget {
  Q_OBJECT
 public:
  explicit RunNumbers(QWidget* parent = nullptr);
  void show_channel(const api::ChannelView& channel);

 private:
  struct Number {
    QLabel* value = nullptr;
    QLabel* caption = nullptr;
  };
  Number add(const QString& caption);
  Number voltage_, current_, temperature_, pressure_, charge_, step_, left_;
};

}  // namespace cellrig::ui
