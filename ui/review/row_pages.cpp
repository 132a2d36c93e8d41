#include "ui/review/row_pages.hpp"

#include <QHeaderView>
#include <QVBoxLayout>

#include "ui/chart/palette.hpp"
#include "ui/model/table_model.hpp"
#include "ui/model/table_view.hpp"
#include "ui/model/seconds.hpp"
#include "ui/model/text.hpp"
#include "ui/model/verdict_text.hpp"

namespace cellrig::ui {

namespace {

using RunPointer = std::shared_ptr<const LoadedRun>;

TableColumn number_column(const QString& title, int decimals, std::function<std::optional<double>(int)> value) {
  return {title,
          [value, decimals](int row) { return number_text(value(row), decimals); },
          [value](int row) { return QVariant(value(row).value_or(-1e300)); },
          true,
          {}};
}

TableColumn text_column(const QString& title, std::function<QString(int)> text) {
  return {title, std::move(text), {}, false, {}};
}

TableColumn time_column(const QString& title, std::function<double(int)> seconds) {
  return {title,
          [seconds](int row) { return duration_text(seconds(row)); },
          [seconds](int row) { return QVariant(seconds(row)); },
          true,
          {}};
}

std::vector<TableColumn> cycle_columns(const RunPointer& run) {
  const auto at = [&run](int row) -> const db::CycleRow& { return run->cycles[static_cast<std::size_t>(row)]; };
  const auto percent = [](std::optional<double> share) { return share ? std::optional<double>(*share * 100) : std::nullopt; };
  using Number = std::optional<double>;
  return {
      number_column(RowPage::tr("Cycle"), 0, [at](int r) { return Number(static_cast<double>(at(r).cycle)); }),
      text_column(RowPage::tr("Kind"),
                  [at](int r) { return at(r).is_reference ? RowPage::tr("reference") : RowPage::tr("cycle"); }),
      number_column(RowPage::tr("Charge, Ah"), 4, [at](int r) { return Number(at(r).charge_Ah); }),
      number_column(RowPage::tr("Discharge, Ah"), 4, [at](int r) { return Number(at(r).discharge_Ah); }),
      number_column(RowPage::tr("Charge, Wh"), 3, [at](int r) { return Number(at(r).charge_Wh); }),
      number_column(RowPage::tr("Discharge, Wh"), 3, [at](int r) { return Number(at(r).discharge_Wh); }),
      number_column(RowPage::tr("Coulombic eff., %"), 2, [at, percent](int r) { return percent(at(r).coulombic_efficiency); }),
      number_column(RowPage::tr("Energy eff., %"), 2, [at, percent](int r) { return percent(at(r).energy_efficiency); }),
      number_column(RowPage::tr("Retention, %"), 2, [at, percent](int r) { return percent(at(r).retention); }),
      number_column(RowPage::tr("Charge time, min"), 1, [at](int r) { return Number(at(r).charge_time_s / s_per_min); }),
      number_column(RowPage::tr("Warmest, °C"), 1, [at](int r) { return at(r).cell_temperature_max_degC; })};
}

std::vector<TableColumn> step_columns(const RunPointer& run) {
  using Number = std::optional<double>;
  const auto at = [&run](int row) -> const db::StepInfo& { return run->steps[static_cast<std::size_t>(row)]; };
  const auto end_value = [at](auto member) {
    return [at, member](int r) -> Number { return at(r).end ? Number((*at(r).end).*member) : std::nullopt; };
  };
  const auto duration = [at](int r) {
    return at(r).end ? seconds_of(at(r).end->ended_test_time_ns - at(r).row.started_test_time_ns) : std::nan("");
  };
  const auto reason = [at](int r) {
    if (!at(r).end) return RowPage::tr("not ended");
    const QString condition = to_text(at(r).end->condition);
    return condition.isEmpty() ? to_text(at(r).end->reason) : to_text(at(r).end->reason) + QStringLiteral(": ") + condition;
  };
  return {number_column(RowPage::tr("No."), 0, [at](int r) { return Number(static_cast<double>(at(r).row.step_count)); }),
          number_column(RowPage::tr("Cycle"), 0, [at](int r) { return Number(static_cast<double>(at(r).row.cycle)); }),
          text_column(RowPage::tr("Step"), [at](int r) { return to_text(at(r).row.name); }),
          text_column(RowPage::tr("Set-point"), [at](int r) { return to_text(at(r).row.setpoint_text); }),
          time_column(RowPage::tr("Began at"), [at](int r) { return seconds_of(at(r).row.started_test_time_ns); }),
          time_column(RowPage::tr("Lasted"), duration),
          text_column(RowPage::tr("Ended by"), reason),
          number_column(RowPage::tr("Value"), 4, [at](int r) { return at(r).end ? at(r).end->value : Number{}; }),
          number_column(RowPage::tr("Margin"), 4, [at](int r) { return at(r).end ? at(r).end->margin : Number{}; }),
          number_column(RowPage::tr("Ah in"), 4, end_value(&db::StepEndRow::charge_Ah)),
          number_column(RowPage::tr("Ah out"), 4, end_value(&db::StepEndRow::discharge_Ah)),
          number_column(RowPage::tr("CV time, s"), 0, end_value(&db::StepEndRow::cv_time_s)),
          number_column(RowPage::tr("Warmest, °C"), 1,
                        [at](int r) { return at(r).end ? at(r).end->cell_temperature_max_degC : Number{}; })};
}

std::vector<TableColumn> event_columns(const RunPointer& run) {
  const auto at = [&run](int row) -> const db::EventRow& { return run->events[static_cast<std::size_t>(row)]; };
  TableColumn severity = text_column(RowPage::tr("Severity"), [at](int r) { return severity_text(at(r).severity); });
  severity.key = [at](int r) { return QVariant(static_cast<int>(at(r).severity)); };
  severity.colour = [at](int r) -> std::optional<QColor> { return severity_colour(at(r).severity); };
  return {time_column(RowPage::tr("Test time"), [at](int r) { return seconds_of(at(r).test_time_ns); }),
          text_column(RowPage::tr("Clock"), [at](int r) { return instant_text(at(r).utc); }), severity,
          text_column(RowPage::tr("Kind"), [at](int r) { return to_text(at(r).kind); }),
          text_column(RowPage::tr("What happened"), [at](int r) { return to_text(at(r).message); })};
}

}  // namespace

RowPage::RowPage(Rows rows, QWidget* parent) : QWidget(parent), rows_(rows) {
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(8, 8, 8, 8);
  table_ = new TableView;
  layout->addWidget(table_);
  switch (rows) {
    case Rows::cycles:
      model_ = new TableModel(cycle_columns(run_), this);
      table_->setAccessibleName(tr("Cycles"));
      break;
    case Rows::steps:
      model_ = new TableModel(step_columns(run_), this);
      table_->setAccessibleName(tr("Steps and why they ended"));
      break;
    case Rows::events:
      model_ = new TableModel(event_columns(run_), this);
      table_->setAccessibleName(tr("Events"));
      break;
  }
  table_->show_model(model_);
}

void RowPage::show_run(std::shared_ptr<const LoadedRun> run) {
  model_->set_row_count(0);
  run_ = std::move(run);
  if (!run_) return;
  const std::size_t rows = rows_ == Rows::cycles  ? run_->cycles.size()
                           : rows_ == Rows::steps ? run_->steps.size()
                                                  : run_->events.size();
  model_->set_row_count(static_cast<int>(rows));
  table_->horizontalHeader()->setResizeContentsPrecision(200);
  table_->resizeColumnsToContents();
}

}  // namespace cellrig::ui
