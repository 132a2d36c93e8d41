#include "ui/review/run_list.hpp"

#include <QCheckBox>
#include <QComboBox>
#include <QDateEdit>
#include <QGridLayout>
#include <QHeaderView>
#include <QItemSelectionModel>
#include <QLabel>
#include <QLineEdit>
#include <QVBoxLayout>
#include <algorithm>

#include "ui/model/table_model.hpp"
#include "ui/model/table_view.hpp"
#include "ui/model/text.hpp"
#include "ui/model/verdict_text.hpp"

namespace cellrig::ui {

namespace {

RunFacts facts_of(const db::RunInfo& run) {
  return {.cell = run.row.cell_name,
          .cell_id = run.row.cell_id,
          .profile = run.row.profile_name,
          .channel = run.row.channel,
          .operator_name = run.row.operator_name,
          .verdict = verdict_of(run),
          .started = run.row.started_at};
}

UtcTime start_of(const QDate& day) { return UtcTime{day.startOfDay().toMSecsSinceEpoch() * 1'000'000}; }

QString cell_text(const db::RunInfo& run) {
  return run.row.cell_id.empty() ? to_text(run.row.cell_name)
                                 : to_text(run.row.cell_id) + QStringLiteral(" · ") + to_text(run.row.cell_name);
}

}  // namespace

RunList::RunList(QWidget* parent) : QWidget(parent) {
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(8);
  make_filter_fields();
  make_table();
  count_ = new QLabel;
  count_->setProperty("role", QStringLiteral("caption"));
  layout->addWidget(count_);
  layout->addWidget(table_, 1);
  auto* hint = new QLabel(tr("Ctrl or Shift chooses several: they are laid over each other."));
  hint->setProperty("role", QStringLiteral("caption"));
  hint->setWordWrap(true);
  layout->addWidget(hint);
}

void RunList::make_filter_fields() {
  cell_ = new QLineEdit;
  cell_->setPlaceholderText(tr("Cell or specimen"));
  cell_->setAccessibleName(tr("Filter by cell"));
  cell_->setClearButtonEnabled(true);
  profile_ = new QLineEdit;
  profile_->setPlaceholderText(tr("Profile"));
  profile_->setAccessibleName(tr("Filter by profile"));
  profile_->setClearButtonEnabled(true);
  verdict_ = new QComboBox;
  verdict_->setAccessibleName(tr("Filter by verdict"));
  for (int v = static_cast<int>(Verdict::any); v <= static_cast<int>(Verdict::interrupted); ++v) {
    verdict_->addItem(verdict_text(static_cast<Verdict>(v)), v);
  }
  by_date_ = new QCheckBox(tr("Started"));
  from_ = new QDateEdit(QDate::currentDate().addMonths(-1));
  until_ = new QDateEdit(QDate::currentDate());
  from_->setAccessibleName(tr("Started on this day or later"));
  until_->setAccessibleName(tr("Started on this day or earlier"));
  auto* grid = new QGridLayout;
  grid->setSpacing(8);
  grid->addWidget(cell_, 0, 0, 1, 2);
  grid->addWidget(profile_, 0, 2, 1, 2);
  grid->addWidget(by_date_, 1, 0);
  grid->addWidget(from_, 1, 1);
  grid->addWidget(until_, 1, 2);
  grid->addWidget(verdict_, 1, 3);
  for (QDateEdit* edit : {from_, until_}) {
    edit->setDisplayFormat(QStringLiteral("yyyy-MM-dd"));
    edit->setCalendarPopup(true);
    edit->setEnabled(false);
    connect(edit, &QDateEdit::dateChanged, this, &RunList::filter);
  }
  connect(by_date_, &QCheckBox::toggled, this, [this](bool is_on) {
    from_->setEnabled(is_on);
    until_->setEnabled(is_on);
    filter();
  });
  connect(cell_, &QLineEdit::textChanged, this, &RunList::filter);
  connect(profile_, &QLineEdit::textChanged, this, &RunList::filter);
  connect(verdict_, &QComboBox::currentIndexChanged, this, &RunList::filter);
  static_cast<QVBoxLayout*>(layout())->addLayout(grid);
}

void RunList::make_table() {
  const auto verdict_at = [this](int row) { return verdict_of(at(row)); };
  model_ = new TableModel({{tr("Run"),
                            [this](int r) { return QString::number(at(r).run); },
                            [this](int r) { return QVariant(qlonglong(at(r).run)); },
                            true,
                            {}},
                           {tr("Cell"), [this](int r) { return cell_text(at(r)); }, {}, false, {}},
                           {tr("Verdict"),
                            [verdict_at](int r) { return verdict_text(verdict_at(r)); },
                            {},
                            false,
                            [verdict_at](int r) -> std::optional<QColor> { return verdict_colour(verdict_at(r)); }},
                           {tr("Origin"), [this](int r) { return origin_text(at(r).origin); }, {}, false, {}},
                           {tr("Profile"), [this](int r) { return to_text(at(r).row.profile_name); }, {}, false, {}},
                           {tr("Started"), [this](int r) { return instant_text(at(r).row.started_at); }, {}, false, {}},
                           {tr("Channel"), [this](int r) { return to_text(at(r).row.channel); }, {}, false, {}},
                           {tr("Operator"), [this](int r) { return to_text(at(r).row.operator_name); }, {}, false, {}}},
                          this);
  table_ = new TableView;
  table_->setAccessibleName(tr("Runs"));
  table_->setSelectionMode(QAbstractItemView::ExtendedSelection);
  table_->show_model(model_);
  connect(table_->selectionModel(), &QItemSelectionModel::selectionChanged, this, &RunList::chosen_changed);
}

void RunList::show_runs(std::vector<db::RunInfo> runs) {
  runs_ = std::move(runs);
  filter();
  table_->resizeColumnsToContents();
}

void RunList::filter() {
  RunFilter filter{.cell = cell_->text().trimmed().toStdString(),
                   .profile = profile_->text().trimmed().toStdString(),
                   .verdict = static_cast<Verdict>(verdict_->currentData().toInt())};
  if (by_date_->isChecked()) {
    filter.from = start_of(from_->date());
    filter.until = start_of(until_->date().addDays(1));
  }
  const std::vector<db::RunKey> before = chosen();
  model_->set_row_count(0);
  shown_.clear();
  for (std::size_t i = runs_.size(); i-- > 0;) {
    if (filter.accepts(facts_of(runs_[i]))) shown_.push_back(i);
  }
  model_->set_row_count(static_cast<int>(shown_.size()));
  count_->setText(shown_.size() == runs_.size() ? tr("%n run(s)", nullptr, static_cast<int>(runs_.size()))
                                                : tr("%1 of %2 runs").arg(shown_.size()).arg(runs_.size()));
  for (const db::RunKey run : before) choose(run);
}

std::vector<db::RunKey> RunList::chosen() const {
  std::vector<db::RunKey> runs;
  for (const int row : table_->selected_rows()) {
    if (row < static_cast<int>(shown_.size())) runs.push_back(at(row).run);
  }
  std::sort(runs.begin(), runs.end());
  return runs;
}

void RunList::choose(db::RunKey run) {
  for (int row = 0; row < table_->model()->rowCount(); ++row) {
    if (table_->model()->index(row, 0).data(TableModel::key_role).toLongLong() != run) continue;
    const QModelIndex index = table_->model()->index(row, 0);
    table_->selectionModel()->select(index, QItemSelectionModel::Select | QItemSelectionModel::Rows);
    table_->selectionModel()->setCurrentIndex(index, QItemSelectionModel::NoUpdate);
  }
}

}  // namespace cellrig::ui
