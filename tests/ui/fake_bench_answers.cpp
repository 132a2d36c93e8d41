// What the bench of the tests answers.
#include <QUrlQuery>

#include "tests/ui/fake_bench.hpp"
#include "ui/model/bench_filter.hpp"
#include "ui/model/text.hpp"

namespace cellrig::ui::test {

namespace {

template <class M>
FakeAnswer answer_with(const M& message, int status = 200) {
  return {status, QByteArray::fromStdString(api::to_json(message))};
}

FakeAnswer refusal(int status, const std::string& code, const std::string& message) {
  api::ErrorBody body;
  body.error = {code, message, std::nullopt, std::nullopt};
  return answer_with(body, status);
}

FakeAnswer done(const std::string& what) { return answer_with(api::Done{what}); }

std::vector<api::ProfileView> profiles() {
  api::ProfileView cycling;
  cycling.name = "cccv-cycle";
  cycling.title = "CC-CV cycling";
  cycling.group = "characterisation";
  cycling.purpose =
      "Charges with constant current and constant voltage, rests, discharges with constant current, and does it again: capacity "
      "and efficiency of each cycle.";
  cycling.source = {"IEC 62660-1:2018, 7.2"};
  cycling.parameters = {{"charge_rate_C", "1/3", "0.05", "2", "C", "of the charge"},
                        {"discharge_rate_C", "1/3", "0.05", "3", "C", "of the discharge"},
                        {"cycles", "3", "1", "2000", "", "how many"},
                        {"rest_min", "30", "1", "600", "min", "after each half cycle"}};
  cycling.expected_duration_s = 9000;
  api::ProfileView fast;
  fast.name = "fast-charge-window";
  fast.title = "Fast charge through a window of state of charge";
  fast.group = "fast-charge";
  fast.purpose = "Puts a published claim to the test: 15 to 90 % in 18 minutes at room temperature.";
  fast.parameters = {{"charge_rate_C", "2", "0.1", "4", "C", ""},
                     {"charge_time_max_min", "18", "1", "120", "min", "that the claim promises"}};
  return {cycling, fast};
}

std::vector<api::CellView> cells() {
  api::CellView m50;
  m50.name = "lg-m50";
  m50.title = "LG M50";
  m50.nominal_capacity_Ah = 4.978;
  m50.voltage_min_V = 2.5;
  m50.voltage_max_V = 4.2;
  api::CellView fest = m50;
  fest.name = "fest-like-30ah";
  fest.title = "FEST-like 30 Ah";
  fest.nominal_capacity_Ah = 30;
  return {m50, fest};
}

api::RehearsalView rehearsed(bool trips) {
  api::RehearsalView view;
  view.job = 1;
  view.state = api::JobState::done;
  view.progress = 1;
  api::RehearsalResult result;
  constexpr double until_s = 9000;
  double warmest_degC = 0, highest_V = 0;
  for (double t = 0; t < until_s; t += 30) {
    const FakeCell cell = fake_cell(t);
    result.curves.test_time_s.push_back(t);
    result.curves.voltage_V.push_back(cell.voltage_V);
    result.curves.current_A.push_back(cell.current_A);
    result.curves.cell_temperature_degC.push_back(cell.temperature_degC);
    warmest_degC = std::max(warmest_degC, cell.temperature_degC);
    highest_V = std::max(highest_V, cell.voltage_V);
  }
  result.outcome = trips ? "tripped" : "completed";
  result.reason = trips ? "the cell would be warmer than 60 °C" : "";
  result.criteria_met = !trips;
  result.duration_s = until_s;
  result.energy_Wh = 12.6;
  result.cycles = 1;
  result.peak_temperature_degC = warmest_degC;
  result.limits = {{"voltage_max_V", "V", 4.25, highest_V, 4.25 - highest_V, "cccv_charge"},
                   {"charge_current_max_A", "A", 10.5, 4.0, 6.5, "cccv_charge"},
                   {"cell_temperature_max_degC", "degC", 60, warmest_degC, 60 - warmest_degC, "cccv_charge"},
                   {"cell_temperature_min_degC", "degC", -35, 25, 60, "cccv_charge"},
                   {"temperature_rate_max_K_per_s", "K/s", 1, 0.02, 0.98, "cccv_charge"}};
  view.result = result;
  return view;
}

api::SamplesView samples(qint64 run, double until_s, const QUrlQuery& query) {
  api::SamplesView view;
  view.run = run;
  const double from = query.queryItemValue(QStringLiteral("from_s")).toDouble();
  const QString to_text_value = query.queryItemValue(QStringLiteral("to_s"));
  const double to = to_text_value.isEmpty() ? until_s : std::min(until_s, to_text_value.toDouble());
  const double step = std::max(1.0, (to - from) / std::max(1, query.queryItemValue(QStringLiteral("points")).toInt()));
  const QStringList wanted = query.queryItemValue(QStringLiteral("quantities")).split(QLatin1Char(','));
  for (double t = from; t <= to; t += step) {
    const FakeCell cell = fake_cell(t);
    view.columns["test_time_s"].push_back(t);
    const std::pair<const char*, double> values[] = {{"voltage_V", cell.voltage_V},
                                                     {"current_A", cell.current_A},
                                                     {"cell_temperature_degC", cell.temperature_degC},
                                                     {"ambient_temperature_degC", 23.4},
                                                     {"step_charge_Ah", cell.charge_Ah},
                                                     {"step_discharge_Ah", cell.discharge_Ah},
                                                     {"stack_pressure_MPa", cell.pressure_MPa}};
    for (const auto& [name, value] : values) {
      if (wanted.contains(QString::fromLatin1(name))) view.columns[name].push_back(value);
    }
  }
  view.row_count = static_cast<std::int64_t>(view.columns["test_time_s"].size());
  return view;
}

std::vector<api::ExpectedCurveView> expected_curves() {
  std::vector<api::ExpectedCurveView> curves;
  const double starts[] = {0, 3600, 4200}, ends[] = {3600, 4200, 9000};
  for (int step = 0; step < 3; ++step) {
    api::ExpectedCurveView curve;
    curve.step_id = step;
    curve.execution = 1;
    curve.coordinate = "step_time_s";
    for (double t = starts[step] + 1; t < ends[step]; t += 20) {
      const FakeCell cell = fake_cell(t);
      curve.at.push_back(t - starts[step]);
      curve.voltage_V.push_back(cell.voltage_V - 0.012);
      curve.cell_temperature_degC.push_back(cell.temperature_degC - 0.4);
    }
    curves.push_back(curve);
  }
  return curves;
}

/// As the service does it: the first ones after `after`, 10,000 at most.
std::vector<api::StepView> page_of_steps(const std::vector<api::StepView>& steps, const QUrlQuery& query) {
  const qint64 after = query.queryItemValue(QStringLiteral("after")).toLongLong();
  const qint64 limit = std::min<qint64>(10'000, query.queryItemValue(QStringLiteral("limit")).toLongLong());
  std::vector<api::StepView> page;
  for (const api::StepView& step : steps) {
    if (step.step_count > after && static_cast<qint64>(page.size()) < limit) page.push_back(step);
  }
  return page;
}

}  // namespace

FakeAnswer FakeBench::answer(const FakeRequest& request) {
  requests_.push_back(request);
  const QString authorization = request.headers.value(QStringLiteral("authorization"));
  const bool has_account =
      !account.isEmpty() && authorization == QStringLiteral("Basic ") + QString::fromLatin1(account.toBase64());
  if (!has_account && authorization != QStringLiteral("Bearer ") + address().token)
    return refusal(401, "not_signed_in", account.isEmpty() ? "a token is needed" : "the name or the password is wrong");
  if (request.path == QLatin1String("/session")) return answer_with(session);
  if (request.method == QLatin1String("GET")) return answer_get(request);
  const bool needs_key = !request.path.endsWith(QLatin1String("/stop"));
  if (needs_key && request.headers.value(QStringLiteral("idempotency-key")).isEmpty())
    return refusal(400, "no_idempotency_key", "every write but a stop carries one");
  writes_ += request.method + QLatin1Char(' ') + request.path;
  return answer_write(request);
}

FakeAnswer FakeBench::answer_get(const FakeRequest& request) {
  const QStringList parts = request.path.split(QLatin1Char('/'), Qt::SkipEmptyParts);
  if (parts.value(0) == QLatin1String("profiles")) return answer_with(profiles());
  if (parts.value(0) == QLatin1String("cells")) {
    std::vector<api::CellView> all = cells();
    all.insert(all.end(), added_cells_.begin(), added_cells_.end());
    return answer_with(all);
  }
  if (parts.value(0) == QLatin1String("rehearsals")) return answer_with(rehearsed(rehearsal_trips));
  if (parts.value(0) == QLatin1String("runs") && parts.size() == 3) return answer_run(request, parts[2]);
  return refusal(404, "not_found", "there is nothing at " + request.path.toStdString());
}

FakeAnswer FakeBench::answer_run(const FakeRequest& request, const QString& what) {
  const qint64 run = request.path.split(QLatin1Char('/'), Qt::SkipEmptyParts)[1].toLongLong();
  const std::string name = channel_of_run(run);
  if (name.empty()) return refusal(404, "not_found", "no such run");
  if (what == QLatin1String("steps")) return answer_with(page_of_steps(steps_of(name), QUrlQuery(request.query)));
  if (what == QLatin1String("expected")) return answer_with(expected_curves());
  if (what == QLatin1String("samples"))
    return answer_with(samples(run, test_time_s_.value(to_text(name)), QUrlQuery(request.query)));
  std::vector<api::EventView> events(3);
  events[0].test_time_s = 3600;
  events[0].severity = api::AlarmSeverity::warning;
  events[0].kind = "instrument";
  events[0].text = "the logger answered late, 2 readings are missing";
  events[1].test_time_s = 1800;
  events[1].kind = "note";
  events[1].text = "fan beside the cell switched on (by jane)";
  events[2].kind = "started";
  events[2].text = "run begun by jane";
  return answer_with(events);
}

FakeAnswer FakeBench::answer_write(const FakeRequest& request) {
  const QStringList parts = request.path.split(QLatin1Char('/'), Qt::SkipEmptyParts);
  if (request.path == QLatin1String("/stop")) {
    for (api::ChannelView& view : bench_.channels) {
      if (is_busy(view.state)) view.state = api::Activity::stopped;
      view.current_A = 0;
    }
    send_snapshot();
    return done("every output is off");
  }
  if (request.path == QLatin1String("/check")) {
    api::CheckReport report;
    report.is_accepted = !refuses_check;
    report.expected_duration_s = 9000;
    api::FindingView finding{refuses_check ? api::FindingSeverity::error : api::FindingSeverity::warning, "cccv-cycle.yaml", 34,
                             11,
                             refuses_check ? "the profile needs a chamber, this channel has none"
                                           : "'voltage_V <= 2.5' lies 0.005 V from what the cycler holds by itself"};
    report.findings = {finding};
    return answer_with(report);
  }
  if (request.path == QLatin1String("/cells")) {
    const api::Decoded<api::CellFileOrder> order = api::from_json<api::CellFileOrder>(request.body.toStdString());
    if (!order) return refusal(400, order.error().code, order.error().message);
    if (order->text.find("nominal_capacity_Ah") == std::string::npos) return refusal(400, "bad_input", "this is no cell file");
    api::CellView added = cells().front();
    added.name = added.title = order->name;
    added_cells_.push_back(added);
    return answer_with(added);
  }
  if (request.path == QLatin1String("/rehearse")) return answer_with(api::JobAccepted{1}, 202);
  if (parts.value(0) == QLatin1String("alarms") && parts.value(2) == QLatin1String("acknowledge")) {
    const api::Decoded<api::AcknowledgeOrder> order = api::from_json<api::AcknowledgeOrder>(request.body.toStdString());
    if (!order) return refusal(400, order.error().code, order.error().message);
    for (api::AlarmView& alarm : alarms_) {
      if (alarm.id != parts[1].toLongLong()) continue;
      alarm.acknowledged_by = order->name;
      api::StreamMessage message;
      message.type = api::StreamType::alarm;
      message.alarm = alarm;
      send(message);
      return done("acknowledged by " + order->name);
    }
    return refusal(404, "not_found", "no such alarm");
  }
  if (parts.value(0) == QLatin1String("chambers") && parts.value(2) == QLatin1String("stop")) {
    for (api::ChannelView& view : bench_.channels) {
      if (view.chamber == parts[1].toStdString() && is_busy(view.state)) view.state = api::Activity::stopped;
    }
    send_snapshot();
    return done("OFF is on its way to chamber " + parts[1].toStdString());
  }
  if (parts.value(0) == QLatin1String("channels") && parts.size() == 3) return order(request, parts[1].toStdString(), parts[2]);
  return refusal(404, "not_found", "there is nothing at " + request.path.toStdString());
}

FakeAnswer FakeBench::order(const FakeRequest& request, const std::string& name, const QString& verb) {
  api::ChannelView& view = channel(name);
  if (verb == QLatin1String("preflight")) {
    std::vector<api::PreflightItem> items{{"cycler answers", api::PreflightState::ok, "N6974A, 4 ms"},
                                          {"cell voltage", api::PreflightState::ok, "3.62 V, within 2.5 to 4.2 V"},
                                          {"chamber", api::PreflightState::warning, "ch2 holds 25 °C: this cell goes along"}};
    if (refuses_preflight) items.push_back({"thermocouple", api::PreflightState::refused, "the cell's thermocouple is open"});
    return answer_with(items);
  }
  const bool needs_token = verb != QLatin1String("stop");
  if (needs_token && request.headers.value(QStringLiteral("fencing-token")).toLongLong() != view.fencing_token) {
    return refusal(409, "fencing_token_old", "somebody else gave an order meanwhile");
  }
  if (verb == QLatin1String("start")) return start(request, view);
  if (verb == QLatin1String("go_on")) {
    const api::Decoded<api::GoOnOrder> how = api::from_json<api::GoOnOrder>(request.body.toStdString());
    if (!how) return refusal(400, how.error().code, how.error().message);
    if (!view.is_interrupted || how->run != view.run.value_or(0)) return refusal(409, "refused", "no such run was interrupted");
    view.is_interrupted = false;
    view.state = api::Activity::running;
    send_channel(name);
    return answer_with(api::Started{how->run, ++view.fencing_token});
  }
  if (verb == QLatin1String("limits")) {
    const api::Decoded<api::LimitsOrder> limits = api::from_json<api::LimitsOrder>(request.body.toStdString());
    if (!limits) return refusal(400, limits.error().code, limits.error().message);
    // The service judges by the run's limits, whatever a step has of its own.
    for (const auto& [limit, value] : limits->limits) {
      if (value >= view.run_limits[limit]) return refusal(409, "refused", limit + " is not tighter than what is in force");
    }
    for (const auto& [limit, value] : limits->limits) view.limits[limit] = view.run_limits[limit] = value;
    send_channel(name);
    return done("the limits are in force");
  }
  const bool is_note = verb == QLatin1String("note");
  if (is_note) {
    const api::Decoded<api::NoteOrder> note = api::from_json<api::NoteOrder>(request.body.toStdString());
    return note ? done("noted") : refusal(400, note.error().code, note.error().message);
  }
  const api::Decoded<api::PersonOrder> person = api::from_json<api::PersonOrder>(request.body.toStdString());
  if (!person) return refusal(400, person.error().code, person.error().message);
  if (verb == QLatin1String("stop")) view.state = api::Activity::stopped;
  if (verb == QLatin1String("pause")) view.state = api::Activity::paused;
  if (verb == QLatin1String("resume")) view.state = api::Activity::running;
  if (verb == QLatin1String("confirm")) view.asks_person.clear();
  view.reason = person->reason;
  view.current_A = 0;
  send_channel(name);
  return done(verb.toStdString() + " on " + name + " by " + person->operator_name);
}

FakeAnswer FakeBench::start(const FakeRequest& request, api::ChannelView& view) {
  const api::Decoded<api::StartOrder> order = api::from_json<api::StartOrder>(request.body.toStdString());
  if (!order) return refusal(400, order.error().code, order.error().message);
  if (is_busy(view.state)) return refusal(409, "busy", view.channel + " is busy");
  run_on(view.channel, 0);
  view.cell = order->cell;
  view.cell_id = order->cell_id;
  view.profile = order->profile;
  view.operator_name = order->operator_name;
  ++view.fencing_token;
  send_channel(view.channel);
  return answer_with(api::Started{*view.run, view.fencing_token});
}

}  // namespace cellrig::ui::test
