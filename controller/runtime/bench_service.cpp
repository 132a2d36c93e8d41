#include "controller/runtime/bench_service.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "controller/runtime/constants.hpp"

namespace cellrig {
namespace {

/// What was told so long before a record is read may not be in it yet: its disk is slow.
constexpr Duration record_late_max = std::chrono::seconds{5};
constexpr Duration release_timeout = std::chrono::seconds{2};
/// An OFF that is not confirmed takes as long as all its ways and the silence for the watchdog together.
constexpr Duration silence_max = std::chrono::seconds{20};

BenchRunOptions service_options(BenchRunOptions options) {
  options.verb = "serve";
  options.is_watched = true;
  return options;
}

/// Of tokens and of alarms: more than a process gives out.
constexpr std::uint64_t numbers_per_process = 1 << 20;

std::vector<std::string> names_of(const BenchConfig& bench) {
  std::vector<std::string> names;
  for (const ChannelConfig& channel : bench.channels) names.push_back(channel.name);
  return names;
}

/// Of a cell without a run nobody has said what it is: warmer than its chamber may ever be no cell is left alone, nor, whatever a chamber
/// file allows, where cells begin to decompose.
OutputWatch::HeatLimits heat_limits_of(const BenchConfig& bench, const ChannelConfig& channel) {
  constexpr double least_degC = 70.0, most_degC = 90.0, above_chamber_K = 10.0;
  const ChamberConfig* const chamber = bench.chamber(channel.chamber);
  const double warmest_degC = chamber != nullptr ? chamber->setpoint_max.value() + above_chamber_K : least_degC;
  return {Celsius{std::clamp(warmest_degC, least_degC, most_degC)}, channel.limits.sensors};
}

ControlFault fault_of(const StartRefusal& refusal) {
  if (refusal.error.fault == Fault::interrupted && refusal.outcome == Outcome::stopped) return ControlFault::ending;
  if (refusal.outcome == Outcome::record_failure) return ControlFault::record;
  if (refusal.by_rule || refusal.error.fault == Fault::refused) return ControlFault::refused;
  return ControlFault::failed;
}

}  // namespace

BenchService::BenchService(TimeSource& time, const BenchConfig& bench, BenchInstruments& instruments, db::Recorder& recorder,
                           RunListener& listener, BenchServiceOptions options)
    : time_{time},
      config_{bench},
      recorder_{recorder},
      log_{listener},
      options_{std::move(options)},
      bench_{time, bench, instruments, recorder, *this, service_options(options_.run)},
      alarms_{options_.fencing_base * numbers_per_process},
      tasks_{time},
      watching_{time},
      ends_{time} {
  options_.status.started = time.utc_now();
  make_places();
}

BenchService::~BenchService() {
  for (const std::unique_ptr<Place>& place : places_) {
    if (place->is_given_up) place->is_given_up->store(true);
    place->start.reset();
    if (place->job) bench_.leave(*place->job);
  }
}

void BenchService::make_places() {
  for (const ChannelConfig& channel : config_.channels) {
    places_.push_back(std::make_unique<Place>(channel));
    Place& place = *places_.back();
    place.is_being_secured = true;  // until it was opened: one conversation with its cycler at a time
    new_token(place);
    OutputWatch::Told told;
    told.looked = [this, &place] { tell_sample(place, nullptr); };
    told.was_on_again = [this, &place](const std::string& what, AmpHours charge) {
      tell_on_again(place, what, charge);
      bench_.alarms().ring(place.config.name + ": " + what);
      message(place.config.name, db::Severity::alarm, what);
    };
    told.is_silent = [this, &place](const std::string& what) { message(place.config.name, db::Severity::warning, what); };
    told.is_hot = [this, &place](const TripCause& cause) { idle_cell_is_hot(place, cause); };
    told.is_not_off = [this, &place] {
      set_not_safe(place, true);
      changed(place);
    };
    told.is_off = [this, &place] {
      if (!place.is_not_safe) return changed(place);
      set_not_safe(place, false);
      message(place.config.name, db::Severity::warning, "the output is confirmed off now");
    };
    place.watch = std::make_unique<OutputWatch>(time_, channel.name, *bench_.instruments().cyclers.at(channel.cycler),
                                                options_.idle_period, heat_limits_of(config_, channel), std::move(told));
  }
}

/// A token of another process is never larger; one is never given twice.
void BenchService::new_token(Place& place) { place.token = options_.fencing_base * numbers_per_process + ++tokens_; }

// ---- from the leases to the last OFF --------------------------------------------------------------------------------

Task<Result<void>> BenchService::run(std::vector<InterruptedRun> interrupted, std::vector<OpenTrip> trips) {
  const std::vector<std::string> channels = names_of(config_);
  bench_.open(channels);
  const Result<void> leased = bench_.take_leases(channels);
  if (!leased) co_return leased;
  for (const std::unique_ptr<Place>& place : places_) bench_.listen(place->config, *place->watch, place->config.stack_area_cm2);
  const Result<void> settled = co_await bench_.settle_alarms();
  if (!settled) message("alarms", db::Severity::alarm, settled.error().what);
  raise_inherited();
  const std::function<void(const std::string&)> on_trouble = [this](const std::string& reason) {
    if (recorder_.failed()) return stop(Outcome::record_failure, reason);
    for (const std::unique_ptr<Place>& place : places_) {
      if (place->start) place->start->stop(Outcome::record_failure, reason);
      if (ChannelRunner* const runner = place->runner()) runner->stop(Outcome::record_failure, reason);
    }
  };
  bench_.run_helpers(on_trouble);
  for (const std::unique_ptr<Place>& place : places_) watching_.spawn(place->watch->run());
  co_await open_places();
  is_open_ = true;
  adopt(interrupted, trips);
  while (!stop_requested_) co_await ends_.until_woken();
  co_await tasks_.wait();
  for (const std::unique_ptr<Place>& place : places_) place->watch->stop();
  co_await watching_.wait();
  co_await bench_.close();
  co_await tasks_.wait();  // stops that came while it was being closed
  is_open_ = false;
  for (const std::unique_ptr<ChamberTask>& chamber : bench_.chambers()) {
    if (chamber->left_running()) message(chamber->name(), db::Severity::alarm, "did not confirm that it stopped");
  }
  co_return Result<void>{};
}

/// What an earlier process has switched on goes off by a person's word only.
void BenchService::raise_inherited() {
  for (const std::unique_ptr<AlarmOutput>& output : bench_.alarms().outputs()) {
    if (!output->is_wanted()) continue;
    const AlarmWire& wire = output->wire();
    AlarmStatus alarm{.severity = AlarmSeverity::alarm, .chamber = wire.chamber};
    alarm.text = wire.name() + " (" + wire.label() + ") is on since an earlier process: nobody has acknowledged why";
    alarm.what_to_do = "Look at the cells it was switched on for; it goes off when this is acknowledged.";
    raise(std::move(alarm));
  }
}

Task<void> BenchService::open_places() {
  TaskGroup all{time_};
  for (const std::unique_ptr<Place>& place : places_) all.spawn(open_place(*place));
  co_await all.wait();
}

/// OFF was confirmed a moment ago. What a dead process left armed is disarmed: from now on questions feed nothing.
Task<void> BenchService::open_place(Place& place) {
  const auto last_run = options_.last_runs.find(place.config.name);
  if (last_run != options_.last_runs.end()) place.last_run = last_run->second;
  if (options_.not_off.contains(place.config.name)) {
    set_not_safe(place, true);
    message(place.config.name, db::Severity::alarm,
            "its output could not be confirmed off when this process began. Go and look.");
    place.watch->let_go(false);
    place.is_being_secured = std::exchange(place.is_off_wanted, false);
    if (place.is_being_secured) co_await switch_off_idle(place);
    co_return;
  }
  const Deadline deadline{time_.now() + release_timeout};
  const Result<void> released = co_await bench_.instruments().cyclers.at(place.config.cycler)->release(deadline);
  if (!released) message(place.config.name, db::Severity::warning, "could not give the cycler back: " + released.error().what);
  place.watch->let_go(released.has_value());
  place.is_being_secured = std::exchange(place.is_off_wanted, false);
  if (place.is_being_secured) co_await switch_off_idle(place);
}

/// What keeps an interrupted run from going on without a person's word.
std::optional<ControlError> BenchService::may_go_on(const Place& place) const {
  const auto refused = [](std::string why) { return ControlError{.fault = ControlFault::refused, .message = std::move(why)}; };
  if (!place.stopped_early.empty()) return refused(place.stopped_early + " while the bench was being opened");
  for (const std::unique_ptr<Place>& other : places_) {
    const bool is_neighbour =
        other.get() != &place && !place.config.chamber.empty() && other->config.chamber == place.config.chamber;
    if (is_neighbour && (other->trip || alarms_.has_open_trip({other->config.name})))
      return refused("a safety trip of " + other->config.name + ", in the same chamber, has not been acknowledged");
  }
  return std::nullopt;
}

/// What earlier processes left: runs that go on, runs that do not, and trips that nobody has looked at.
void BenchService::adopt(const std::vector<InterruptedRun>& interrupted, const std::vector<OpenTrip>& trips) {
  for (const OpenTrip& open : trips) {
    AlarmStatus alarm{.severity = AlarmSeverity::trip, .channel = open.channel, .run = open.run, .text = open.text};
    alarm.what_to_do = "Look at the cell: an earlier process has found this, and nobody has acknowledged it.";
    raise(std::move(alarm));
    Place* const place = find(open.channel);
    if (place == nullptr || open.run == 0) continue;
    place->trip = TripStatus{.text = open.text};
    place->run = open.run;
    place->cell = open.cell;
    place->cell_id = open.cell_id;
    place->profile = open.profile;
    place->outcome = Outcome::tripped;
    place->stage = Place::Stage::ended;
  }
  for (const InterruptedRun& run : interrupted) {
    Place* const place = find(run.channel);
    if (place == nullptr || place->is_busy() || stop_requested_) continue;
    place->run = run.run;
    place->cell = run.cell;
    place->cell_id = run.cell_id;
    place->profile = run.profile;
    if (place->trip) continue;  // its alarm says it
    const std::optional<ControlError> held_back = may_go_on(*place);
    Attempt attempt{.who = {.name = options_.run.verb, .origin = {}, .role = Role::operator_},
                    .action = "run goes on",
                    .detail = fmt::format(R"({{"run":{},"simulated":{}}})", run.run, options_.status.is_simulated),
                    .prepared = std::make_shared<ControlResult<PreparedStart>>(run.prepared)};
    if (held_back) *attempt.prepared = *held_back;
    attempt.reply = [this, place, number = run.run](const ControlResult<Started>& started) {
      if (started || started.error().fault == ControlFault::ending) return;
      place->outcome = Outcome::none;
      place->stage = Place::Stage::ended;
      place->is_interrupted = true;
      place->reason = fmt::format("run {} was interrupted and does not go on by itself: {}", number, started.error().message);
      message(place->config.name, db::Severity::alarm, place->reason);
      changed(*place);
    };
    place->stage = Place::Stage::preparing;
    place->is_given_up = std::make_shared<std::atomic<bool>>(false);  // a stop may come before it has begun
    tasks_.spawn(hold_channel(*place, std::move(attempt)));
  }
}

void BenchService::stop(Outcome outcome, const std::string& reason) {
  if (stop_requested_) return;
  stop_requested_ = outcome;
  stop_reason_ = reason;
  for (const std::unique_ptr<Place>& place : places_) {
    if (place->is_given_up) place->is_given_up->store(true);
    if (place->start) place->start->stop(outcome, reason);
    if (ChannelRunner* const runner = place->runner()) runner->stop(outcome, reason);
  }
  ends_.wake();
}

void BenchService::hurry() {
  for (const std::unique_ptr<Place>& place : places_) {
    if (ChannelRunner* const runner = place->runner()) runner->hurry();
  }
  bench_.hurry();
}

bool BenchService::is_healthy() const {
  const TimePoint now = time_.now();
  const Duration limit = silence_max + config_.watchdog_delay;
  return std::all_of(places_.begin(), places_.end(), [&](const std::unique_ptr<Place>& place) {
    const ChannelRunner* const runner = place->runner();
    // One that is being switched off asks nothing on purpose, and for no longer than that.
    if (runner == nullptr) return true;
    return now - runner->last_cycle() <= limit;
  });
}

bool BenchService::any_not_safe() const {
  const bool left_running = std::any_of(bench_.chambers().begin(), bench_.chambers().end(),
                                        [](const auto& chamber) { return chamber->left_running(); });
  return left_running ||
         std::any_of(places_.begin(), places_.end(), [](const std::unique_ptr<Place>& place) { return place->is_not_safe; });
}

// ---- one channel, from its order to the end of its run --------------------------------------------------------------

Task<void> BenchService::hold_channel(Place& place, Attempt attempt) {
  std::shared_ptr<ControlResult<PreparedStart>> prepared = attempt.prepared;
  TimePoint read_from = TimePoint::min();  // it was read before this process told anything
  if (!prepared) {
    read_from = time_.now() - record_late_max;
    prepared = std::make_shared<ControlResult<PreparedStart>>(ControlError{});
    // Values only: whoever works beside the control thread may outlive this frame.
    const std::function<void()> prepare = [prepared, make = attempt.prepare] { *prepared = make(); };
    co_await bench_.aside(prepare);
  }
  std::optional<ControlError> refused;
  if (*prepared) {
    refused = co_await begin(place, **prepared, read_from);
  } else {
    refused = prepared->error();
  }
  place.is_given_up.reset();
  place.doing.clear();
  if (refused) {
    refuse_start(place, attempt, *refused);
    co_return;
  }
  if (place.stage == Place::Stage::running) {
    audit(attempt.who, place.run, attempt.action, (**prepared).rehearsed, attempt.detail);
    tell_run(place.run);
    attempt.reply(Started{.run = place.run, .fencing_token = place.token});
    changed(place);
    co_await place.job->runner->run(place.run);
    run_ended(place);
  } else {
    attempt.reply(Started{.run = place.run, .fencing_token = place.token});  // closed by its rule
  }
}

/// Nothing: nobody has given it up, and nothing has come in its way.
std::optional<ControlError> BenchService::may_go_on_starting(const Place& place) const {
  const bool is_given_up = place.is_given_up && place.is_given_up->load();
  if (stop_requested_ || is_given_up)
    return ControlError{.fault = ControlFault::ending, .message = place.config.name + ": stopped before the start"};
  if (const ControlResult<void> allowed = may_be_energised(place); !allowed) return allowed.error();
  return std::nullopt;
}

/// Waiting for the watch may have taken a second, or a minute: what came meanwhile counts. A stop ends in OFF.
std::optional<ControlError> BenchService::given_up_while_held(Place& place) {
  std::optional<ControlError> ending = may_go_on_starting(place);
  if (!ending) return ending;
  place.watch->let_go_as_before();
  if (ending->fault == ControlFault::ending) {
    place.is_being_secured = true;
    tasks_.spawn(switch_off_idle(place));
  }
  return ending;
}

void BenchService::make_start(Place& place, const PreparedStart& prepared) {
  if (place.job) bench_.leave(*place.job);
  place.job.reset();
  place.watch->mind_heat(false);  // its runner does from now on, before the first look
  place.program = prepared.program;
  place.estimated = estimate(*place.program);
  ChannelJob job{.channel = place.config.name,
                 .program = place.program.get(),
                 .run = prepared.row,
                 .goes_on = prepared.goes_on,
                 .expected_charge = prepared.expected_charge,
                 .following = prepared.following};
  std::vector<ChannelJob> jobs;
  jobs.push_back(std::move(job));
  place.start = std::make_unique<BenchStart>(bench_, std::move(jobs));
  place.start->set_last_check([this, &place]() -> Result<void> {
    if (const ControlResult<void> allowed = may_be_energised(place); !allowed)
      return fail(Fault::refused, allowed.error().message);
    return {};
  });
}

Task<std::optional<ControlError>> BenchService::begin(Place& place, PreparedStart& prepared, TimePoint read_from) {
  const bool is_closed_only = prepared.goes_on && prepared.goes_on->rule == InterruptionRule::stop;
  std::optional<ControlError> ending = may_go_on_starting(place);
  if (ending && (ending->fault == ControlFault::ending || !is_closed_only)) co_return ending;
  if (is_closed_only) {
    count_told(place, prepared, read_from);
    close_interrupted(place, prepared);
    co_return std::optional<ControlError>{};
  }
  // Until when current may have flowed is known when an OFF was confirmed, and counted from then.
  if (prepared.goes_on && place.is_not_safe) {
    const std::string text = ": its output is not known to be off. It is told OFF every minute, and by a stop: go on when it is";
    const ControlError error{.fault = ControlFault::refused, .message = place.config.name + text};
    co_return std::optional<ControlError>{error};
  }
  place.stage = Place::Stage::starting;
  place.doing = "preflight";
  changed(place);
  co_await place.watch->hold();
  ending = given_up_while_held(place);
  if (ending) co_return ending;
  count_told(place, prepared, read_from);
  make_start(place, prepared);
  const std::optional<StartRefusal> refusal = co_await place.start->run();
  if (refusal) {
    const SafeBy safe = place.start->jobs().front()->runner->safe_by();
    place.start.reset();
    place.program.reset();
    place.watch->mind_heat(true);
    set_not_safe(place, safe == SafeBy::nothing);
    if (place.is_not_safe) {
      place.watch->let_go_in_doubt();
    } else {
      place.watch->let_go(safe == SafeBy::instrument && !refusal->is_insecure);
    }
    const ControlError error{.fault = fault_of(*refusal), .message = refusal->error.what};
    co_return std::optional<ControlError>{error};
  }
  std::vector<std::unique_ptr<BenchJob>> started = place.start->take_jobs();
  place.job = std::move(started.front());
  place.start.reset();
  set_not_safe(place, false);
  place.stage = Place::Stage::running;
  show_run(place);
  // Who stopped it between its last check and now is not forgotten.
  if (stop_requested_) place.job->runner->stop(*stop_requested_, stop_reason_);
  co_return std::optional<ControlError>{};
}

void BenchService::show_run(Place& place) {
  const ChannelJob& job = place.job->job;
  const db::RunRow& row = job.goes_on ? job.goes_on->run.info.row : job.run;
  place.run = place.job->run;
  ran_here_.insert(place.run);
  place.cell = row.cell_name;
  place.cell_id = row.cell_id;
  place.profile = row.profile_name;
  place.operator_name = place.job->operator_name();
  place.started = row.started_at;
  place.reason.clear();
  place.asks_person.clear();
  place.outcome = Outcome::none;
  place.criteria_met = true;
  place.is_interrupted = false;
  place.trip.reset();
  place.told_charge.forget();  // to another run, or counted
}

void BenchService::refuse_start(Place& place, const Attempt& attempt, const ControlError& error) {
  place.stage = place.run != 0 ? Place::Stage::ended : Place::Stage::idle;
  const bool is_ending = error.fault == ControlFault::ending;
  const std::string text = place.config.name + ": " + error.message;
  recorder_.append(db::EventRow{.utc = time_.utc_now(),
                                .severity = is_ending ? db::Severity::warning : db::Severity::alarm,
                                .kind = "start refused",
                                .message = text});
  log_.message(place.config.name, db::Severity::warning, "start refused: " + error.message);
  audit(attempt.who, 0, "start refused", text, attempt.detail);
  attempt.reply(error);
  changed(place);
}

/// The rule `stop`: nothing is energised, the record is closed.
void BenchService::close_interrupted(Place& place, const PreparedStart& prepared) {
  // "stopped" promises that OFF was confirmed.
  const Outcome outcome = place.is_not_safe ? Outcome::instrument_failure : Outcome::stopped;
  std::string reason = "not resumed after an interruption";
  if (place.is_not_safe) reason += "; its output is not known to be off";
  ChannelRecord record(recorder_, *prepared.program);
  cellrig::close_interrupted(record, *prepared.goes_on, outcome, reason, time_.now(), time_.utc_now());
  place.run = prepared.goes_on->run.info.run;
  place.told_charge.forget();
  place.stage = Place::Stage::ended;
  place.outcome = outcome;
  place.criteria_met = prepared.goes_on->criteria_met();
  place.is_interrupted = false;
  place.reason = reason;
  tell_run(place.run);
  changed(place);
}

void BenchService::run_ended(Place& place) {
  const ChannelRunner& runner = *place.job->runner;
  place.stage = Place::Stage::ended;
  place.outcome = runner.outcome();
  place.reason = runner.reason();
  place.criteria_met = runner.criteria_met();
  place.asks_person.clear();
  set_not_safe(place, runner.safe_by() == SafeBy::nothing);
  if (place.outcome == Outcome::tripped) any_tripped_ = true;
  if (const std::optional<TripCause> cause = runner.trip_cause()) {
    place.trip = trip_status(*cause);
    // Its alarm was raised when it tripped; unless somebody has acknowledged it in the second since.
    if (!alarms_.has_open_trip({place.config.name})) place.trip.reset();
  }
  if (place.is_not_safe) {
    // What was measured or commanded last may flow on until an OFF is confirmed: whoever goes on with this run counts it.
    place.watch->let_go_in_doubt(time_.now(), runner.may_flow());  // until now the run has told it
  } else {
    place.watch->let_go(runner.is_given_back());
  }
  tasks_.spawn(stand_alarms_down());  // what was acknowledged while it still lived in its chamber
  if (place.is_not_safe) message(place.config.name, db::Severity::alarm, "its output is not known to be off. Go and look.");
  tell_run(place.run);
  changed(place);
}

}  // namespace cellrig
