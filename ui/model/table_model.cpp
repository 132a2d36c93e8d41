#include "ui/model/table_model.hpp"

#include <utility>

namespace cellrig::ui {

TableModel::TableModel(std::vector<TableColumn> columns, QObject* parent)
    : QAbstractTableModel(parent), columns_(std::move(columns)) {}

void TableModel::set_row_count(int rows) {
  if (rows == rows_) {
    if (rows > 0) Q_EMIT dataChanged(index(0, 0), index(rows - 1, columnCount() - 1));
    return;
  }
  beginResetModel();
  rows_ = rows;
  endResetModel();
}

int TableModel::rowCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : rows_; }

int TableModel::columnCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : static_cast<int>(columns_.size()); }

QVariant TableModel::data(const QModelIndex& index, int role) const {
  if (!index.isValid() || index.row() >= rows_) return {};
  const TableColumn& column = columns_.at(static_cast<std::size_t>(index.column()));
  switch (role) {
    case Qt::DisplayRole:
    case Qt::ToolTipRole: return column.text(index.row());
    case key_role: return column.key ? column.key(index.row()) : QVariant(column.text(index.row()));
    case Qt::TextAlignmentRole: return QVariant((column.is_number ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignVCenter);
    case Qt::ForegroundRole:
      if (!column.colour) return {};
      if (const std::optional<QColor> colour = column.colour(index.row())) return *colour;
      return {};
    default: return {};
  }
}

QVariant TableModel::headerData(int section, Qt::Orientation orientation, int role) const {
  if (orientation != Qt::Horizontal || section >= columnCount()) return {};
  if (role == Qt::TextAlignmentRole) {
    return QVariant((columns_[static_cast<std::size_t>(section)].is_number ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignVCenter);
  }
  if (role != Qt::DisplayRole) return {};
  return columns_[static_cast<std::size_t>(section)].title;
}

}  // namespace cellrig::ui
