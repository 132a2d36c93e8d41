// The start page: what it asks the service, and how the answers are shown.
#include <QComboBox>
#include <QDir>
#include <QFile>
#include <QFileDialog>
#include <QFileInfo>
#include <QLabel>
#include <QLineEdit>
#include <QListWidget>
#include <QSettings>
#include <algorithm>

#include "ui/api_client/api_client.hpp"
#include "ui/chart/palette.hpp"
#include "ui/chart/trace_chart.hpp"
#include "ui/dialogs/parameter_form.hpp"
#include "ui/dialogs/person_dialog.hpp"
#include "ui/dialogs/start_page.hpp"
#include "ui/model/text.hpp"

namespace cellrig::ui {

namespace {
constexpr int rehearsal_every_ms = 300;
constexpr int findings_shown_max = 6;

QString place_of(const api::FindingView& finding) {
  if (finding.file.empty()) return {};
  return to_text(finding.file).section(QLatin1Char('/'), -1) + QStringLiteral(":%1: ").arg(finding.line);
}

/// "cell_temperature_max_degC" -> "cell temperature max": the unit has a column of its own. In one line.
QString limit_words(const api::ApproachView& limit) {
  QString words = to_text(limit.limit);
  const QString unit = QLatin1Char('_') + to_text(limit.unit).replace(QLatin1Char('/'), QStringLiteral("_per_"));
  if (words.endsWith(unit)) words.chop(unit.size());
  return words.replace(QLatin1Char('_'), QChar(QChar::Nbsp)).toHtmlEscaped();
}

/// Spaces that do not break: a cell of two lines would tear the rows apart.
QString table_line(const QString& name, const QString& limit, const QString& nearest, const QString& unit) {
  return QStringLiteral(
             "<tr><td>%1&nbsp;&nbsp;</td><td align='right'>%2&nbsp;&nbsp;</td><td "
             "align='right'>%3&nbsp;&nbsp;</td><td>%4</td></tr>")
      .arg(name, limit, nearest, unit);
}

QString approach_line(const api::ApproachView& limit) {
  return table_line(limit_words(limit), number_text(limit.bound, 2), number_text(limit.nearest, 2),
                    limit.unit == "degC" ? QStringLiteral("°C") : to_text(limit.unit).toHtmlEscaped());
}
}  // namespace

void StartPage::fetch_cells(const QString& wanted) {
  client_.get<std::vector<api::CellView>>(QStringLiteral("/cells"), this, [this, wanted](const auto& cells) {
    if (!cells) return;
    const QStringList recent = QSettings().value(QStringLiteral("start/recent_cells")).toStringList();
    cell_->clear();
    for (const api::CellView& cell : *cells) {
      const QString title = to_text(cell.title.empty() ? cell.name : cell.title);
      const int at = recent.contains(to_text(cell.name)) ? 0 : cell_->count();
      cell_->insertItem(at, title, to_text(cell.name));
    }
    const QString first = !wanted.isEmpty() ? wanted : recent.value(0);
    cell_->setCurrentIndex(std::max(0, cell_->findData(first)));
  });
}

void StartPage::choose_cell_file() {
  const QString path =
      QFileDialog::getOpenFileName(this, tr("A cell file"), QDir::homePath(), tr("Cell files (*.yaml *.yml);;All files (*)"));
  if (!path.isEmpty()) add_cell_file(path);
}

void StartPage::add_cell_file(const QString& path) {
  constexpr qint64 bytes_max = 48 * 1024;  // the service takes no more in one piece
  QFile file(path);
  if (!file.open(QIODevice::ReadOnly)) {
    Q_EMIT said(tr("%1: %2").arg(path, file.errorString()), true);
    return;
  }
  if (file.size() > bytes_max) {
    Q_EMIT said(tr("%1 is too large to be a cell file").arg(path), true);
    return;
  }
  api::CellFileOrder order;
  order.name = QFileInfo(path).completeBaseName().toStdString();
  order.text = file.readAll().toStdString();
  auto* dialog =
      new PersonDialog({tr("Add a cell file"),
                        tr("%1 becomes the cell '%2' of the bench. What it says limits a real cell, and stays as it is.")
                            .arg(path, to_text(order.name)),
                        tr("Reason"), tr("Add the cell")},
                       this);
  if (dialog->name_field().text().isEmpty()) dialog->name_field().setText(operator_->text().trimmed());
  dialog->on_done([this, path, order](const QString& name, const QString& reason) mutable {
    order.operator_name = name.toStdString();
    order.reason = reason.toStdString();
    send_cell_file(path, order);
  });
  dialog->show();
}

void StartPage::send_cell_file(const QString& path, const api::CellFileOrder& order) {
  client_.post<api::CellView>({QStringLiteral("/cells"), {}}, order, this, [this, path](const Answer<api::CellView>& answer) {
    if (!answer) {
      Q_EMIT said(tr("%1 was not taken: %2").arg(path, error_text(answer.error())), true);
      return;
    }
    Q_EMIT said(tr("The bench has the cell '%1' now.").arg(to_text(answer->name)), false);
    fetch_cells(to_text(answer->name));
  });
}

void StartPage::check() {
  const StartFacts known = facts();
  if (!known.is_connected || known.channel.empty() || known.cell.empty() || known.profile.empty() ||
      !known.are_parameters_readable)
    return;
  const int question = question_;
  client_.post<api::CheckReport>({QStringLiteral("/check"), {}},
                                 api::CheckOrder{known.profile, known.cell, known.channel, parameters_->values()}, this,
                                 [this, question](const Answer<api::CheckReport>& report) {
                                   if (question != question_) return;
                                   if (report) {
                                     check_ = *report;
                                   } else {
                                     check_ = api::CheckReport{};
                                     api::FindingView finding;
                                     finding.text = error_text(report.error()).toStdString();
                                     check_->findings.push_back(std::move(finding));
                                   }
                                   show_findings();
                                   look();
                                   if (!check_->is_accepted) return;
                                   rehearse();
                                   preflight();
                                 });
}

void StartPage::rehearse() {
  const StartFacts known = facts();
  const int question = question_;
  client_.post<api::JobAccepted>({QStringLiteral("/rehearse"), {}},
                                 api::CheckOrder{known.profile, known.cell, known.channel, parameters_->values()}, this,
                                 [this, question](const Answer<api::JobAccepted>& job) {
                                   if (question != question_) return;
                                   rehearsal_ = api::RehearsalView{};
                                   if (job) {
                                     rehearsal_->job = job->job;
                                     poll_rehearsal();
                                   } else {
                                     rehearsal_->state = api::JobState::failed;
                                     rehearsal_->text = error_text(job.error()).toStdString();
                                   }
                                   show_rehearsal();
                                   look();
                                 });
}

void StartPage::poll_rehearsal() {
  if (!rehearsal_) return;
  const int question = question_;
  client_.get<api::RehearsalView>(
      QStringLiteral("/rehearsals/%1").arg(rehearsal_->job), this, [this, question](const Answer<api::RehearsalView>& view) {
        if (question != question_) return;
        if (view) rehearsal_ = *view;
        const bool goes_on = !view || view->state == api::JobState::waiting || view->state == api::JobState::running;
        if (goes_on) rehearsal_timer_.start(rehearsal_every_ms);
        show_rehearsal();
        look();
      });
}

void StartPage::preflight() {
  const StartFacts known = facts();
  if (!isVisible() || !known.is_connected || !known.check || !known.check->is_accepted) return;
  const int question = question_;
  const QString path =
      QStringLiteral("/channels/%1/preflight").arg(QString::fromUtf8(QUrl::toPercentEncoding(to_text(known.channel))));
  client_.post<std::vector<api::PreflightItem>>(
      {path, {}}, api::PreflightOrder{known.profile, known.cell, cell_id_->text().trimmed().toStdString(), parameters_->values()},
      this, [this, question](const Answer<std::vector<api::PreflightItem>>& items) {
        if (question != question_) return;
        if (items) {
          preflight_ = *items;
        } else {
          preflight_ = {{"preflight", api::PreflightState::refused, error_text(items.error()).toStdString()}};
        }
        show_preflight();
        look();
      });
}

void StartPage::show_findings() {
  if (!check_) {
    findings_->setText(tr("being checked…"));
    return;
  }
  QStringList lines;
  for (const api::FindingView& finding : check_->findings) {
    if (lines.size() == findings_shown_max) {
      lines += tr("… and %n more", nullptr, static_cast<int>(check_->findings.size()) - findings_shown_max);
      break;
    }
    const bool is_error = finding.severity == api::FindingSeverity::error;
    lines += QStringLiteral("<span style='color:%1'><b>%2</b> %3%4</span>")
                 .arg((is_error ? colours().alarm : colours().text).name(), is_error ? tr("Error:") : tr("Warning:"),
                      place_of(finding).toHtmlEscaped(), to_text(finding.text).toHtmlEscaped());
  }
  if (check_->is_accepted)
    lines.prepend(QStringLiteral("<span style='color:%1'><b>%2</b></span>").arg(colours().good.name(), tr("Accepted")));
  findings_->setText(lines.join(QStringLiteral("<br>")));
}

void StartPage::show_preflight() {
  preflight_list_->clear();
  if (!preflight_) {
    preflight_list_->addItem(tr("not looked at yet"));
    return;
  }
  for (const api::PreflightItem& item : *preflight_) {
    const QString word = item.state == api::PreflightState::ok        ? tr("✓ ok")
                         : item.state == api::PreflightState::warning ? tr("! warning")
                                                                      : tr("✗ refused");
    QString text = word + QStringLiteral("   ") + to_text(item.check);
    if (!item.text.empty()) text += QStringLiteral(": ") + to_text(item.text);
    auto* row = new QListWidgetItem(text, preflight_list_);
    row->setForeground(item.state == api::PreflightState::refused ? colours().alarm : colours().text);
  }
}

void StartPage::show_rehearsal() {
  chart_->clear_series();
  limits_->clear();
  if (!rehearsal_) {
    figures_->setText(tr("begins once the check is passed"));
    chart_->refresh();
    return;
  }
  if (!rehearsal_->result) {
    const QString share = rehearsal_->progress ? tr(" %1").arg(percent_text(rehearsal_->progress, 0)) : QString();
    figures_->setText(rehearsal_->state == api::JobState::failed ? tr("failed: %1").arg(to_text(rehearsal_->text))
                                                                 : tr("is being rehearsed…") + share);
    chart_->refresh();
    return;
  }
  const api::RehearsalResult& result = *rehearsal_->result;
  const UtcTime end{utc_now().ns_since_epoch + static_cast<std::int64_t>(result.duration_s * 1e9)};
  QString text = tr("%1 in %2, would end %3 · %4 into the cell · warmest %5")
                     .arg(to_text(result.outcome), duration_text(result.duration_s), instant_text(end).left(16),
                          with_unit(result.energy_Wh, 1, QStringLiteral("Wh")),
                          with_unit(result.peak_temperature_degC, 1, QStringLiteral("°C")));
  if (!result.reason.empty()) text += QStringLiteral(" · ") + to_text(result.reason);
  figures_->setText(text);
  const auto curve = [&result](const api::Column& values) {
    auto trace = std::make_shared<Trace>();
    for (std::size_t i = 0; i < std::min(values.size(), result.curves.test_time_s.size()); ++i) {
      trace->append({result.curves.test_time_s[i], values[i]});
    }
    return trace;
  };
  chart_->restyle();
  chart_->add_trace(0, {{}, colours().series_colour(0)}, curve(result.curves.voltage_V));
  chart_->add_trace(1, {{}, colours().series_colour(1)}, curve(result.curves.current_A));
  chart_->add_trace(2, {{}, colours().series_colour(2)}, curve(result.curves.cell_temperature_degC));
  chart_->follow();
  QStringList lines{table_line({}, tr("limit"), tr("nearest"), {})};
  for (const api::ApproachView& limit : result.limits) lines += approach_line(limit);
  limits_->setText(QStringLiteral("<table>") + lines.join(QString()) + QStringLiteral("</table>"));
}

}  // namespace cellrig::ui
