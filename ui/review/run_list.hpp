// The runs of a record: found by cell, profile, date and verdict; one or several are chosen.
#pragma once

#include <QDate>
#include <QWidget>
#include <vector>

#include "db/reader.hpp"
#include "ui/model/choice.hpp"

class QCheckBox;
class QComboBox;
class QDateEdit;
class QLabel;
class QLineEdit;

namespace cellrig::ui {

class TableModel;
class TableView;

class RunList : public QWidget {
  Q_OBJECT
 public:
  explicit RunList(QWidget* parent = nullptr);
  void show_runs(std::vector<db::RunInfo> runs);
  [[nodiscard]] std::vector<db::RunKey> chosen() const;
  void choose(db::RunKey run);
  [[nodiscard]] TableView& table() { return *table_; }
  [[nodiscard]] QLineEdit& cell_field() { return *cell_; }
  [[nodiscard]] QLineEdit& profile_field() { return *profile_; }
  [[nodiscard]] int shown_count() const { return static_cast<int>(shown_.size()); }

 Q_SIGNALS:
  void chosen_changed();

 private:
  void make_filter_fields();
  void make_table();
  void filter();
  [[nodiscard]] const db::RunInfo& at(int row) const { return runs_[shown_[static_cast<std::size_t>(row)]]; }

  QLineEdit* cell_ = nullptr;
  QLineEdit* profile_ = nullptr;
  QComboBox* verdict_ = nullptr;
  QCheckBox* by_date_ = nullptr;
  QDateEdit* from_ = nullptr;
  QDateEdit* until_ = nullptr;
  QLabel* count_ = nullptr;
  TableModel* model_ = nullptr;
  TableView* table_ = nullptr;
  std::vector<db::RunInfo> runs_;
  std::vector<std::size_t> shown_;  ///< places in runs_, newest first
};

}  // namespace cellrig::ui
