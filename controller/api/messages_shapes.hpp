// Which member of a message has which name in JSON, said once: the codec and the schema of the OpenAPI document follow from it.
// Not for users of messages: they need messages_codec.hpp.
#pragma once

#include <string_view>
#include <tuple>

#include "controller/api/messages.hpp"

namespace cellrig::api {

/// `is_required`: JSON must have it, though it may be null where the member is optional. Else it may be left out, and an empty optional is
/// not written.
template <class M, class T>
struct Field {
  std::string_view name;
  T M::*member;
  bool is_required;
};

template <class M, class T>
constexpr Field<M, T> must(std::string_view name, T M::*member) {
  return {name, member, true};
}
template <class M, class T>
constexpr Field<M, T> may(std::string_view name, T M::*member) {
  return {name, member, false};
}

/// `name` of the schema, and `fields`.
template <class M>
struct Shape;

template <>
struct Shape<TripView> {
  static constexpr std::string_view name = "TripView";
  static constexpr auto fields =
      std::tuple{must("hazard", &TripView::hazard), must("text", &TripView::text), must("value", &TripView::value),
                 must("limit", &TripView::limit), must("what_to_do", &TripView::what_to_do)};
};

template <>
struct Shape<ChannelView> {
  static constexpr std::string_view name = "ChannelView";
  static constexpr auto fields = std::tuple{must("channel", &ChannelView::channel),
                                            must("state", &ChannelView::state),
                                            must("state_text", &ChannelView::state_text),
                                            must("run", &ChannelView::run),
                                            must("cell", &ChannelView::cell),
                                            must("cell_id", &ChannelView::cell_id),
                                            must("profile", &ChannelView::profile),
                                            must("step_name", &ChannelView::step_name),
                                            must("step_type", &ChannelView::step_type),
                                            must("step_count", &ChannelView::step_count),
                                            must("cycle", &ChannelView::cycle),
                                            must("cycle_count", &ChannelView::cycle_count),
                                            must("started_utc", &ChannelView::started_utc),
                                            must("ends_utc", &ChannelView::ends_utc),
                                            must("time_left_s", &ChannelView::time_left_s),
                                            must("test_time_s", &ChannelView::test_time_s),
                                            must("step_time_s", &ChannelView::step_time_s),
                                            must("voltage_V", &ChannelView::voltage_V),
                                            must("current_A", &ChannelView::current_A),
                                            must("cell_temperature_degC", &ChannelView::cell_temperature_degC),
                                            must("ambient_temperature_degC", &ChannelView::ambient_temperature_degC),
                                            must("chamber", &ChannelView::chamber),
                                            must("chamber_temperature_degC", &ChannelView::chamber_temperature_degC),
                                            must("pressure_MPa", &ChannelView::pressure_MPa),
                                            must("gas_ppm", &ChannelView::gas_ppm),
                                            must("charge_Ah", &ChannelView::charge_Ah),
                                            must("discharge_Ah", &ChannelView::discharge_Ah),
                                            must("soc_pct", &ChannelView::soc_pct),
                                            must("is_output_on", &ChannelView::is_output_on),
                                            must("regulation", &ChannelView::regulation),
                                            must("age_s", &ChannelView::age_s),
                                            must("waits_for", &ChannelView::waits_for),
                                            must("asks_person", &ChannelView::asks_person),
                                            must("trip", &ChannelView::trip),
                                            must("reason", &ChannelView::reason),
                                            must("criteria_met", &ChannelView::criteria_met),
                                            may("is_interrupted", &ChannelView::is_interrupted),
                                            must("fencing_token", &ChannelView::fencing_token),
                                            must("limits", &ChannelView::limits),
                                            may("run_limits", &ChannelView::run_limits),
                                            must("operator", &ChannelView::operator_name)};
};

template <>
struct Shape<ChamberWaitView> {
  static constexpr std::string_view name = "ChamberWaitView";
  static constexpr auto fields =
      std::tuple{must("channel", &ChamberWaitView::channel), must("temperature_degC", &ChamberWaitView::temperature_degC),
                 must("why", &ChamberWaitView::why)};
};

template <>
struct Shape<ChamberView> {
  static constexpr std::string_view name = "ChamberView";
  static constexpr auto fields = std::tuple{must("chamber", &ChamberView::chamber),
                                            must("setpoint_degC", &ChamberView::setpoint_degC),
                                            must("actual_degC", &ChamberView::actual_degC),
                                            must("is_running", &ChamberView::is_running),
                                            must("is_not_safe", &ChamberView::is_not_safe),
                                            must("is_tripped", &ChamberView::is_tripped),
                                            must("age_s", &ChamberView::age_s),
                                            must("held_by", &ChamberView::held_by),
                                            must("waiting", &ChamberView::waiting)};
};

template <>
struct Shape<AlarmView> {
  static constexpr std::string_view name = "AlarmView";
  static constexpr auto fields = std::tuple{must("id", &AlarmView::id),
                                            must("severity", &AlarmView::severity),
                                            must("channel", &AlarmView::channel),
                                            must("chamber", &AlarmView::chamber),
                                            must("run", &AlarmView::run),
                                            must("hazard", &AlarmView::hazard),
                                            must("text", &AlarmView::text),
                                            must("value", &AlarmView::value),
                                            must("limit", &AlarmView::limit),
                                            must("unit", &AlarmView::unit),
                                            must("what_to_do", &AlarmView::what_to_do),
                                            must("raised_utc", &AlarmView::raised_utc),
                                            must("acknowledged_by", &AlarmView::acknowledged_by),
                                            must("acknowledged_utc", &AlarmView::acknowledged_utc),
                                            must("is_active", &AlarmView::is_active)};
};

template <>
struct Shape<BenchView> {
  static constexpr std::string_view name = "BenchView";
  static constexpr auto fields = std::tuple{must("name", &BenchView::name),
                                            must("is_simulated", &BenchView::is_simulated),
                                            must("version", &BenchView::version),
                                            must("started_utc", &BenchView::started_utc),
                                            must("utc", &BenchView::utc),
                                            must("time_source", &BenchView::time_source),
                                            must("control_period_s", &BenchView::control_period_s),
                                            must("channels", &BenchView::channels),
                                            must("chambers", &BenchView::chambers),
                                            must("alarm_count", &BenchView::alarm_count),
                                            must("is_ending", &BenchView::is_ending)};
};

template <>
struct Shape<RunView> {
  static constexpr std::string_view name = "RunView";
  static constexpr auto fields = std::tuple{must("run", &RunView::run),
                                            must("channel", &RunView::channel),
                                            must("cell", &RunView::cell),
                                            must("cell_id", &RunView::cell_id),
                                            must("profile", &RunView::profile),
                                            must("status", &RunView::status),
                                            must("reason", &RunView::reason),
                                            must("criteria_met", &RunView::criteria_met),
                                            must("operator", &RunView::operator_name),
                                            must("started_utc", &RunView::started_utc),
                                            must("ended_utc", &RunView::ended_utc),
                                            must("duration_s", &RunView::duration_s),
                                            may("sample_count", &RunView::sample_count),
                                            must("cycle_count", &RunView::cycle_count),
                                            must("capacity_Ah", &RunView::capacity_Ah),
                                            must("retention", &RunView::retention),
                                            must("time_source", &RunView::time_source),
                                            must("is_simulated", &RunView::is_simulated),
                                            may("origin", &RunView::origin)};
};

template <>
struct Shape<StepView> {
  static constexpr std::string_view name = "StepView";
  static constexpr auto fields = std::tuple{must("step_count", &StepView::step_count),
                                            must("step_id", &StepView::step_id),
                                            must("cycle", &StepView::cycle),
                                            must("is_in_cycle", &StepView::is_in_cycle),
                                            must("is_reference", &StepView::is_reference),
                                            must("name", &StepView::name),
                                            must("type", &StepView::type),
                                            must("setpoint", &StepView::setpoint),
                                            must("started_utc", &StepView::started_utc),
                                            must("started_test_time_s", &StepView::started_test_time_s),
                                            must("ended_test_time_s", &StepView::ended_test_time_s),
                                            must("reason", &StepView::reason),
                                            must("condition", &StepView::condition),
                                            must("value", &StepView::value),
                                            must("margin", &StepView::margin),
                                            must("charge_Ah", &StepView::charge_Ah),
                                            must("discharge_Ah", &StepView::discharge_Ah),
                                            must("charge_Wh", &StepView::charge_Wh),
                                            must("discharge_Wh", &StepView::discharge_Wh),
                                            must("cv_time_s", &StepView::cv_time_s),
                                            must("cv_charge_Ah", &StepView::cv_charge_Ah),
                                            must("cell_temperature_max_degC", &StepView::cell_temperature_max_degC),
                                            must("cell_temperature_min_degC", &StepView::cell_temperature_min_degC),
                                            must("compared_with", &StepView::compared_with)};
};

template <>
struct Shape<CycleView> {
  static constexpr std::string_view name = "CycleView";
  static constexpr auto fields = std::tuple{must("cycle", &CycleView::cycle),
                                            must("is_reference", &CycleView::is_reference),
                                            must("started_test_time_s", &CycleView::started_test_time_s),
                                            must("ended_test_time_s", &CycleView::ended_test_time_s),
                                            must("charge_Ah", &CycleView::charge_Ah),
                                            must("discharge_Ah", &CycleView::discharge_Ah),
                                            must("charge_Wh", &CycleView::charge_Wh),
                                            must("discharge_Wh", &CycleView::discharge_Wh),
                                            must("coulombic_efficiency", &CycleView::coulombic_efficiency),
                                            must("energy_efficiency", &CycleView::energy_efficiency),
                                            must("charge_time_s", &CycleView::charge_time_s),
                                            must("cell_temperature_max_degC", &CycleView::cell_temperature_max_degC),
                                            must("retention", &CycleView::retention)};
};

template <>
struct Shape<EventView> {
  static constexpr std::string_view name = "EventView";
  static constexpr auto fields = std::tuple{must("test_time_s", &EventView::test_time_s),
                                            must("utc", &EventView::utc),
                                            must("severity", &EventView::severity),
                                            must("kind", &EventView::kind),
                                            must("text", &EventView::text),
                                            must("value", &EventView::value),
                                            must("limit", &EventView::limit)};
};

template <>
struct Shape<ExpectedCurveView> {
  static constexpr std::string_view name = "ExpectedCurveView";
  static constexpr auto fields = std::tuple{must("step_id", &ExpectedCurveView::step_id),
                                            must("execution", &ExpectedCurveView::execution),
                                            must("coordinate", &ExpectedCurveView::coordinate),
                                            must("ends_at", &ExpectedCurveView::ends_at),
                                            must("at", &ExpectedCurveView::at),
                                            must("voltage_V", &ExpectedCurveView::voltage_V),
                                            must("cell_temperature_degC", &ExpectedCurveView::cell_temperature_degC)};
};

template <>
struct Shape<SamplesView> {
  static constexpr std::string_view name = "SamplesView";
  static constexpr auto fields =
      std::tuple{must("run", &SamplesView::run), must("row_count", &SamplesView::row_count),
                 must("is_decimated", &SamplesView::is_decimated), must("columns", &SamplesView::columns)};
};

template <>
struct Shape<ParameterView> {
  static constexpr std::string_view name = "ParameterView";
  static constexpr auto fields = std::tuple{must("name", &ParameterView::name), must("default", &ParameterView::default_value),
                                            must("min", &ParameterView::min),   must("max", &ParameterView::max),
                                            must("unit", &ParameterView::unit), must("text", &ParameterView::text)};
};

template <>
struct Shape<ProfileView> {
  static constexpr std::string_view name = "ProfileView";
  static constexpr auto fields = std::tuple{must("name", &ProfileView::name),
                                            must("title", &ProfileView::title),
                                            must("group", &ProfileView::group),
                                            must("purpose", &ProfileView::purpose),
                                            must("source", &ProfileView::source),
                                            must("parameters", &ProfileView::parameters),
                                            must("expected_duration_s", &ProfileView::expected_duration_s)};
};

template <>
struct Shape<CellView> {
  static constexpr std::string_view name = "CellView";
  static constexpr auto fields = std::tuple{must("name", &CellView::name),
                                            must("title", &CellView::title),
                                            must("text", &CellView::text),
                                            must("source", &CellView::source),
                                            must("nominal_capacity_Ah", &CellView::nominal_capacity_Ah),
                                            must("voltage_min_V", &CellView::voltage_min_V),
                                            must("voltage_max_V", &CellView::voltage_max_V),
                                            must("charge_rate_max_C", &CellView::charge_rate_max_C),
                                            must("discharge_rate_max_C", &CellView::discharge_rate_max_C),
                                            must("cell_temperature_min_degC", &CellView::cell_temperature_min_degC),
                                            must("cell_temperature_max_degC", &CellView::cell_temperature_max_degC),
                                            must("classification", &CellView::classification)};
};

template <>
struct Shape<FindingView> {
  static constexpr std::string_view name = "FindingView";
  static constexpr auto fields =
      std::tuple{must("severity", &FindingView::severity), must("file", &FindingView::file), must("line", &FindingView::line),
                 must("column", &FindingView::column), must("text", &FindingView::text)};
};

template <>
struct Shape<CheckReport> {
  static constexpr std::string_view name = "CheckReport";
  static constexpr auto fields = std::tuple{must("is_accepted", &CheckReport::is_accepted),
                                            must("profile", &CheckReport::profile),
                                            must("cell", &CheckReport::cell),
                                            must("program_hash", &CheckReport::program_hash),
                                            must("expected_duration_s", &CheckReport::expected_duration_s),
                                            must("findings", &CheckReport::findings)};
};

template <>
struct Shape<RehearsalCurves> {
  static constexpr std::string_view name = "RehearsalCurves";
  static constexpr auto fields = std::tuple{
      must("test_time_s", &RehearsalCurves::test_time_s), must("voltage_V", &RehearsalCurves::voltage_V),
      must("current_A", &RehearsalCurves::current_A), must("cell_temperature_degC", &RehearsalCurves::cell_temperature_degC)};
};

template <>
struct Shape<ApproachView> {
  static constexpr std::string_view name = "ApproachView";
  static constexpr auto fields = std::tuple{must("limit", &ApproachView::limit),   must("unit", &ApproachView::unit),
                                            must("bound", &ApproachView::bound),   must("nearest", &ApproachView::nearest),
                                            must("margin", &ApproachView::margin), must("step", &ApproachView::step)};
};

template <>
struct Shape<RehearsalResult> {
  static constexpr std::string_view name = "RehearsalResult";
  static constexpr auto fields = std::tuple{must("outcome", &RehearsalResult::outcome),
                                            must("criteria_met", &RehearsalResult::criteria_met),
                                            must("reason", &RehearsalResult::reason),
                                            must("duration_s", &RehearsalResult::duration_s),
                                            must("energy_Wh", &RehearsalResult::energy_Wh),
                                            must("cycles", &RehearsalResult::cycles),
                                            must("rows", &RehearsalResult::rows),
                                            must("bytes", &RehearsalResult::bytes),
                                            must("peak_temperature_degC", &RehearsalResult::peak_temperature_degC),
                                            must("warnings", &RehearsalResult::warnings),
                                            must("limits", &RehearsalResult::limits),
                                            must("curves", &RehearsalResult::curves)};
};

template <>
struct Shape<RehearsalView> {
  static constexpr std::string_view name = "RehearsalView";
  static constexpr auto fields = std::tuple{must("job", &RehearsalView::job), must("state", &RehearsalView::state),
                                            must("progress", &RehearsalView::progress), must("text", &RehearsalView::text),
                                            must("result", &RehearsalView::result)};
};

template <>
struct Shape<PreflightItem> {
  static constexpr std::string_view name = "PreflightItem";
  static constexpr auto fields =
      std::tuple{must("check", &PreflightItem::check), must("state", &PreflightItem::state), must("text", &PreflightItem::text)};
};

template <>
struct Shape<CheckOrder> {
  static constexpr std::string_view name = "CheckOrder";
  static constexpr auto fields = std::tuple{must("profile", &CheckOrder::profile), must("cell", &CheckOrder::cell),
                                            may("channel", &CheckOrder::channel), may("parameters", &CheckOrder::parameters)};
};

template <>
struct Shape<PreflightOrder> {
  static constexpr std::string_view name = "PreflightOrder";
  static constexpr auto fields =
      std::tuple{must("profile", &PreflightOrder::profile), must("cell", &PreflightOrder::cell),
                 may("cell_id", &PreflightOrder::cell_id), may("parameters", &PreflightOrder::parameters)};
};

template <>
struct Shape<StartOrder> {
  static constexpr std::string_view name = "StartOrder";
  static constexpr auto fields = std::tuple{must("profile", &StartOrder::profile),
                                            must("cell", &StartOrder::cell),
                                            may("cell_id", &StartOrder::cell_id),
                                            may("parameters", &StartOrder::parameters),
                                            may("operator", &StartOrder::operator_name),
                                            may("expected_charge_pct", &StartOrder::expected_charge_pct),
                                            may("without_rehearsal", &StartOrder::without_rehearsal)};
};

template <>
struct Shape<GoOnOrder> {
  static constexpr std::string_view name = "GoOnOrder";
  static constexpr auto fields =
      std::tuple{must("run", &GoOnOrder::run), may("rule", &GoOnOrder::rule), may("accept_changed", &GoOnOrder::accept_changed),
                 may("operator", &GoOnOrder::operator_name)};
};

template <>
struct Shape<CellFileOrder> {
  static constexpr std::string_view name = "CellFileOrder";
  static constexpr auto fields =
      std::tuple{must("name", &CellFileOrder::name), must("text", &CellFileOrder::text),
                 may("operator", &CellFileOrder::operator_name), must("reason", &CellFileOrder::reason)};
};

template <>
struct Shape<PersonOrder> {
  static constexpr std::string_view name = "PersonOrder";
  static constexpr auto fields = std::tuple{may("operator", &PersonOrder::operator_name), may("reason", &PersonOrder::reason),
                                            may("step_count", &PersonOrder::step_count)};
};

template <>
struct Shape<NoteOrder> {
  static constexpr std::string_view name = "NoteOrder";
  static constexpr auto fields = std::tuple{may("operator", &NoteOrder::operator_name), must("text", &NoteOrder::text)};
};

template <>
struct Shape<LimitsOrder> {
  static constexpr std::string_view name = "LimitsOrder";
  static constexpr auto fields = std::tuple{must("limits", &LimitsOrder::limits), may("widen", &LimitsOrder::widen),
                                            may("operator", &LimitsOrder::operator_name), may("reason", &LimitsOrder::reason)};
};

template <>
struct Shape<AcknowledgeOrder> {
  static constexpr std::string_view name = "AcknowledgeOrder";
  static constexpr auto fields = std::tuple{may("name", &AcknowledgeOrder::name), may("reason", &AcknowledgeOrder::reason)};
};

template <>
struct Shape<Started> {
  static constexpr std::string_view name = "Started";
  static constexpr auto fields = std::tuple{must("run", &Started::run), must("fencing_token", &Started::fencing_token)};
};

template <>
struct Shape<SessionView> {
  static constexpr std::string_view name = "SessionView";
  static constexpr auto fields = std::tuple{must("name", &SessionView::name), must("role", &SessionView::role)};
};

template <>
struct Shape<JobAccepted> {
  static constexpr std::string_view name = "JobAccepted";
  static constexpr auto fields = std::tuple{must("job", &JobAccepted::job)};
};

template <>
struct Shape<Done> {
  static constexpr std::string_view name = "Done";
  static constexpr auto fields = std::tuple{must("done", &Done::done)};
};

template <>
struct Shape<ErrorDetail> {
  static constexpr std::string_view name = "ErrorDetail";
  static constexpr auto fields = std::tuple{must("code", &ErrorDetail::code), must("message", &ErrorDetail::message),
                                            may("where", &ErrorDetail::where), may("nearest", &ErrorDetail::nearest)};
};

template <>
struct Shape<ErrorBody> {
  static constexpr std::string_view name = "ErrorBody";
  static constexpr auto fields = std::tuple{must("error", &ErrorBody::error)};
};

template <>
struct Shape<LiveSamples> {
  static constexpr std::string_view name = "LiveSamples";
  static constexpr auto fields =
      std::tuple{must("channel", &LiveSamples::channel), must("run", &LiveSamples::run), must("columns", &LiveSamples::columns)};
};

template <>
struct Shape<StreamMessage> {
  static constexpr std::string_view name = "StreamMessage";
  static constexpr auto fields = std::tuple{
      must("type", &StreamMessage::type),      may("bench", &StreamMessage::bench),     may("alarms", &StreamMessage::alarms),
      may("channel", &StreamMessage::channel), may("chamber", &StreamMessage::chamber), may("alarm", &StreamMessage::alarm),
      may("run", &StreamMessage::run),         may("samples", &StreamMessage::samples), may("dropped", &StreamMessage::dropped)};
};

}  // namespace cellrig::api
