// One channel on the bench: to be read from two metres. Painted by itself, because 64 of them are shown at once.
#pragma once

#include <QAbstractButton>
#include <string>

#include "controller/api/messages.hpp"

namespace cellrig::ui {

class Trace;

/// A button: a click, Return or the space bar opens the channel.
class ChannelTile : public QAbstractButton {
  Q_OBJECT
 public:
  static constexpr int width_min = 296, height_fixed = 206;
  explicit ChannelTile(QWidget* parent = nullptr);
  /// `spark`: the voltage of the run; may be null. It must live until the next call.
  void show_channel(const api::ChannelView& channel, const Trace* spark);
  /// Larger where there is room: few channels are read from further away.
  void set_scale(double scale);
  /// The link is lost: what is shown is old, and looks it.
  void set_stale(bool is_stale);
  [[nodiscard]] const std::string& channel() const { return view_.channel; }
  [[nodiscard]] QSize sizeHint() const override { return QSize(width_min, height_fixed) * scale_; }
  [[nodiscard]] double scale() const { return scale_; }

 protected:
  void paintEvent(QPaintEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;

 private:
  void paint_head(QPainter& painter, const QRect& area) const;
  void paint_step(QPainter& painter, const QRect& area) const;
  void paint_values(QPainter& painter, const QRect& area) const;
  void paint_foot(QPainter& painter, const QRect& area) const;
  void paint_spark(QPainter& painter, const QRect& area) const;
  void describe();

  api::ChannelView view_;
  const Trace* spark_ = nullptr;
  bool is_stale_ = false;
  double scale_ = 1;
};

}  // namespace cellrig::ui
