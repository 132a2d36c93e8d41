// What a ChartPane paints by itself: bands behind the series; caption, gaps, markers and cursor in front of them.
#pragma once

#include <QFont>
#include <QGraphicsItem>

namespace cellrig::ui {

class ChartPane;

class PaneOverlay : public QGraphicsItem {
 public:
  enum class Layer { back, front };
  PaneOverlay(const ChartPane& pane, Layer layer, QGraphicsItem* parent);
  void set_size(const QSizeF& size);
  [[nodiscard]] QRectF boundingRect() const override { return {QPointF(0, 0), size_}; }
  void paint(QPainter* painter, const QStyleOptionGraphicsItem* option, QWidget* widget) override;

 private:
  void paint_bands(QPainter& painter) const;
  void paint_band_labels(QPainter& painter) const;
  void paint_gaps(QPainter& painter) const;
  void paint_markers(QPainter& painter) const;
  void paint_cursor(QPainter& painter) const;
  void paint_caption(QPainter& painter) const;
  void paint_x_caption(QPainter& painter, QFont font) const;

  const ChartPane& pane_;
  Layer layer_;
  QSizeF size_;
};

}  // namespace cellrig::ui
