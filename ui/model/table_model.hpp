// A table whose cells are computed when they are looked at: the rows stay where they are.
#pragma once

#include <QAbstractTableModel>
#include <QColor>
#include <functional>
#include <optional>
#include <vector>

namespace cellrig::ui {

struct TableColumn {
  QString title;
  std::function<QString(int row)> text;
  std::function<QVariant(int row)> key{};  ///< what sorting compares; without it the text
  bool is_number = false;                  ///< aligned right
  std::function<std::optional<QColor>(int row)> colour{};
};

class TableModel : public QAbstractTableModel {
  Q_OBJECT
 public:
  static constexpr int key_role = Qt::UserRole;
  explicit TableModel(std::vector<TableColumn> columns, QObject* parent = nullptr);
  /// The rows behind the columns changed.
  void set_row_count(int rows);

  [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
  [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
  [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
  [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

 private:
  std::vector<TableColumn> columns_;
  int rows_ = 0;
};

}  // namespace cellrig::ui
