// One plot area on Qt Charts: series against a common x axis, bands behind them, gaps and a cursor in front of them.
#pragma once

#include <QFontMetricsF>
#include <QtCharts/QChartView>
#include <QtCharts/QValueAxis>
#include <functional>
#include <optional>
#include <vector>

#include "ui/chart/axis.hpp"
#include "ui/chart/decimate.hpp"

namespace cellrig::ui {

class PaneOverlay;

/// A stretch of the x axis with a name: a step.
struct Band {
  Window window;
  QString label;
  int shade = 0;  ///< which of the palette's two
};
/// A stretch for which there is no data; nothing is drawn there but the word.
struct Gap {
  Window window;
  QString label;
};
/// An event on the axis.
struct Marker {
  double x = 0;
  QString text;
  bool is_grave = false;
};

struct SeriesLook {
  QString name;
  QColor colour;
  bool is_dashed = false;
  bool has_points = false;  ///< dots: few points that stand each for itself, as cycles do
  double width = 2;
};

/// * set_points() only remembers; show_points() then fits y and paints. Thin the points to columns() first.
/// * Qt Charts draws the ground, the axes and the grid. The lines are painted by an overlay: a line series of Qt Charts computes the outline of
///   its stroke for every change, which costs more than everything else in a frame of a long trace.
/// * x is in the caller's unit; `x_scale` says how many of them one unit of the axis is (3600: an axis in hours of seconds).
/// * Mouse and keys ask for another window by window_requested(); whoever holds the data answers with set_window().
class ChartPane : public QChartView {
  Q_OBJECT
 public:
  struct Labels {
    QString quantity;  ///< "Voltage"
    QString unit;      ///< "V"
  };
  explicit ChartPane(Labels y, QWidget* parent = nullptr);

  int add_series(const SeriesLook& look);
  void remove_all_series();
  void set_points(int series, const std::vector<Point>& points);
  /// Fits y to what is visible, at least `span_min` high, and draws.
  void show_points(double span_min);

  void set_x_step_min(double step) { x_step_min_ = step; }
  void set_x_axis(Labels x, TimeUnit unit, bool is_shown);
  void set_window(Window window);
  [[nodiscard]] Window window() const { return window_; }
  [[nodiscard]] Window y_window() const { return y_window_; }
  [[nodiscard]] int columns() const;
  [[nodiscard]] QRectF plot() const;

  void set_bands(std::vector<Band> bands, bool has_labels);
  void set_gaps(std::vector<Gap> gaps);
  void set_markers(std::vector<Marker> markers);
  [[nodiscard]] const std::vector<Marker>& markers() const { return markers_; }
  void set_cursor(std::optional<double> x);
  /// What the cursor reads of a series at x; the default is the nearest of its points.
  void set_readout(int series, std::function<std::optional<double>(double x)> value_at);
  void set_time_readout(bool is_time) { is_time_ = is_time; }
  /// Takes the colours of colours(): after the theme changed.
  void restyle();

 Q_SIGNALS:
  void window_requested(cellrig::ui::Window window);
  void fit_requested();
  void cursor_moved(bool is_inside, double x);

 protected:
  void resizeEvent(QResizeEvent* event) override;
  void wheelEvent(QWheelEvent* event) override;
  void mousePressEvent(QMouseEvent* event) override;
  void mouseMoveEvent(QMouseEvent* event) override;
  void mouseReleaseEvent(QMouseEvent* event) override;
  void mouseDoubleClickEvent(QMouseEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;
  void leaveEvent(QEvent* event) override;
  void focusInEvent(QFocusEvent* event) override;
  void focusOutEvent(QFocusEvent* event) override;

 private:
  friend class PaneOverlay;
  struct Series {
    SeriesLook look;
    std::function<std::optional<double>(double)> value_at;
    std::vector<Point> points;  ///< in the caller's unit
  };

  void lay_out();
  /// Where each name of the legend goes; wraps into further rows above the plot.
  struct LegendPlace {
    int series = 0;
    double left = 0;
    int row = 0;
  };
  void place_legend();
  /// In how many rows they stand.
  int place_names(const QFontMetricsF& metrics, double number_width);
  void set_y_window(Window y);
  [[nodiscard]] double x_at(double pixel) const;
  [[nodiscard]] double pixel_of(double x) const;
  [[nodiscard]] double pixel_of_y(double y) const;
  [[nodiscard]] std::optional<double> value_of(const Series& series, double x) const;
  void request_zoom(double factor, double centre);

  Labels y_labels_, x_labels_;
  TimeUnit x_unit_{};
  bool is_x_shown_ = true, is_time_ = false;
  double x_step_min_ = 0;
  QValueAxis* x_axis_ = nullptr;
  QValueAxis* y_axis_ = nullptr;
  PaneOverlay* back_ = nullptr;
  PaneOverlay* lines_ = nullptr;
  PaneOverlay* front_ = nullptr;
  std::vector<Series> series_;
  std::vector<LegendPlace> legend_;
  int legend_rows_ = 1;
  std::vector<Band> bands_;
  bool has_band_labels_ = false;
  std::vector<Gap> gaps_;
  std::vector<Marker> markers_;
  std::optional<double> cursor_;
  Window window_{0, 1}, y_window_{0, 1};
  std::optional<QPoint> drag_from_;
  Window drag_window_{};
};

}  // namespace cellrig::ui
