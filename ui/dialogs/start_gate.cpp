#include "ui/dialogs/start_gate.hpp"

#include <QCoreApplication>

#include "ui/model/bench_filter.hpp"
#include "ui/model/text.hpp"

namespace cellrig::ui {

namespace {

QString said(const char* text) { return QCoreApplication::translate("StartGate", text); }

void add_check(const StartFacts& facts, std::vector<QString>& found) {
  if (!facts.check) {
    found.push_back(said("The profile is being checked."));
    return;
  }
  if (facts.check->is_accepted) return;
  for (const api::FindingView& finding : facts.check->findings) {
    if (finding.severity == api::FindingSeverity::error) {
      found.push_back(said("The check refuses the profile: %1").arg(to_text(finding.text)));
      return;
    }
  }
  found.push_back(said("The check refuses the profile."));
}

void add_rehearsal(const StartFacts& facts, std::vector<QString>& found) {
  if (!facts.needs_rehearsal) return;
  if (!facts.rehearsal || facts.rehearsal->state == api::JobState::waiting || facts.rehearsal->state == api::JobState::running) {
    found.push_back(said("The profile is being rehearsed."));
  } else if (facts.rehearsal->state == api::JobState::failed) {
    found.push_back(said("The rehearsal failed: %1").arg(to_text(facts.rehearsal->text)));
  } else if (facts.rehearsal->result && facts.rehearsal->result->outcome == "tripped") {
    found.push_back(said("The rehearsal ended in a safety trip: %1").arg(to_text(facts.rehearsal->result->reason)));
  }
}

void add_preflight(const StartFacts& facts, std::vector<QString>& found) {
  if (!facts.preflight) {
    found.push_back(said("The channel is being looked at."));
    return;
  }
  for (const api::PreflightItem& item : *facts.preflight) {
    if (item.state == api::PreflightState::refused) found.push_back(to_text(item.text.empty() ? item.check : item.text));
  }
}

}  // namespace

std::vector<QString> obstacles(const StartFacts& facts) {
  std::vector<QString> found;
  if (!facts.is_connected) found.push_back(said("The bench service does not answer."));
  if (!facts.not_allowed.isEmpty()) return {facts.not_allowed};  // nor may they rehearse: nothing else is of use
  if (facts.channel.empty()) found.push_back(said("Choose a channel."));
  if (facts.channel_state && is_busy(*facts.channel_state)) found.push_back(said("The channel is busy."));
  if (facts.channel_state == api::Activity::not_safe) found.push_back(said("The channel's output is not known to be off."));
  if (facts.cell.empty()) found.push_back(said("Choose a cell."));
  if (facts.profile.empty()) found.push_back(said("Choose a profile."));
  if (!facts.are_parameters_readable) found.push_back(said("A parameter is no number that can be read."));
  if (facts.operator_name.empty()) found.push_back(said("Give your name."));
  if (!found.empty()) return found;
  add_check(facts, found);
  if (!facts.check || !facts.check->is_accepted) return found;
  add_preflight(facts, found);
  add_rehearsal(facts, found);
  return found;
}

}  // namespace cellrig::ui
