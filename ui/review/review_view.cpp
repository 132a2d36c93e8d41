#include "ui/review/review_view.hpp"

#include <QAction>
#include <QApplication>
#include <QClipboard>
#include <QDir>
#include <QFileDialog>
#include <QFileInfo>
#include <QHBoxLayout>
#include <QLabel>
#include <QLocale>
#include <QMenu>
#include <QPushButton>
#include <QSettings>
#include <QSplitter>
#include <QTabWidget>
#include <QVBoxLayout>

#include "db/export/bdf.hpp"
#include "ui/model/elided_label.hpp"
#include "ui/model/text.hpp"
#include "ui/model/verdict_text.hpp"
#include "ui/review/curve_page.hpp"
#include "ui/review/cycle_page.hpp"
#include "ui/review/file_record.hpp"
#include "ui/review/record_thread.hpp"
#include "ui/review/row_pages.hpp"
#include "ui/review/run_list.hpp"
#include "ui/review/service_record.hpp"
#include "ui/review/time_page.hpp"

namespace cellrig::ui {

namespace {

constexpr int margin = 12;
constexpr std::size_t overlaid_runs_max = 7;  ///< as many as there are colours

QPushButton* button(const QString& text, const QString& hint) {
  auto* made = new QPushButton(text);
  made->setToolTip(hint);
  return made;
}

QString report_text(const ExportReport& report) {
  QStringList parts;
  if (report.rows > 0) parts += ReviewView::tr("%1 rows").arg(report.rows);
  if (report.bytes > 0) parts += QLocale().formattedDataSize(static_cast<qint64>(report.bytes));
  if (report.rows_left_out > 0) parts += ReviewView::tr("%1 without voltage or current left out").arg(report.rows_left_out);
  if (!report.metadata_path.empty())
    parts += ReviewView::tr("metadata in %1").arg(QFileInfo(to_text(report.metadata_path)).fileName());
  return parts.isEmpty() ? ReviewView::tr("no rows") : parts.join(QStringLiteral(", "));
}

}  // namespace

ReviewView::ReviewView(QWidget* parent) : QWidget(parent) {
  record_ = new RecordThread(this);
  exports_ = new RecordThread(this);
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(margin, margin, margin, margin);
  splitter_ = new QSplitter(Qt::Horizontal);
  splitter_->setHandleWidth(margin);
  splitter_->setChildrenCollapsible(false);
  make_left(*splitter_);
  make_right(*splitter_);
  splitter_->setStretchFactor(0, 1);  // on a large screen the list has room for all of its columns
  splitter_->setStretchFactor(1, 4);
  splitter_->setSizes({440, 900});
  layout->addWidget(splitter_);
}

ReviewView::~ReviewView() = default;

void ReviewView::make_left(QSplitter& splitter) {
  auto* left = new QWidget;
  auto* layout = new QVBoxLayout(left);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(8);
  auto* row = new QHBoxLayout;
  record_label_ = new QLabel(tr("No record is open"));
  record_label_->setProperty("role", QStringLiteral("caption"));
  auto* open = button(tr("&Open…"), tr("Open a record (Ctrl+O)"));
  open->setShortcut(QKeySequence::Open);
  auto* again = button(tr("&Refresh"), tr("Look for new runs and rows (F5)"));
  again->setShortcut(QKeySequence::Refresh);
  bench_ = button(tr("&Bench's record"), tr("What the bench recorded that this window is connected to"));
  bench_->hide();
  row->addWidget(record_label_, 1);
  row->addWidget(again);
  row->addWidget(bench_);
  row->addWidget(open);
  layout->addLayout(row);
  runs_ = new RunList;
  layout->addWidget(runs_, 1);
  splitter.addWidget(left);
  connect(open, &QPushButton::clicked, this, &ReviewView::choose_record);
  connect(again, &QPushButton::clicked, this, &ReviewView::refresh);
  connect(bench_, &QPushButton::clicked, this, &ReviewView::open_service);
  connect(runs_, &RunList::chosen_changed, this, &ReviewView::load_chosen);
}

void ReviewView::make_right(QSplitter& splitter) {
  auto* right = new QWidget;
  auto* layout = new QVBoxLayout(right);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(8);
  auto* row = new QHBoxLayout;
  title_ = new ElidedLabel(tr("Choose a run"));
  title_->setProperty("role", QStringLiteral("title"));
  auto* copy = button(tr("Copy as i&mage"), tr("Puts what is shown on the clipboard (Ctrl+Shift+C)"));
  copy->setShortcut(QKeySequence(QStringLiteral("Ctrl+Shift+C")));
  export_ = button(tr("&Export"), tr("Writes the first chosen run to a file"));
  export_->setEnabled(false);
  row->addWidget(title_, 1);
  row->addWidget(copy);
  row->addWidget(export_);
  layout->addLayout(row);
  tabs_ = new QTabWidget;
  tabs_->setDocumentMode(false);
  time_ = new TimePage(*record_);
  cycles_ = new CyclePage;
  curves_ = new CurvePage(*record_);
  cycle_rows_ = new RowPage(RowPage::Rows::cycles);
  step_rows_ = new RowPage(RowPage::Rows::steps);
  event_rows_ = new RowPage(RowPage::Rows::events);
  tabs_->addTab(time_, tr("Time"));
  tabs_->addTab(cycles_, tr("Ageing"));
  tabs_->addTab(curves_, tr("V-Q, dQ/dV"));
  tabs_->addTab(cycle_rows_, tr("Cycles"));
  tabs_->addTab(step_rows_, tr("Steps"));
  tabs_->addTab(event_rows_, tr("Events"));
  layout->addWidget(tabs_, 1);
  status_ = new QLabel;
  status_->setWordWrap(true);
  layout->addWidget(status_);
  splitter.addWidget(right);
  connect(copy, &QPushButton::clicked, this, &ReviewView::copy_as_image);
  connect(export_, &QPushButton::clicked, this, [this] { exports_under_way_ > 0 ? exports_->cancel() : choose_export(); });
}

void ReviewView::say(const QString& text, bool is_error) {
  status_->setProperty("role", is_error ? QStringLiteral("error") : QStringLiteral("caption"));
  status_->setText(text);
  status_->setStyleSheet(status_->styleSheet());  // the role changed: look again
}

QString ReviewView::title() const { return title_->text(); }

QString ReviewView::status() const { return status_->text(); }

void ReviewView::choose_record() {
  const QString folder = is_service_ ? QString() : QFileInfo(path_).absolutePath();
  const QString path =
      QFileDialog::getOpenFileName(this, tr("Open a record"), folder, tr("cellrig records (*.db);;All files (*)"));
  if (!path.isEmpty()) open_record(path);
}

void ReviewView::open_record(const QString& path) {
  open(path, false, [file = path.toStdString()] { return FileRecord::open(file); });
}

void ReviewView::set_service(const ServiceAddress& address) {
  service_ = address;
  bench_->setVisible(path_ != address.url.toDisplayString());
  if (isVisible() && (path_.isEmpty() || is_service_)) open_service();
}

void ReviewView::open_service() {
  if (!service_) return;
  open(service_->url.toDisplayString(), true, [address = *service_]() -> Result<std::unique_ptr<RecordSource>> {
    return std::unique_ptr<RecordSource>{std::make_unique<ServiceRecord>(address)};
  });
}

// Runs come and go while somebody looks at the bench.
void ReviewView::showEvent(QShowEvent* event) {
  QWidget::showEvent(event);
  if (service_ && (path_.isEmpty() || is_service_)) open_service();
}

void ReviewView::open(const QString& name, bool is_service, std::function<Result<std::unique_ptr<RecordSource>>()> make) {
  if (name != path_) record_->cancel();  // looked at again, what is being read of it goes on
  record_->open(make, this, [this, name, is_service, make](const Result<RecordThread::Opened>& opened) {
    if (!opened) {
      if (opened.error().fault != Fault::interrupted)
        say(tr("%1 cannot be opened: %2").arg(name, to_text(opened.error().what)), true);
      load_chosen();  // what was being read of the record before goes on
      Q_EMIT record_opened(false);
      return;
    }
    if (name != path_) {
      loaded_.clear();
      chosen_.clear();
    }
    path_ = name;
    is_service_ = is_service;
    make_ = make;
    record_label_->setText(is_service ? tr("the bench's record") : QFileInfo(name).fileName());
    record_label_->setToolTip(name);
    bench_->setVisible(service_ && !is_service);
    show_runs_of(*opened);
    Q_EMIT record_opened(true);
  });
}

void ReviewView::show_runs_of(const RecordSource::Opened& opened) {
  say(to_text(opened.note), false);
  is_listing_ = true;
  runs_->show_runs(opened.runs);
  if (runs_->chosen().empty() && !opened.runs.empty()) runs_->choose(opened.runs.back().run);
  is_listing_ = false;
  load_chosen();  // also what was being read when the record was opened again
}

void ReviewView::refresh() {
  if (path_.isEmpty()) return;
  record_->cancel();
  loaded_.clear();
  chosen_.clear();
  is_service_ ? open_service() : open_record(path_);
}

void ReviewView::load_chosen() {
  if (is_listing_) return;
  std::vector<db::RunKey> chosen = runs_->chosen();
  if (chosen.size() > overlaid_runs_max) {
    chosen.resize(overlaid_runs_max);
    say(tr("No more than %1 runs are laid over each other.").arg(overlaid_runs_max), false);
  }
  const auto is_whole = [this](db::RunKey run) {
    const auto known = loaded_.find(run);
    return known != loaded_.end() && !known->second->is_overview;
  };
  if (chosen == chosen_ && !chosen.empty() && std::all_of(chosen.begin(), chosen.end(), is_whole)) return;
  record_->cancel();
  chosen_ = chosen;
  show_export_button();
  if (chosen.empty()) return;
  bool is_complete = true;
  for (const db::RunKey run : chosen) {
    if (is_whole(run)) continue;
    is_complete = false;
    title_->setText(tr("Reading run %1…").arg(run));
    record_->ask<std::shared_ptr<const LoadedRun>>(
        this, [run](RecordSource& source, const IsCancelled&) { return source.overview(run); },
        [this, run](const Result<std::shared_ptr<const LoadedRun>>& overview) {
          if (!overview || !*overview || loaded_.contains(run)) return;  // what fails is told by whoever reads all of it
          loaded_[run] = *overview;
          show_loaded();
        });
    record_->ask<std::shared_ptr<const LoadedRun>>(
        this, [run](RecordSource& source, const IsCancelled& is_cancelled) { return source.whole(run, is_cancelled); },
        [this, run](const Result<std::shared_ptr<const LoadedRun>>& loaded) {
          if (!loaded) {
            if (loaded.error().fault != Fault::interrupted) say(to_text(loaded.error().what), true);
            return;
          }
          loaded_[run] = *loaded;
          show_loaded();
        });
  }
  if (is_complete) show_loaded();
}

void ReviewView::changeEvent(QEvent* event) {
  QWidget::changeEvent(event);
  if (event->type() == QEvent::PaletteChange && event_rows_ != nullptr) show_loaded();  // another theme: other colours of lines
}

void ReviewView::show_loaded() {
  std::vector<std::shared_ptr<const LoadedRun>> runs;
  for (const db::RunKey run : chosen_) {
    const auto found = loaded_.find(run);
    if (found == loaded_.end()) return;  // the rest is still being read
    runs.push_back(found->second);
  }
  if (runs.empty()) return;
  std::erase_if(loaded_,
                [this](const auto& entry) { return std::find(chosen_.begin(), chosen_.end(), entry.first) == chosen_.end(); });
  const db::RunInfo& first = runs.front()->info;
  if (runs.size() == 1) {
    const std::string_view mark = db::mark_of(first.origin);
    title_->setText(tr("Run %1 · %2 · %3").arg(first.run).arg(to_text(first.row.profile_name), verdict_text(verdict_of(first))) +
                    (mark.empty() ? QString() : QStringLiteral(" · ") + to_text(std::string(mark))));
    title_->set_hint(first.end ? to_text(first.end->reason) : QString());
  } else {
    title_->setText(tr("%1 runs laid over each other").arg(runs.size()));
  }
  const bool is_whole = std::none_of(runs.begin(), runs.end(), [](const auto& run) { return run->is_overview; });
  if (!is_whole) title_->setText(tr("%1 · an overview; reading every row…").arg(title_->text()));
  time_->show_runs(runs);
  cycles_->show_runs(runs);
  curves_->show_runs(is_whole ? runs : std::vector<std::shared_ptr<const LoadedRun>>{});
  for (RowPage* page : {cycle_rows_, step_rows_, event_rows_}) page->show_run(runs.front());
  Q_EMIT runs_shown(static_cast<int>(runs.size()));
}

void ReviewView::copy_as_image() {
  QApplication::clipboard()->setPixmap(tabs_->currentWidget()->grab());
  say(tr("What is shown is on the clipboard."), false);
}

void ReviewView::choose_export() {
  if (chosen_.empty()) return;
  QMenu menu(this);
  const std::pair<QString, Export> kinds[] = {{tr("Samples as CSV…"), Export::samples},
                                              {tr("Cycles as CSV…"), Export::cycles},
                                              {tr("Other quantities as CSV…"), Export::other_quantities},
                                              {tr("Battery Data Format…"), Export::battery_data_format}};
  for (const auto& [text, kind] : kinds) menu.addAction(text)->setData(static_cast<int>(kind));
  const QAction* action = menu.exec(export_->mapToGlobal(QPoint(0, export_->height())));
  if (action == nullptr) return;
  const auto kind = static_cast<Export>(action->data().toInt());
  const QString path = QFileDialog::getSaveFileName(
      this, tr("Export"), (is_service_ ? QDir::home() : QDir(QFileInfo(path_).absolutePath())).filePath(export_name(kind)));
  if (!path.isEmpty()) export_to(kind, path);
}

/// Of the Battery Data Format as it recommends, the same as `cellrig export` has it.
QString ReviewView::export_name(Export what) const {
  if (chosen_.empty()) return {};
  const db::RunKey run = chosen_.front();
  const auto loaded = loaded_.find(run);
  if (what != Export::battery_data_format) return QStringLiteral("run-%1.csv").arg(run);
  if (loaded == loaded_.end()) return QStringLiteral("run-%1.bdf.csv").arg(run);
  return to_text(db::bdf_file_name(std::string(db::bdf_institution_default), loaded->second->info, static_cast<int>(run)));
}

void ReviewView::export_to(Export what, const QString& path) {
  if (chosen_.empty()) return;
  say(tr("Writing %1…").arg(path), false);
  ++exports_under_way_;
  show_export_button();
  const ExportOrder order{chosen_.front(), what, path.toStdString()};
  exports_->write_export(make_, order, this, [this, path](const Result<ExportReport>& result) {
    --exports_under_way_;
    show_export_button();
    const bool is_cancelled = !result && result.error().fault == Fault::interrupted;
    say(result         ? tr("%1 written: %2").arg(path, report_text(*result))
        : is_cancelled ? tr("The export was cancelled; nothing of it is left, and %1 is as it was.").arg(path)
                       : tr("%1 was not written: %2").arg(path, to_text(result.error().what)),
        !result && !is_cancelled);
    Q_EMIT exported(result.has_value());
  });
}

void ReviewView::show_export_button() {
  const bool is_under_way = exports_under_way_ > 0;
  export_->setText(is_under_way ? tr("Cancel &export") : tr("&Export"));
  export_->setToolTip(is_under_way ? tr("Ends what is being written; nothing of it is left")
                                   : tr("Writes the first chosen run to a file"));
  export_->setEnabled(is_under_way || !chosen_.empty());
}

void ReviewView::save_layout() const {
  QSettings settings;
  settings.setValue(QStringLiteral("review/splitter"), splitter_->saveState());
  settings.setValue(QStringLiteral("review/tab"), tabs_->currentIndex());
  settings.setValue(QStringLiteral("review/record"), is_service_ ? QString() : path_);
}

void ReviewView::restore_layout() {
  const QSettings settings;
  splitter_->restoreState(settings.value(QStringLiteral("review/splitter")).toByteArray());
  tabs_->setCurrentIndex(settings.value(QStringLiteral("review/tab"), 0).toInt());
}

}  // namespace cellrig::ui
