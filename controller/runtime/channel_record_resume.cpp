// ChannelRecord: how the record of a run goes on, or is closed, after an interruption.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include "controller/runtime/channel_record.hpp"
#include "controller/runtime/resume.hpp"

namespace cellrig {
namespace {
constexpr std::int64_t ns_in_a_second = 1'000'000'000;
}  // namespace

void ChannelRecord::go_on(const Continuation& continuation, TimePoint now, UtcTime utc) {
  const Interrupted& from = continuation.run;
  begin(from.info.run, now - from.test_time);
  says_utc_ = true;
  const Together together(*this);
  recorder_.resume_run(run_, continuation.operator_name, continuation.host);
  // A state that nobody can read says nothing of its step: the record ends that by its rows.
  if (from.open_step != 0 && continuation.cannot_go_on.empty()) {
    const StepState& step = from.point.channel.step;
    step_ = from.open_step;
    write_step_end(db::StepEndRow{.step = step_, .ended_test_time_ns = to_ns(seen_until(step)), .reason = "interrupted"}, step);
  }
  deviation(continuation, utc);
}

/// The gap, in one place: a row with its numbers, and an event that says the same among the others.
void ChannelRecord::deviation(const Continuation& continuation, UtcTime utc) {
  const Interrupted& from = continuation.run;
  const Step* const step = interrupted_step(program_, from.point.channel);
  std::string message = fmt::format(
      "{}: nobody looked from {:%Y-%m-%d %H:%M:%S} to {:%Y-%m-%d %H:%M:%S} UTC, test time {:.3f} s; ",
      to_string(continuation.kind), fmt::gmtime(static_cast<std::time_t>(from.last_seen.ns_since_epoch / ns_in_a_second)),
      fmt::gmtime(static_cast<std::time_t>(utc.ns_since_epoch / ns_in_a_second)), to_seconds(from.test_time));
  const UnseenCharge& unseen = continuation.unseen;
  std::string bound = fmt::format("{:+.4g} A x {:g} s", unseen.current.value(), to_seconds(unseen.time));
  if (unseen.after_end > AmpHours{})
    bound += fmt::format(" + {:.6f} Ah until a late OFF or after the end", unseen.after_end.value());
  // One current has a direction, and so is told. Beside a discharge something may have gone in: then only how much may have moved.
  const AmpHours told = unseen.after_end > AmpHours{} ? unseen.moved_max() : unseen.in_gap();
  message += fmt::format("unseen charge at most {:+.6f} Ah ({}); ", told.value(), bound);
  if (!continuation.cannot_go_on.empty()) {
    message += "it is closed";
  } else {
    message += step != nullptr ? fmt::format("goes on by '{}' in step {} '{}'", to_string(continuation.rule),
                                             from.point.channel.step_count, step->name)
                               : fmt::format("goes on by '{}' between steps", to_string(continuation.rule));
  }
  if (!continuation.operator_name.empty()) message += ", by " + continuation.operator_name;
  for (const std::string& objection : continuation.objections) message += "; " + objection;
  if (!continuation.accepted_change.empty()) message += "; accepted: " + continuation.accepted_change;
  recorder_.deviation(db::DeviationRow{.run = run_,
                                       .category = std::string(to_string(continuation.kind)),
                                       .from_test_time_ns = from.test_time.count(),
                                       .to_test_time_ns = from.test_time.count(),
                                       .from_utc = from.last_seen,
                                       .to_utc = utc,
                                       .unseen_charge_max_Ah = unseen.moved_max().value(),
                                       .bounded_by = bound,
                                       .description = message});
  recorder_.append(db::EventRow{.run = run_,
                                .test_time_ns = from.test_time.count(),
                                .utc = utc,
                                .severity = db::Severity::warning,
                                .kind = std::string(deviation_event),
                                .message = std::move(message),
                                .value = told.value()});
}

void ChannelRecord::closed_unread(const Continuation& continuation, TimePoint now, UtcTime utc) {
  if (!begun()) return;
  db::EventRow row{.run = run_, .test_time_ns = test_time_ns(now), .utc = utc, .severity = db::Severity::warning};
  row.kind = on_again_event;
  row.value = continuation.unseen.went_in_max().value();
  row.message = fmt::format("{}; whoever goes on with this run counts {:.6f} Ah that may have gone in unseen",
                            continuation.cannot_go_on, *row.value);
  recorder_.append(row);
}

}  // namespace cellrig
