// Tiles beside each other, as many in a row as fit, all of one width.
#pragma once

#include <QLayout>
#include <QList>

namespace cellrig::ui {

class FlowGrid : public QLayout {
  Q_OBJECT
 public:
  FlowGrid(int item_width_min, QWidget* parent = nullptr);
  ~FlowGrid() override;
  void addItem(QLayoutItem* item) override { items_.append(item); }
  [[nodiscard]] int count() const override { return static_cast<int>(items_.size()); }
  [[nodiscard]] QLayoutItem* itemAt(int index) const override { return items_.value(index); }
  QLayoutItem* takeAt(int index) override;
  [[nodiscard]] bool hasHeightForWidth() const override { return true; }
  [[nodiscard]] int heightForWidth(int width) const override;
  [[nodiscard]] QSize sizeHint() const override { return minimumSize(); }
  [[nodiscard]] QSize minimumSize() const override;
  void setGeometry(const QRect& rect) override;
  [[nodiscard]] int columns_for(int width) const;
  void set_item_width_min(int width) { item_width_min_ = width; }

 private:
  [[nodiscard]] int row_height() const;
  int item_width_min_;
  QList<QLayoutItem*> items_;
};

}  // namespace cellrig::ui
