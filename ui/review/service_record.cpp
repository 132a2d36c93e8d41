#include "ui/review/service_record.hpp"

#include <QEventLoop>
#include <QFileInfo>
#include <QNetworkProxy>
#include <QSaveFile>
#include <QThread>
#include <QTimer>
#include <QUrl>
#include <algorithm>
#include <cmath>
#include <utility>

#include "db/export/bdf.hpp"
#include "ui/api_client/api_client.hpp"
#include "ui/api_client/http_request.hpp"
#include "ui/model/step_places.hpp"
#include "ui/model/text.hpp"
#include "ui/review/service_views.hpp"

namespace cellrig::ui {

namespace {

constexpr int record_answer_within_ms =
    120'000;  // of silence: for some quantities a run of many millions of rows is read whole before the first byte comes
constexpr int looks_every_ms = 50;
constexpr qint64 unread_bytes_max = 4 << 20;
constexpr std::size_t rows_of_page = 10'000, runs_of_page = 500;
constexpr std::size_t runs_shown_max = 20'000;  // the latest of them
constexpr int attempts_max = 20;                // of what the service is too busy for, one a second

Error not_wanted() { return fail(Fault::interrupted, "nobody wants it any more"); }

QString run_path(db::RunKey run, const QString& what) { return QStringLiteral("/runs/%1%2").arg(run).arg(what); }

QString samples_path(db::RunKey run, const char* quantities) {
  return run_path(
      run,
      QStringLiteral("/samples?points=%1&quantities=%2").arg(ServiceRecord::points_of_run).arg(QString::fromLatin1(quantities)));
}

QString range_of(double from_s, std::optional<double> to_s) {
  const auto number = [](double value) { return QString::number(value, 'f', 9); };
  constexpr double slack_s = 1e-6;  // the last digit of a time must leave out no row at the edge
  QString text = QStringLiteral("&from_s=") + number(std::max(from_s - slack_s, 0.0));
  if (to_s) text += QStringLiteral("&to_s=") + number(std::max(*to_s + slack_s, 0.0));
  return text;
}

constexpr const char* shown_quantities = "voltage_V,current_A,cell_temperature_degC,ambient_temperature_degC";

void append_columns(RunTraces& traces, const api::Columns& columns) {
  for (std::size_t i = 0; i < row_count_of(columns); ++i) {
    const double t = column_value(columns, "test_time_s", i);
    traces.voltage_V->append({t, column_value(columns, "voltage_V", i)});
    traces.current_A->append({t, column_value(columns, "current_A", i)});
    traces.cell_temperature_degC->append({t, column_value(columns, "cell_temperature_degC", i)});
    traces.ambient_temperature_degC->append({t, column_value(columns, "ambient_temperature_degC", i)});
  }
}

RowPlace row_place_of(const api::Columns& columns, std::size_t row) {
  const double count = column_value(columns, "step_count", row);
  return {.test_time_s = column_value(columns, "test_time_s", row),
          .step_count = std::isfinite(count) ? std::optional(static_cast<std::int64_t>(count)) : std::nullopt,
          .step_time_s = column_value(columns, "step_time_s", row),
          .charge_Ah = column_value(columns, "step_charge_Ah", row),
          .discharge_Ah = column_value(columns, "step_discharge_Ah", row)};
}

/// Of a step that has more rows than the service gives at once.
std::string thinning_of(const api::SamplesView& samples) {
  if (!samples.is_decimated) return {};
  return ApiClient::tr("from %L1 of %L2 rows, every least and greatest value among them")
      .arg(row_count_of(samples.columns))
      .arg(samples.row_count)
      .toStdString();
}

Error error_of_answer(int status, const QByteArray& body, bool is_over_loaded) {
  const api::ErrorDetail detail = ApiClient::error_of(status, body);
  if (status == 0) return fail(Fault::link_lost, error_text(detail).toStdString());
  return fail(is_over_loaded ? Fault::busy : Fault::refused, error_text(detail).toStdString());
}

}  // namespace

ServiceRecord::ServiceRecord(ServiceAddress address) : address_(std::move(address)) { network_.setProxy(QNetworkProxy::NoProxy); }

// ---- one answer -----------------------------------------------------------------------------------------------------

void ServiceRecord::wait_for(QNetworkReply& reply, const IsCancelled& is_cancelled, const std::function<void()>& on_data) {
  QEventLoop loop;
  QTimer look;
  look.setInterval(looks_every_ms);
  QObject::connect(&reply, &QNetworkReply::finished, &loop, &QEventLoop::quit);
  QObject::connect(&reply, &QNetworkReply::readyRead, &loop, on_data);
  QObject::connect(&look, &QTimer::timeout, &loop, [&] {
    if (is_cancelled()) reply.abort();
  });
  look.start();
  if (!reply.isFinished()) loop.exec();
  if (!reply.isFinished()) reply.abort();  // the thread is to end
}

Result<void> ServiceRecord::try_to_fetch(const QString& path, const Take& take, const IsCancelled& is_cancelled) {
  constexpr int ok = 200, too_many_requests = 429, too_busy = 503;
  if (is_cancelled()) return not_wanted();
  QNetworkRequest request = http_request(address_, path);
  request.setTransferTimeout(record_answer_within_ms);
  const std::unique_ptr<QNetworkReply> reply(network_.get(request));
  reply->setReadBufferSize(unread_bytes_max);
  QByteArray refusal;
  bool is_taken = true;
  const auto status = [&] { return reply->attribute(QNetworkRequest::HttpStatusCodeAttribute).toInt(); };
  const auto take_what_came = [&] {
    const QByteArray piece = reply->isOpen() ? reply->readAll() : QByteArray();  // closed: it was broken off
    if (piece.isEmpty() || !is_taken) return;
    if (status() != ok) {
      refusal += piece;
    } else if (!take(piece)) {
      is_taken = false;
      reply->abort();
    }
  };
  wait_for(*reply, is_cancelled, take_what_came);
  take_what_came();
  if (is_cancelled()) return not_wanted();
  if (!is_taken) return fail(Fault::device_fault, "what came could not be kept");
  if (status() == 0) return error_of_answer(0, reply->errorString().toUtf8(), false);
  if (status() != ok) return error_of_answer(status(), refusal, status() == too_many_requests || status() == too_busy);
  if (reply->error() != QNetworkReply::NoError)
    return fail(Fault::link_lost, "the answer broke off: " + reply->errorString().toStdString());
  return {};
}

Result<void> ServiceRecord::fetch(const QString& path, const Take& take, const IsCancelled& is_cancelled) {
  constexpr int pause_ms = 1000;
  Result<void> done = try_to_fetch(path, take, is_cancelled);
  for (int attempt = 1; attempt < attempts_max && !done && done.error().fault == Fault::busy; ++attempt) {
    for (int waited_ms = 0; waited_ms < pause_ms && !is_cancelled(); waited_ms += looks_every_ms)
      QThread::msleep(static_cast<unsigned long>(looks_every_ms));
    done = try_to_fetch(path, take, is_cancelled);
  }
  return done;
}

template <class M>
Result<M> ServiceRecord::get(const QString& path, const IsCancelled& is_cancelled) {
  constexpr std::size_t answer_bytes_max = std::size_t{64} << 20;
  std::string body;
  const Take take = [&body](const QByteArray& piece) {
    body.append(piece.constData(), static_cast<std::size_t>(piece.size()));
    return body.size() <= answer_bytes_max;
  };
  if (const Result<void> done = fetch(path, take, is_cancelled); !done) return done.error();
  const api::Decoded<M> message = api::from_json<M>(body, api::UnknownFields::ignored);
  if (!message)
    return fail(Fault::malformed, "the service said what this window does not understand: " + message.error().message);
  return *message;
}

// ---- what Review asks -----------------------------------------------------------------------------------------------

Result<RecordSource::Opened> ServiceRecord::runs(const IsCancelled& is_cancelled) {
  Opened opened;
  std::optional<std::int64_t> before;
  while (opened.runs.size() < runs_shown_max) {
    QString path = QStringLiteral("/runs?limit=%1").arg(runs_of_page);
    if (before) path += QStringLiteral("&before=%1").arg(*before);
    const Result<std::vector<api::RunView>> page = get<std::vector<api::RunView>>(path, is_cancelled);
    if (!page) return page.error();
    for (const api::RunView& view : *page) opened.runs.push_back(run_info_of(view));
    if (page->size() < runs_of_page) break;
    before = page->back().run;
  }
  if (opened.runs.size() >= runs_shown_max)
    opened.note = ApiClient::tr("The latest %1 runs are shown.").arg(runs_shown_max).toStdString();
  std::reverse(opened.runs.begin(), opened.runs.end());
  return opened;
}

Result<std::shared_ptr<const LoadedRun>> ServiceRecord::overview(db::RunKey) { return std::shared_ptr<const LoadedRun>{}; }

Result<std::vector<api::StepView>> ServiceRecord::steps(db::RunKey run, const IsCancelled& is_cancelled) {
  std::vector<api::StepView> all;
  std::int64_t after = 0;
  while (true) {
    const QString path = run_path(run, QStringLiteral("/steps?limit=%1&after=%2").arg(rows_of_page).arg(after));
    Result<std::vector<api::StepView>> page = get<std::vector<api::StepView>>(path, is_cancelled);
    if (!page) return page.error();
    const bool is_last = page->size() < rows_of_page;
    // An interruption makes several parts of one execution: the last one of a full page may have more of them.
    const std::int64_t last = page->empty() ? after : page->back().step_count;
    const bool has_others = !page->empty() && page->front().step_count != last;
    if (!is_last && has_others) std::erase_if(*page, [last](const api::StepView& step) { return step.step_count == last; });
    all.insert(all.end(), page->begin(), page->end());
    if (is_last) return all;
    after = has_others ? last - 1 : last;
  }
}

Result<std::vector<db::CycleRow>> ServiceRecord::cycles(db::RunKey run, const IsCancelled& is_cancelled) {
  std::vector<db::CycleRow> all;
  std::int64_t after = -1;
  while (true) {
    const QString more = after < 0 ? QString() : QStringLiteral("&after=%1").arg(after);
    const QString path = run_path(run, QStringLiteral("/cycles?limit=%1").arg(rows_of_page)) + more;
    const Result<std::vector<api::CycleView>> page = get<std::vector<api::CycleView>>(path, is_cancelled);
    if (!page) return page.error();
    for (const api::CycleView& view : *page) all.push_back(cycle_row_of(view));
    if (page->size() < rows_of_page) return all;
    after = page->back().cycle;
  }
}

Result<std::vector<api::ExpectedCurveView>> ServiceRecord::expected(db::RunKey run, const IsCancelled& is_cancelled) {
  std::vector<api::ExpectedCurveView> all;
  while (true) {
    const QString path = run_path(run, QStringLiteral("/expected?after=%1").arg(all.size()));
    const auto page = get<std::vector<api::ExpectedCurveView>>(path, is_cancelled);
    if (!page) return page.error();
    if (page->empty()) return all;
    all.insert(all.end(), page->begin(), page->end());
  }
}

Result<void> ServiceRecord::add_pressure(db::RunKey run, RunTraces& traces, const IsCancelled& is_cancelled) {
  const auto samples = get<api::SamplesView>(samples_path(run, "stack_pressure_MPa"), is_cancelled);
  if (!samples) return samples.error().fault == Fault::refused ? Result<void>{} : Result<void>{samples.error()};  // it has none
  for (std::size_t i = 0; i < row_count_of(samples->columns); ++i) {
    traces.pressure_MPa->append(
        {column_value(samples->columns, "test_time_s", i), column_value(samples->columns, "stack_pressure_MPa", i)});
  }
  return {};
}

Result<void> ServiceRecord::add_expected(db::RunKey run, const std::vector<api::StepView>& steps, RunTraces& traces,
                                         const IsCancelled& is_cancelled) {
  const Result<std::vector<api::ExpectedCurveView>> views = expected(run, is_cancelled);
  if (!views) return views.error();
  const ExpectedCurves curves = expected_curves_of(*views);
  if (curves.is_empty()) return {};
  const auto samples =
      get<api::SamplesView>(samples_path(run, "step_count,step_time_s,step_charge_Ah,step_discharge_Ah"), is_cancelled);
  if (!samples) return samples.error();
  for (std::size_t i = 0; i < row_count_of(samples->columns); ++i) {
    const RowPlace row = row_place_of(samples->columns, i);
    const api::StepView* const step = step_of(steps, row);
    const std::optional<ExpectedPoint> point = step == nullptr ? std::nullopt : curves.at(place_of(steps, *step, row));
    if (!point) continue;
    traces.expected_voltage_V->append({row.test_time_s, point->voltage_V});
    traces.expected_temperature_degC->append({row.test_time_s, point->cell_temperature_degC});
  }
  return {};
}

Result<std::shared_ptr<const LoadedRun>> ServiceRecord::whole(db::RunKey run, const IsCancelled& is_cancelled) {
  constexpr int events_max = 5000;
  auto loaded = std::make_shared<LoadedRun>();
  const Result<api::RunView> view = get<api::RunView>(run_path(run, {}), is_cancelled);
  if (!view) return view.error();
  const Result<std::vector<api::StepView>> step_views = steps(run, is_cancelled);
  if (!step_views) return step_views.error();
  Result<std::vector<db::CycleRow>> cycle_rows = cycles(run, is_cancelled);
  if (!cycle_rows) return cycle_rows.error();
  const auto events =
      get<std::vector<api::EventView>>(run_path(run, QStringLiteral("/events?limit=%1").arg(events_max)), is_cancelled);
  if (!events) return events.error();
  loaded->info = run_info_of(*view);
  loaded->steps = step_infos_of(*step_views);
  loaded->cycles = *std::move(cycle_rows);
  for (auto event = events->rbegin(); event != events->rend(); ++event) loaded->events.push_back(event_row_of(*event));
  loaded->traces = new_traces();
  const auto samples = get<api::SamplesView>(samples_path(run, shown_quantities), is_cancelled);
  if (!samples) return samples.error();
  append_columns(loaded->traces, samples->columns);
  loaded->is_thinned = samples->is_decimated;
  if (const Result<void> done = add_pressure(run, loaded->traces, is_cancelled); !done) return done.error();
  if (const Result<void> done = add_expected(run, *step_views, loaded->traces, is_cancelled); !done) return done.error();
  return std::shared_ptr<const LoadedRun>{std::move(loaded)};
}

Result<std::shared_ptr<const RunTraces>> ServiceRecord::stretch(const StretchOrder& order, const IsCancelled& is_cancelled) {
  const QString path = samples_path(order.run, shown_quantities) + range_of(order.window.from, order.window.to);
  const auto samples = get<api::SamplesView>(path, is_cancelled);
  if (!samples) return samples.error();
  auto traces = std::make_shared<RunTraces>(new_traces());
  append_columns(*traces, samples->columns);
  return std::shared_ptr<const RunTraces>{std::move(traces)};
}

Result<std::vector<CycleCurve>> ServiceRecord::curves(const CurveOrder& order, const IsCancelled& is_cancelled) {
  const Result<std::vector<api::StepView>> views = steps(order.run, is_cancelled);
  if (!views) return views.error();
  const std::vector<db::StepInfo> infos = step_infos_of(*views);
  const char* const quantities =
      "voltage_V,current_A,step_charge_Ah,step_discharge_Ah,step_time_s,step_count,is_constant_voltage,is_after_gap";
  std::vector<CycleCurve> curves;
  for (const std::int64_t cycle : order.cycles) {
    for (const bool is_charge : {true, false}) {
      CycleCurveBuilder builder{order, cycle, is_charge};
      for (std::size_t i = 0; i < infos.size(); ++i) {
        if (!is_part_of(infos[i], cycle, is_charge)) continue;
        const QString range = range_of((*views)[i].started_test_time_s, (*views)[i].ended_test_time_s);
        const auto samples = get<api::SamplesView>(samples_path(order.run, quantities) + range, is_cancelled);
        if (!samples) return samples.error();
        builder.add_step(curve_points_of(samples->columns, infos[i].row.step_count), thinning_of(*samples));
      }
      if (!builder.is_empty()) curves.push_back(builder.curve());
    }
  }
  return curves;
}

// ---- export ---------------------------------------------------------------------------------------------------------

/// In one piece: the file appears under its name when it is whole, or not at all. Qt takes some answers that broke off for whole ones: the last
/// line says which it is.
Result<std::uint64_t> ServiceRecord::download(const QString& path, const QString& file, const IsCancelled& is_cancelled) {
  const QByteArray end_line = api::export_end_line;
  QSaveFile target(file);
  const auto trouble = [&target, &file] {
    return fail(Fault::device_fault, (file + QStringLiteral(": ") + target.errorString()).toStdString());
  };
  if (!target.open(QIODevice::WriteOnly)) return trouble();
  std::uint64_t bytes = 0;
  QByteArray held_back;  // what may be the last line
  const Take take = [&](const QByteArray& piece) {
    held_back += piece;
    const qsizetype count = std::max<qsizetype>(0, held_back.size() - end_line.size());
    const bool is_written = target.write(held_back.constData(), count) == count;
    held_back.remove(0, count);
    bytes += static_cast<std::uint64_t>(count);
    return is_written;
  };
  const Result<void> done = fetch(path + QStringLiteral("&end_line=yes"), take, is_cancelled);
  if (!done) return done.error().fault == Fault::device_fault ? trouble() : done.error();
  if (held_back != end_line) return fail(Fault::link_lost, "the answer broke off");
  if (!target.commit()) return trouble();
  return bytes;
}

Result<ExportReport> ServiceRecord::write_export(const ExportOrder& order, const IsCancelled& is_cancelled) {
  const auto path = [&order](const char* format) {
    return run_path(order.run, QStringLiteral("/export?format=") + QString::fromLatin1(format));
  };
  const QString file = to_text(order.path);
  const char* const formats[] = {"samples", "cycles", "other", "bdf"};
  const bool is_bdf = order.kind == ExportKind::battery_data_format;
  const QString beside = to_text(db::bdf_metadata_path(order.path));
  // Whoever replaces the data replaces what stands beside them; metadata without such data belong to others.
  if (is_bdf && QFileInfo::exists(beside) && !QFileInfo::exists(file))
    return fail(Fault::refused, beside.toStdString() + " exists: an export replaces nothing");
  const Result<std::uint64_t> bytes = download(path(formats[static_cast<int>(order.kind)]), file, is_cancelled);
  if (!bytes) return bytes.error();
  ExportReport report{.bytes = *bytes};
  if (!is_bdf) return report;
  const QString name = QString::fromLatin1(QUrl::toPercentEncoding(QFileInfo(file).fileName()));
  const Result<std::uint64_t> metadata = download(path("bdf-metadata") + QStringLiteral("&name=") + name, beside, is_cancelled);
  if (!metadata) {  // no longer as if nothing had been written
    const Fault fault = metadata.error().fault == Fault::interrupted ? Fault::refused : metadata.error().fault;
    return fail(fault, "the data are written, their metadata are not: " + metadata.error().what);
  }
  report.metadata_path = beside.toStdString();
  return report;
}

}  // namespace cellrig::ui
