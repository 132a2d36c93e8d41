#include "ui/dialogs/start_page.hpp"

#include <QComboBox>
#include <QFormLayout>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QListWidget>
#include <QPushButton>
#include <QScrollArea>
#include <QSettings>
#include <QVBoxLayout>

#include "ui/api_client/api_client.hpp"
#include "ui/chart/palette.hpp"
#include "ui/chart/trace_chart.hpp"
#include "ui/dialogs/parameter_form.hpp"
#include "ui/dialogs/form_rows.hpp"
#include "ui/dialogs/person_dialog.hpp"
#include "ui/model/bench_filter.hpp"
#include "ui/model/permission.hpp"
#include "ui/model/text.hpp"

namespace cellrig::ui {

namespace {
constexpr int start_margin = 12, settle_ms = 400, preflight_every_ms = 2000;
constexpr int left_width = 470, start_height = 56, recent_cells_max = 8;
constexpr int field_length_max = 100;

QLabel* caption(const QString& text) {
  auto* label = new QLabel(text);
  QFont font = label->font();
  font.setBold(true);
  label->setFont(font);
  return label;
}

QLabel* paragraph() {
  auto* label = new QLabel;
  label->setWordWrap(true);
  label->setTextInteractionFlags(Qt::TextSelectableByMouse);
  return label;
}

QFrame* card(QLayout* layout) {
  auto* frame = new QFrame;
  frame->setProperty("role", QStringLiteral("card"));
  layout->setContentsMargins(14, 10, 14, 10);
  layout->setSpacing(6);
  frame->setLayout(layout);
  return frame;
}
}  // namespace

StartPage::StartPage(ApiClient& client, BenchModel& model, QWidget* parent) : QWidget(parent), client_(client), model_(model) {
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(start_margin, start_margin, start_margin, start_margin);
  layout->setSpacing(start_margin);
  auto* head = new QHBoxLayout;
  auto* back = new QPushButton(tr("‹ &Bench"));
  auto* title = new QLabel(tr("Start a run"));
  title->setProperty("role", QStringLiteral("title"));
  head->addWidget(back);
  head->addWidget(title, 1);
  layout->addLayout(head);
  auto* columns = new QHBoxLayout;
  columns->setSpacing(start_margin);
  columns->addWidget(make_left());
  columns->addWidget(make_right(), 1);
  layout->addLayout(columns, 1);
  auto* foot = new QHBoxLayout;
  obstacles_ = paragraph();
  start_ = new QPushButton(tr("&Start"));
  start_->setProperty("role", QStringLiteral("primary"));
  start_->setMinimumSize(220, start_height);
  start_->setEnabled(false);
  foot->addWidget(obstacles_, 1);
  foot->addWidget(start_);
  layout->addLayout(foot);
  connect(back, &QPushButton::clicked, this, &StartPage::back_requested);
  connect(start_, &QPushButton::clicked, this, &StartPage::start);
  settle_.setSingleShot(true);
  settle_.setInterval(settle_ms);
  connect(&settle_, &QTimer::timeout, this, &StartPage::check);
  preflight_timer_.setInterval(preflight_every_ms);
  connect(&preflight_timer_, &QTimer::timeout, this, &StartPage::preflight);
  rehearsal_timer_.setSingleShot(true);
  connect(&rehearsal_timer_, &QTimer::timeout, this, &StartPage::poll_rehearsal);
  connect(&client_, &ApiClient::link_changed, this, &StartPage::look);
  connect(&model_, &BenchModel::channel_changed, this, [this](const std::string& channel) {
    if (isVisible() && channel == chosen(*channel_).toStdString()) look();
  });
}

QWidget* StartPage::make_fields() {
  auto* fields = new QWidget;
  auto* form = new QFormLayout(fields);
  form->setContentsMargins(0, 0, 0, 0);
  form->setSpacing(8);
  form->setFieldGrowthPolicy(QFormLayout::AllNonFixedFieldsGrow);
  cell_id_ = new QLineEdit;
  cell_id_->setPlaceholderText(tr("Scan or type the number of this cell"));
  channel_ = new QComboBox;
  cell_ = new QComboBox;
  profile_ = new QComboBox;
  operator_ = new QLineEdit;
  prepare_name_field(*operator_);
  charge_ = new QLineEdit;
  charge_->setPlaceholderText(tr("50, or 40..60; empty: not stated"));
  without_rehearsal_ = new QLineEdit;
  without_rehearsal_->setPlaceholderText(tr("only with a reason: start without a rehearsal"));
  for (QLineEdit* field : {cell_id_, operator_, charge_, without_rehearsal_}) field->setMaxLength(field_length_max);
  form->addRow(tr("B&arcode"), cell_id_);
  form->addRow(tr("C&hannel"), channel_);
  cell_file_ = new QPushButton(tr("&File…"));
  auto* cell_row = new QHBoxLayout;
  cell_row->addWidget(cell_, 1);
  cell_row->addWidget(cell_file_);
  auto* cell_label = new QLabel(tr("&Cell"));
  cell_label->setBuddy(cell_);
  form->addRow(cell_label, cell_row);
  form->addRow(tr("&Profile"), profile_);
  form->addRow(tr("Your &name"), operator_);
  form->addRow(tr("Charge now, %"), charge_);
  form->addRow(tr("No rehearsal"), without_rehearsal_);
  align_labels(*form);
  const std::pair<QWidget*, QString> names[] = {{cell_id_, tr("Barcode or number of this cell")},
                                                {channel_, tr("Channel")},
                                                {cell_, tr("Kind of cell")},
                                                {profile_, tr("Profile")},
                                                {operator_, tr("Your name")},
                                                {charge_, tr("State of charge now, in percent")},
                                                {without_rehearsal_, tr("Reason for starting without a rehearsal")}};
  for (const auto& [widget, name] : names) widget->setAccessibleName(name);
  for (QComboBox* box : {channel_, cell_, profile_}) {
    box->setMaxVisibleItems(16);
    box->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
    connect(box, &QComboBox::currentIndexChanged, this, &StartPage::changed);
  }
  connect(profile_, &QComboBox::currentIndexChanged, this, &StartPage::show_profile);
  connect(cell_file_, &QPushButton::clicked, this, &StartPage::choose_cell_file);
  // A barcode reader ends with Return: that must not start anything, it goes on to the next field.
  connect(cell_id_, &QLineEdit::returnPressed, this, [this] { channel_->setFocus(Qt::TabFocusReason); });
  connect(cell_id_, &QLineEdit::textChanged, this, &StartPage::changed);
  connect(operator_, &QLineEdit::textChanged, this, &StartPage::look);
  connect(without_rehearsal_, &QLineEdit::textChanged, this, &StartPage::look);
  return fields;
}

QWidget* StartPage::make_left() {
  auto* inner = new QWidget;
  auto* layout = new QVBoxLayout(inner);
  layout->setContentsMargins(0, 0, 8, 0);
  layout->setSpacing(start_margin);
  layout->addWidget(make_fields());
  profile_text_ = paragraph();
  profile_text_->setTextFormat(Qt::RichText);  // a long purpose in front of the first tag is not taken for rich text by itself
  auto* what = new QVBoxLayout;
  what->addWidget(profile_text_);
  layout->addWidget(card(what));
  auto* values = new QVBoxLayout;
  values->addWidget(caption(tr("Parameters, empty for the default")));
  parameters_ = new ParameterForm;
  values->addWidget(parameters_);
  layout->addWidget(card(values));
  layout->addStretch(1);
  connect(parameters_, &ParameterForm::edited, this, &StartPage::changed);
  auto* scroll = new QScrollArea;
  scroll->setWidgetResizable(true);
  scroll->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  scroll->setWidget(inner);
  scroll->setFixedWidth(left_width);
  scroll->setFocusPolicy(Qt::NoFocus);
  return scroll;
}

QWidget* StartPage::make_right() {
  auto* right = new QWidget;
  auto* layout = new QHBoxLayout(right);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(start_margin);
  auto* rehearsed = new QVBoxLayout;
  rehearsed->addWidget(caption(tr("Rehearsed on the cell's model")));
  figures_ = paragraph();
  rehearsed->addWidget(figures_);
  chart_ = new TraceChart;
  chart_->add_pane({tr("Voltage"), QStringLiteral("V"), 0.01, 3});
  chart_->add_pane({tr("Current"), QStringLiteral("A"), 0.1, 3});
  chart_->add_pane({tr("Cell temperature"), QStringLiteral("°C"), 1, 3});
  rehearsed->addWidget(chart_, 1);
  layout->addWidget(card(rehearsed), 5);
  layout->addLayout(make_judgements(), 4);
  // Beside alarms there may be less room than all of it takes: the window must not outgrow the screen.
  auto* scroll = new QScrollArea;
  scroll->setWidgetResizable(true);
  scroll->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  scroll->setFrameShape(QFrame::NoFrame);
  scroll->setWidget(right);
  scroll->setFocusPolicy(Qt::NoFocus);
  return scroll;
}

QLayout* StartPage::make_judgements() {
  auto* column = new QVBoxLayout;
  column->setSpacing(start_margin);
  auto* judged = new QVBoxLayout;
  judged->addWidget(caption(tr("Check")));
  findings_ = paragraph();
  judged->addWidget(findings_);
  judged->addWidget(caption(tr("Limits, and how near it comes")));
  limits_ = paragraph();
  judged->addWidget(limits_);
  column->addWidget(card(judged));
  auto* now = new QVBoxLayout;
  now->addWidget(caption(tr("The channel, now")));
  preflight_list_ = new QListWidget;
  preflight_list_->setFrameShape(QFrame::NoFrame);
  preflight_list_->setWordWrap(true);
  preflight_list_->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  preflight_list_->setAccessibleName(tr("Preflight"));
  preflight_list_->setMinimumHeight(120);
  now->addWidget(preflight_list_, 1);
  column->addWidget(card(now), 1);
  return column;
}

QString StartPage::chosen(const QComboBox& box) const { return box.currentData().toString(); }

void StartPage::begin(const std::string& channel) {
  preferred_channel_ = channel;
  const QString before = chosen(*channel_);
  channel_->clear();
  int wanted = -1;
  for (const std::size_t i : filtered(model_.channels(), {})) {
    const api::ChannelView& view = model_.channels()[i];
    const QString name = to_text(view.channel);
    channel_->addItem(is_busy(view.state) ? tr("%1 (busy)").arg(name) : name, name);
    const bool is_preferred =
        channel.empty() ? wanted < 0 && !is_busy(view.state) && !needs_attention(view) : view.channel == channel;
    if (is_preferred || (channel.empty() && name == before && !is_busy(view.state))) wanted = channel_->count() - 1;
  }
  if (wanted >= 0) channel_->setCurrentIndex(wanted);
  client_.get<std::vector<api::ProfileView>>(QStringLiteral("/profiles"), this, [this](const auto& profiles) {
    if (!profiles) {
      Q_EMIT said(error_text(profiles.error()), true);
      return;
    }
    const QString chosen_before = chosen(*profile_);
    profiles_ = *profiles;
    profile_->clear();
    for (const api::ProfileView& profile : profiles_) {
      const QString title = to_text(profile.title.empty() ? profile.name : profile.title);
      profile_->addItem(profile.group.empty() ? title : title + QStringLiteral("  (") + to_text(profile.group) + QLatin1Char(')'),
                        to_text(profile.name));
    }
    profile_->setCurrentIndex(std::max(0, profile_->findData(chosen_before)));
  });
  fetch_cells({});
  preflight_timer_.start();
  cell_id_->setFocus(Qt::OtherFocusReason);
  changed();
}

void StartPage::show_profile() {
  const int index = profile_->currentIndex();
  if (index < 0 || index >= static_cast<int>(profiles_.size())) return;
  const api::ProfileView& profile = profiles_[static_cast<std::size_t>(index)];
  QString text = to_text(profile.purpose).toHtmlEscaped();
  QStringList sources;
  for (const std::string& source : profile.source) sources += to_text(source).toHtmlEscaped();
  if (!sources.isEmpty())
    text += QStringLiteral("<br><span style='color:%1'>").arg(colours().muted.name()) + tr("Source: ") +
            sources.join(QStringLiteral("; ")) + QStringLiteral("</span>");
  profile_text_->setText(text);
  parameters_->show_profile(profile);
}

void StartPage::changed() {
  ++question_;
  check_.reset();
  preflight_.reset();
  rehearsal_.reset();
  rehearsal_timer_.stop();
  settle_.start();
  show_findings();
  show_preflight();
  show_rehearsal();
  look();
}

StartFacts StartPage::facts() const {
  const std::string channel = chosen(*channel_).toStdString();
  const api::ChannelView* view = model_.channel(channel);
  return {.is_connected = client_.link() == LinkState::live,
          .not_allowed = why_not_allowed(client_.session(), api::Role::operates),
          .channel = channel,
          .cell = chosen(*cell_).toStdString(),
          .profile = chosen(*profile_).toStdString(),
          .operator_name = operator_->text().trimmed().toStdString(),
          .are_parameters_readable = parameters_->are_readable(),
          .channel_state = view == nullptr ? std::nullopt : std::optional(view->state),
          .check = check_,
          .preflight = preflight_,
          .rehearsal = rehearsal_,
          .needs_rehearsal = without_rehearsal_->text().trimmed().isEmpty()};
}

void StartPage::show_session() {
  prepare_name_field(*operator_);
  const QString why_not = why_not_allowed(client_.session(), api::Role::engineer);
  set_usable(*cell_file_, true, why_not);
  if (why_not.isEmpty())
    cell_file_->setToolTip(tr("A cell file of this computer: the bench keeps it, and its limits guard the cell"));
  look();
}

QString StartPage::obstacle_text() const { return obstacles_->text(); }

void StartPage::look() {
  const std::vector<QString> found = obstacles(facts());
  set_usable(*start_, found.empty() && !is_starting_, why_not_allowed(client_.session(), api::Role::operates));
  QStringList lines(found.begin(), found.end());
  obstacles_->setStyleSheet(
      QStringLiteral("color: %1; font-weight: 600;").arg((found.empty() ? colours().good : colours().alarm).name()));
  obstacles_->setText(is_starting_    ? tr("Starting…")
                      : found.empty() ? tr("Ready to start.")
                                      : tr("Can't start yet: %1").arg(lines.join(QLatin1Char(' '))));
}

void StartPage::start() {
  const StartFacts known = facts();
  if (is_starting_ || !obstacles(known).empty()) return;
  const api::ChannelView* view = model_.channel(known.channel);
  if (view == nullptr) return;
  remember_name(operator_->text().trimmed());
  QSettings settings;
  QStringList recent = settings.value(QStringLiteral("start/recent_cells")).toStringList();
  recent.removeAll(to_text(known.cell));
  recent.prepend(to_text(known.cell));
  settings.setValue(QStringLiteral("start/recent_cells"), QStringList(recent.mid(0, recent_cells_max)));
  const api::StartOrder order{.profile = known.profile,
                              .cell = known.cell,
                              .cell_id = cell_id_->text().trimmed().toStdString(),
                              .parameters = parameters_->values(),
                              .operator_name = known.operator_name,
                              .expected_charge_pct = with_decimal_point(charge_->text()).toStdString(),
                              .without_rehearsal = without_rehearsal_->text().trimmed().toStdString()};
  is_starting_ = true;
  look();
  const QString path =
      QStringLiteral("/channels/%1/start").arg(QString::fromUtf8(QUrl::toPercentEncoding(to_text(known.channel))));
  client_.post<api::Started>({path, view->fencing_token}, order, this,
                             [this, channel = known.channel](const Answer<api::Started>& answer) {
                               is_starting_ = false;
                               look();
                               if (!answer) {
                                 obstacles_->setText(tr("Not started: %1").arg(error_text(answer.error())));
                                 Q_EMIT said(obstacles_->text(), true);
                                 return;
                               }
                               preflight_timer_.stop();
                               cell_id_->clear();
                               Q_EMIT said(tr("Run %1 has begun on %2.").arg(answer->run).arg(to_text(channel)), false);
                               Q_EMIT started(channel);
                             });
}

}  // namespace cellrig::ui
