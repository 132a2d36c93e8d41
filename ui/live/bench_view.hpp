// The whole bench at a glance: chambers, and every channel as a tile.
#pragma once

#include <QHash>
#include <QSet>
#include <QTimer>
#include <QWidget>
#include <string>

#include "ui/model/bench_filter.hpp"

class QComboBox;
class QLabel;
class QLineEdit;
class QPushButton;
class QScrollArea;

namespace cellrig::ui {

class BenchModel;
class ChamberPanel;
class ChannelTile;
class FlowGrid;

class BenchView : public QWidget {
  Q_OBJECT
 public:
  explicit BenchView(BenchModel& model, QWidget* parent = nullptr);
  void set_stale(bool is_stale);
  /// What stands there while no bench is known.
  void set_placeholder(const QString& text);
  [[nodiscard]] ChannelTile* tile(const std::string& channel) const;
  [[nodiscard]] int shown_count() const { return static_cast<int>(shown_.size()); }
  [[nodiscard]] QLineEdit& search_field() { return *search_; }
  [[nodiscard]] QComboBox& group_box() { return *group_; }
  [[nodiscard]] QPushButton& start_button() { return *start_; }
  [[nodiscard]] ChamberPanel& chambers() { return *chambers_; }
  void save_layout() const;
  void restore_layout();

 Q_SIGNALS:
  void channel_opened(const std::string& channel);
  void start_requested();
  void chamber_stop_requested(const std::string& chamber);
  /// Once: a tile shows what a run measures.
  void came_alive();

 protected:
  void keyPressEvent(QKeyEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;

 private:
  void make_tools();
  void arrange();
  void choose_scale();
  void tick();
  void show_in_tile(ChannelTile& tile, const api::ChannelView& view);
  void move_focus(int steps);
  [[nodiscard]] ChannelFilter filter() const;

  BenchModel& model_;
  QLineEdit* search_ = nullptr;
  QComboBox* group_ = nullptr;
  QComboBox* order_ = nullptr;
  QLabel* count_ = nullptr;
  QPushButton* start_ = nullptr;
  QLabel* placeholder_ = nullptr;
  ChamberPanel* chambers_ = nullptr;
  QScrollArea* scroll_ = nullptr;
  FlowGrid* grid_ = nullptr;
  QHash<QString, ChannelTile*> tiles_;
  std::vector<std::string> shown_;
  QSet<QString> changed_;  ///< since the last tick
  QTimer tick_;
  double scale_ = 1;
  bool is_alive_ = false;
};

}  // namespace cellrig::ui
