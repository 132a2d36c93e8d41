#include "ui/live/flow_grid.hpp"

#include <algorithm>

namespace cellrig::ui {

FlowGrid::FlowGrid(int item_width_min, QWidget* parent) : QLayout(parent), item_width_min_(item_width_min) {}

FlowGrid::~FlowGrid() {
  while (QLayoutItem* item = takeAt(0)) delete item;
}

QLayoutItem* FlowGrid::takeAt(int index) { return index >= 0 && index < items_.size() ? items_.takeAt(index) : nullptr; }

int FlowGrid::columns_for(int width) const { return std::max(1, (width + spacing()) / (item_width_min_ + spacing())); }

int FlowGrid::row_height() const { return items_.isEmpty() ? 0 : items_.first()->sizeHint().height(); }

int FlowGrid::heightForWidth(int width) const {
  const int columns = columns_for(width);
  const int rows = (count() + columns - 1) / columns;
  return rows == 0 ? 0 : rows * row_height() + (rows - 1) * spacing();
}

QSize FlowGrid::minimumSize() const { return {item_width_min_, row_height()}; }

void FlowGrid::setGeometry(const QRect& rect) {
  QLayout::setGeometry(rect);
  const int columns = columns_for(rect.width());
  const double width = (rect.width() - (columns - 1) * spacing()) / static_cast<double>(columns);
  const int height = row_height();
  for (int i = 0; i < count(); ++i) {
    const int column = i % columns, row = i / columns;
    const int left = static_cast<int>(column * (width + spacing()));
    items_[i]->setGeometry(QRect(rect.left() + left, rect.top() + row * (height + spacing()), static_cast<int>(width), height));
  }
}

}  // namespace cellrig::ui
