// The table of this window: rows for gloves, sorting by a click or by the keyboard, copied as text that a spreadsheet reads.
#pragma once

#include <QTableView>

class QSortFilterProxyModel;

namespace cellrig::ui {

class TableModel;

class TableView : public QTableView {
  Q_OBJECT
 public:
  explicit TableView(QWidget* parent = nullptr);
  /// Sorted by what the model's columns say; the model stays the caller's.
  void show_model(TableModel* model);
  /// Row of the model behind what is selected and focused; -1: none.
  [[nodiscard]] int current_row() const;
  [[nodiscard]] QList<int> selected_rows() const;
  [[nodiscard]] QString as_text(bool only_selected) const;

 protected:
  void keyPressEvent(QKeyEvent* event) override;

 private:
  QSortFilterProxyModel* proxy_ = nullptr;
};

}  // namespace cellrig::ui
