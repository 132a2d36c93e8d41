// Several panes above each other with one x axis and one cursor: voltage, current, temperature, pressure of one or of several runs against
// time; capacity and efficiency against the cycle; voltage against charge.
#pragma once

#include <QWidget>
#include <memory>
#include <optional>
#include <vector>

#include "ui/chart/chart_pane.hpp"
#include "ui/chart/trace.hpp"

class QVBoxLayout;

namespace cellrig::ui {

/// What is painted lives in Trace objects of the caller; painting happens in refresh() only, at most once per tick, and costs one line
/// per series. Hidden panes cost nothing.
class TraceChart : public QWidget {
  Q_OBJECT
 public:
  explicit TraceChart(QWidget* parent = nullptr);  ///< against test time, in a unit that fits the window

  /// Another x axis than time. No zoom goes below `span_min`.
  struct XSpec {
    QString quantity, unit;
    double span_min = 1;
    double step_min = 0;  ///< between ticks: 1 for what is counted
    double margin = 0;    ///< beyond the first and the last point
  };
  void set_x(const XSpec& x);

  struct PaneSpec {
    QString quantity, unit;
    double span_min = 0.01;  ///< of the y axis, in its unit
    int stretch = 1;
  };
  int add_pane(const PaneSpec& spec);
  void add_trace(int pane, const SeriesLook& look, std::shared_ptr<const Trace> trace);
  void clear_series();
  /// Finer points for a stretch of this trace: drawn instead of it while the window lies within them.
  void set_detail(const std::shared_ptr<const Trace>& trace, std::shared_ptr<const Trace> detail);
  void set_pane_shown(int pane, bool is_shown);

  void set_bands(const std::vector<Band>& bands);
  void set_gaps(const std::vector<Gap>& gaps);
  void set_markers(const std::vector<Marker>& markers);

  /// Everything there is, and from now on what comes, too.
  void follow();
  /// Only the newest `span_s` seconds, moving along.
  void follow_last(double span_s);
  [[nodiscard]] bool is_following() const { return follows_; }
  void show_window(Window window);
  [[nodiscard]] Window window() const { return window_; }

  void refresh();
  void restyle();
  [[nodiscard]] ChartPane& pane(int index) { return *panes_.at(static_cast<std::size_t>(index)).view; }
  [[nodiscard]] QPixmap picture();

 Q_SIGNALS:
  /// Somebody zoomed or moved: whoever has finer data than the traces may bring it.
  void window_changed(cellrig::ui::Window window);
  void following_changed(bool follows);

 protected:
  void showEvent(QShowEvent* event) override;
  void changeEvent(QEvent* event) override;  ///< another theme: another ground

 private:
  struct Pane {
    ChartPane* view = nullptr;
    PaneSpec spec;
    std::vector<std::shared_ptr<const Trace>> traces;
    std::vector<std::shared_ptr<const Trace>> details;  ///< of the same index; may be null
  };
  void set_cursor(bool is_inside, double x);
  void apply_window();
  void choose_axis_owner();
  [[nodiscard]] Window whole() const;

  QVBoxLayout* layout_ = nullptr;
  std::vector<Pane> panes_;
  std::optional<XSpec> x_;  ///< none: time
  Window window_{0, 60};
  bool follows_ = true;
  double follow_span_s_ = 0;  ///< 0: all
};

}  // namespace cellrig::ui
