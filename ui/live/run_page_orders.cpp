// The run page: what a person may order, and what is asked before.
#include <QCheckBox>
#include <QPushButton>

#include "ui/api_client/api_client.hpp"
#include "ui/dialogs/limits_dialog.hpp"
#include "ui/dialogs/person_dialog.hpp"
#include "ui/live/run_page.hpp"
#include "ui/model/permission.hpp"
#include "ui/model/text.hpp"

namespace cellrig::ui {

namespace {

PersonDialog::Text go_on_question(const QString& channel) {
  PersonDialog::Text text{
      RunPage::tr("Go on with the run of %1").arg(channel),
      RunPage::tr("The run was interrupted. The output is off and was measured; what may have flowed unseen is counted "
                  "against the cell. Look at the cell before it goes on."),
      RunPage::tr("Why you accept it"), RunPage::tr("Go on"), false};
  text.consent = RunPage::tr("Something is not as it was, I have looked, and I &accept it");
  text.choice_label = RunPage::tr("&How");
  text.choices = {{RunPage::tr("resume the step where it was"), QStringLiteral("resume")},
                  {RunPage::tr("do the step again"), QStringLiteral("redo_step")},
                  {RunPage::tr("skip the step"), QStringLiteral("skip_step")},
                  {RunPage::tr("end the run"), QStringLiteral("stop")}};
  return text;
}

PersonDialog::Text question_for(RunPage::Order order, const QString& channel) {
  switch (order) {
    case RunPage::Order::pause:
      return {RunPage::tr("Pause %1").arg(channel),
              RunPage::tr("The output goes off; the step's clock stands still until somebody resumes."), RunPage::tr("Reason"),
              RunPage::tr("Pause")};
    case RunPage::Order::resume:
      return {RunPage::tr("Resume %1").arg(channel),
              RunPage::tr("The step goes on where it was paused: the output comes on again."), RunPage::tr("Reason"),
              RunPage::tr("Resume"), false};
    case RunPage::Order::skip:
      return {RunPage::tr("Skip a step of %1").arg(channel), RunPage::tr("The present step ends now and the next one begins."),
              RunPage::tr("Reason"), RunPage::tr("Skip step")};
    case RunPage::Order::stop:
      return {RunPage::tr("Stop %1").arg(channel),
              RunPage::tr("The output goes off and the run ends. It can't be continued."),
              RunPage::tr("Reason"),
              RunPage::tr("Stop run"),
              false,
              false};
    case RunPage::Order::note:
      return {RunPage::tr("Note on %1").arg(channel), RunPage::tr("The note goes into the record, with your name and the time."),
              RunPage::tr("Note"), RunPage::tr("Write")};
    case RunPage::Order::confirm:
      return {RunPage::tr("Confirm on %1").arg(channel), RunPage::tr("You say that what the step asks for was done."),
              RunPage::tr("Remark"), RunPage::tr("Confirm"), false};
    case RunPage::Order::go_on: return go_on_question(channel);
  }
  return {};
}

}  // namespace

void RunPage::ask(Order what) {
  const api::ChannelView* channel = view();
  if (channel == nullptr) return;
  PersonDialog::Text text = question_for(what, to_text(channel_));
  if (what == Order::confirm && !channel->asks_person.empty())
    text.question += QStringLiteral("\n\n") + to_text(channel->asks_person);
  if (what == Order::skip && !channel->step_name.empty())
    text.question += QStringLiteral("\n\n") + tr("The present step: %1").arg(to_text(channel->step_name));
  if (what == Order::go_on && !channel->reason.empty()) text.question += QStringLiteral("\n\n") + to_text(channel->reason);
  const Asked asked{channel->channel, channel->run, channel->step_count, channel->fencing_token};
  auto* dialog = new PersonDialog(text, this);
  dialog->on_done(
      [this, what, asked, dialog](const QString& name, const QString& reason) { order(what, asked, *dialog, name, reason); });
  dialog->show();
}

void RunPage::order(Order order, const Asked& asked, const PersonDialog& dialog, const QString& name, const QString& reason) {
  const char* const verbs[] = {"pause", "resume", "skip", "stop", "note", "confirm", "go_on"};
  const QString verb = QString::fromLatin1(verbs[static_cast<int>(order)]);
  const ApiClient::Write write{
      QStringLiteral("/channels/%1/%2").arg(QString::fromUtf8(QUrl::toPercentEncoding(to_text(asked.channel))), verb),
      asked.fencing_token};
  const std::function<void(const Answer<api::Done>&)> done = [this, verb](const Answer<api::Done>& answer) {
    Q_EMIT said(answer ? to_text(answer->done) : tr("%1: %2").arg(verb, error_text(answer.error())), !answer);
  };
  if (order == Order::stop) {
    client_.stop(write.path, tr("channel %1").arg(to_text(asked.channel)), {name.toStdString(), reason.toStdString(), {}});
  } else if (order == Order::note) {
    client_.post<api::Done>(write, api::NoteOrder{name.toStdString(), reason.toStdString()}, this, done);
  } else if (order == Order::go_on) {
    const api::GoOnOrder how{.run = asked.run.value_or(0),
                             .rule = dialog.choice().toStdString(),
                             .accept_changed = dialog.has_consent() ? reason.toStdString() : std::string(),
                             .operator_name = name.toStdString()};
    client_.post<api::Started>(write, how, this, [this](const Answer<api::Started>& answer) {
      Q_EMIT said(answer ? tr("Run %1 goes on.").arg(answer->run) : tr("Does not go on: %1").arg(error_text(answer.error())),
                  !answer);
    });
  } else {
    api::PersonOrder person{name.toStdString(), reason.toStdString(), {}};
    if (order == Order::skip || order == Order::confirm) person.step_count = asked.step_count;
    client_.post<api::Done>(write, person, this, done);
  }
}

void RunPage::ask_limits() {
  const api::ChannelView* channel = view();
  if (channel == nullptr) return;
  const Asked asked{channel->channel, channel->run, channel->step_count, channel->fencing_token};
  auto* dialog = new LimitsDialog(to_text(channel_), channel->limits, this);
  set_usable(dialog->widen_box(), true, why_not_allowed(client_.session(), api::Role::engineer));
  dialog->on_done([this, asked](const api::LimitsOrder& order) {
    client_.post<api::Done>(
        {QStringLiteral("/channels/%1/limits").arg(QString::fromUtf8(QUrl::toPercentEncoding(to_text(asked.channel)))),
         asked.fencing_token},
        order, this, [this](const Answer<api::Done>& answer) {
          Q_EMIT said(answer ? to_text(answer->done) : tr("Limits: %1").arg(error_text(answer.error())), !answer);
        });
  });
  dialog->show();
}

}  // namespace cellrig::ui
