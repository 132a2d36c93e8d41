// The rows of one run: cycles, steps with the reasons they ended for, events.
#pragma once

#include <QWidget>

#include "ui/review/loaded_run.hpp"

namespace cellrig::ui {

class TableModel;
class TableView;

/// One table over one run.
class RowPage : public QWidget {
  Q_OBJECT
 public:
  enum class Rows { cycles, steps, events };
  explicit RowPage(Rows rows, QWidget* parent = nullptr);
  void show_run(std::shared_ptr<const LoadedRun> run);
  [[nodiscard]] TableView& table() { return *table_; }

 private:
  Rows rows_;
  std::shared_ptr<const LoadedRun> run_;
  TableModel* model_ = nullptr;
  TableView* table_ = nullptr;
};

}  // namespace cellrig::ui
