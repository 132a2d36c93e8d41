// Review: what was recorded, by the service this window is connected to, or in a database file that is opened read-only and needs no service.
#pragma once

#include <QWidget>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "ui/api_client/service_address.hpp"
#include "ui/review/record_source.hpp"

class QLabel;
class QPushButton;
class QSplitter;
class QTabWidget;

namespace cellrig::ui {

class CurvePage;
class CyclePage;
class ElidedLabel;
class RecordThread;
class RowPage;
class RunList;
class TimePage;

class ReviewView : public QWidget {
  Q_OBJECT
 public:
  explicit ReviewView(QWidget* parent = nullptr);
  ~ReviewView() override;

  void open_record(const QString& path);
  /// Looks again for runs and rows: the record may be growing.
  void refresh();
  [[nodiscard]] QString record_path() const { return path_; }

  /// The bench this window is connected to. What it recorded is shown unless somebody opened a file; it is asked when Review is looked at.
  void set_service(const ServiceAddress& address);
  /// The record of that bench, whatever is shown now.
  void open_service();
  [[nodiscard]] bool shows_service() const { return is_service_; }

  using Export = ExportKind;
  /// Of the first chosen run. Whatever went wrong stands in the status line.
  [[nodiscard]] QString export_name(Export what) const;
  void export_to(Export what, const QString& path);
  void copy_as_image();

  void save_layout() const;
  void restore_layout();
  [[nodiscard]] QPushButton& bench_button() { return *bench_; }
  [[nodiscard]] QPushButton& export_button() { return *export_; }
  [[nodiscard]] RunList& run_list() { return *runs_; }
  [[nodiscard]] CurvePage& curve_page() { return *curves_; }
  [[nodiscard]] TimePage& time_page() { return *time_; }
  [[nodiscard]] QTabWidget& tabs() { return *tabs_; }
  [[nodiscard]] QString title() const;
  [[nodiscard]] QString status() const;

 Q_SIGNALS:
  void record_opened(bool is_open);
  void runs_shown(int count);
  void exported(bool is_done);

 protected:
  void changeEvent(QEvent* event) override;
  void showEvent(QShowEvent* event) override;

 private:
  void make_left(QSplitter& splitter);
  void make_right(QSplitter& splitter);
  void choose_record();
  void open(const QString& name, bool is_service, std::function<Result<std::unique_ptr<RecordSource>>()> make);
  void show_runs_of(const RecordSource::Opened& opened);
  void choose_export();
  void show_export_button();  ///< which cancels while something is written
  void load_chosen();
  void show_loaded();
  void say(const QString& text, bool is_error);

  RecordThread* record_ = nullptr;
  RecordThread* exports_ = nullptr;  ///< whoever chooses another run meanwhile neither waits for an export nor breaks it off
  std::function<Result<std::unique_ptr<RecordSource>>()> make_;  ///< what is open, once more
  QString path_;                                                 ///< of the file, or the URL of the service
  bool is_service_ = false, is_listing_ = false;
  std::optional<ServiceAddress> service_;
  QSplitter* splitter_ = nullptr;
  QLabel* record_label_ = nullptr;
  ElidedLabel* title_ = nullptr;
  QLabel* status_ = nullptr;
  RunList* runs_ = nullptr;
  QPushButton* export_ = nullptr;
  int exports_under_way_ = 0;
  QPushButton* bench_ = nullptr;
  QTabWidget* tabs_ = nullptr;
  TimePage* time_ = nullptr;
  CyclePage* cycles_ = nullptr;
  CurvePage* curves_ = nullptr;
  RowPage* cycle_rows_ = nullptr;
  RowPage* step_rows_ = nullptr;
  RowPage* event_rows_ = nullptr;
  std::vector<db::RunKey> chosen_;
  std::map<db::RunKey, std::shared_ptr<const LoadedRun>> loaded_;
};

}  // namespace cellrig::ui
