// Whether a run may be started, and what stands in its way. Pure: no Qt widgets.
#pragma once

#include <QString>
#include <optional>
#include <vector>

#include "controller/api/messages.hpp"

namespace cellrig::ui {

/// What is known about the run that somebody is about to start. An empty optional: not known yet.
struct StartFacts {
  bool is_connected = false;
  QString not_allowed{};  ///< why the signed-in person may start nothing; empty: they may
  std::string channel, cell, profile, operator_name;
  bool are_parameters_readable = true;
  std::optional<api::Activity> channel_state;
  std::optional<api::CheckReport> check;
  std::optional<std::vector<api::PreflightItem>> preflight;
  std::optional<api::RehearsalView> rehearsal;
  bool needs_rehearsal = true;  ///< false: somebody gave a reason for starting without
};

/// One sentence each, the first one first to be done. Empty: it may be started. What is not known yet is in the way, too.
[[nodiscard]] std::vector<QString> obstacles(const StartFacts& facts);

}  // namespace cellrig::ui
