#include "ui/model/table_view.hpp"

#include <QApplication>
#include <QClipboard>
#include <QHeaderView>
#include <QKeyEvent>
#include <QSortFilterProxyModel>
#include <algorithm>

#include "ui/model/table_model.hpp"

namespace cellrig::ui {

namespace {
constexpr int row_height = 36;
}

TableView::TableView(QWidget* parent) : QTableView(parent) {
  setSelectionBehavior(QAbstractItemView::SelectRows);
  setEditTriggers(QAbstractItemView::NoEditTriggers);
  setAlternatingRowColors(true);
  setShowGrid(false);
  setWordWrap(false);
  setTabKeyNavigation(false);
  setVerticalScrollMode(QAbstractItemView::ScrollPerPixel);
  setHorizontalScrollMode(QAbstractItemView::ScrollPerPixel);
  verticalHeader()->hide();
  verticalHeader()->setDefaultSectionSize(row_height);
  horizontalHeader()->setHighlightSections(false);
  proxy_ = new QSortFilterProxyModel(this);
  proxy_->setSortRole(TableModel::key_role);
}

void TableView::show_model(TableModel* model) {
  proxy_->setSourceModel(model);
  setModel(proxy_);
  // A sentence at the end may have the rest of the row; a number there would stand far away from the others.
  const int last = proxy_->columnCount() - 1;
  const auto alignment = static_cast<Qt::Alignment>(proxy_->headerData(last, Qt::Horizontal, Qt::TextAlignmentRole).toInt());
  horizontalHeader()->setStretchLastSection(!alignment.testFlag(Qt::AlignRight));
  setSortingEnabled(true);
  horizontalHeader()->setSortIndicator(-1, Qt::AscendingOrder);
  proxy_->sort(-1);
}

int TableView::current_row() const {
  const QModelIndex index = currentIndex();
  return index.isValid() ? proxy_->mapToSource(index).row() : -1;
}

QList<int> TableView::selected_rows() const {
  QList<int> rows;
  if (selectionModel() == nullptr) return rows;
  for (const QModelIndex& index : selectionModel()->selectedRows()) rows.append(proxy_->mapToSource(index).row());
  std::sort(rows.begin(), rows.end());
  return rows;
}

QString TableView::as_text(bool only_selected) const {
  QStringList lines;
  QStringList header;
  for (int c = 0; c < proxy_->columnCount(); ++c) header += proxy_->headerData(c, Qt::Horizontal).toString();
  lines += header.join(QLatin1Char('\t'));
  for (int r = 0; r < proxy_->rowCount(); ++r) {
    if (only_selected && !selectionModel()->isRowSelected(r)) continue;
    QStringList cells;
    for (int c = 0; c < proxy_->columnCount(); ++c) cells += proxy_->index(r, c).data().toString();
    lines += cells.join(QLatin1Char('\t'));
  }
  return lines.join(QLatin1Char('\n')) + QLatin1Char('\n');
}

void TableView::keyPressEvent(QKeyEvent* event) {
  if (event->matches(QKeySequence::Copy)) {
    QApplication::clipboard()->setText(as_text(true));
    return;
  }
  QTableView::keyPressEvent(event);
}

}  // namespace cellrig::ui
