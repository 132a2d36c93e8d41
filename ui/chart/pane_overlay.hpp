// What a ChartPane paints by itself: bands behind the lines; the lines; caption, gaps, markers and cursor in front of them.
#pragma once

#include <QFont>
#include <QGraphicsItem>
#include <vector>

#include "ui/chart/decimate.hpp"

namespace cellrig::ui {

class ChartPane;
struct SeriesLook;

class PaneOverlay : public QGraphicsItem {
 public:
  enum class Layer { back, lines, front };
  PaneOverlay(const ChartPane& pane, Layer layer, QGraphicsItem* parent);
  void set_size(const QSizeF& size);
  [[nodiscard]] QRectF boundingRect() const override { return {QPointF(0, 0), size_}; }
  void paint(QPainter* painter, const QStyleOptionGraphicsItem* option, QWidget* widget) override;

 private:
  void paint_bands(QPainter& painter) const;
  void paint_lines(QPainter& painter) const;
  /// A line through points in pixels.
  void paint_line(QPainter& painter, const SeriesLook& look, const std::vector<Point>& pixels) const;
  void paint_columns(QPainter& painter, const SeriesLook& look, const std::vector<Point>& pixels) const;
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
