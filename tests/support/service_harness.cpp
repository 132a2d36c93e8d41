#include "tests/support/service_harness.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <stdexcept>

#include "controller/base/resources.hpp"
#include "controller/cli/bench/instruments.hpp"
#include "controller/cli/bench/links.hpp"
#include "controller/runtime/bench_off.hpp"
#include "profiles/cell.hpp"
#include "profiles/compile.hpp"
#include "profiles/reader.hpp"
#include "sim/faults.hpp"
#include "tests/support/bench_harness.hpp"

namespace cellrig::test {
namespace {

constexpr Duration look_every = std::chrono::milliseconds{100};

}  // namespace

class ServiceHarness::Listener final : public RunListener {
 public:
  explicit Listener(std::vector<std::string>& messages) : messages_{messages} {}
  void message(std::string_view channel, db::Severity /*severity*/, std::string_view text) override {
    messages_.push_back(std::string(channel) + ": " + std::string(text));
  }

 private:
  std::vector<std::string>& messages_;
};

ServiceHarness::ServiceHarness(ServiceHarnessOptions options)
    : options_{std::move(options)}, folder_{temporary_folder()}, listener_{std::make_unique<Listener>(messages_)} {
  if (options_.database.empty()) options_.database = folder_ + "/record.db";
  std::string file = folder_ + "/bench.yaml";
  if (options_.bench.find('\n') != std::string::npos) {
    std::ofstream{file} << options_.bench;
  } else {
    file = find_bench(options_.bench);
  }
  config_ = load_bench(file);
  simulated_ = sim::SimulatedBench::load(file, sim::BenchOptions{{cell_directory()}, options_.seed});
}

ServiceHarness::~ServiceHarness() {
  if (service_) kill();
}

ControlResult<PreparedStart> ServiceHarness::prepare(const StartOrder& order) const {
  const auto text = options_.profiles.find(order.profile);
  if (text == options_.profiles.end())
    return ControlError{.fault = ControlFault::not_found, .message = "no profile '" + order.profile + "'"};
  PreparedStart made;
  made.program = std::make_shared<const Program>(
      compile(read_profile(text->second, order.profile + ".yaml"), read_cell_file(find_cell(options_.cell)), order.parameters));
  made.row.cell_name = made.program->cell_name;
  made.row.cell_id = order.cell_id;
  made.row.profile_name = made.program->name;
  made.row.profile_text = made.program->source_text;
  made.row.program_hash = made.program->hash;
  made.row.operator_name = order.who.name;
  made.row.time_source = "virtual";
  made.row.control_period = options_.control_period;
  made.row.nominal_capacity_Ah = made.program->nominal_capacity.value();
  return made;
}

ControlResult<PreparedStart> ServiceHarness::prepare_go_on(const std::string& channel, InterruptionRule rule) {
  if (recorder_) (void)recorder_->flush();
  const std::unique_ptr<db::Reader> reader = std::move(db::Reader::open(options_.database).value());
  const Result<db::RunKey> run = last_run_of(*reader, channel);
  Result<Interrupted> left = run ? find_interrupted(*reader, *run) : Result<Interrupted>{run.error()};
  if (!left) return ControlError{.fault = ControlFault::refused, .message = left.error().what};
  StartOrder same{.channel = channel};
  for (const auto& [name, text] : options_.profiles) {
    if (text == left->info.row.profile_text) same.profile = name;
  }
  ControlResult<PreparedStart> prepared = prepare(same);
  if (const Result<void> ready = bring_up_to_date(*reader, *prepared->program, *left); !ready)
    throw std::runtime_error(ready.error().what);
  Continuation how{.rule = rule};
  how.unseen = unseen_of(*prepared->program, *left, config_.watchdog_delay + std::chrono::seconds{2});
  how.run = std::move(*left);
  how.operator_name = "service";
  prepared->goes_on = std::move(how);
  return prepared;
}

std::vector<InterruptedRun> ServiceHarness::interrupted(InterruptionRule rule) {
  std::vector<InterruptedRun> found;
  for (const ChannelConfig& channel : config_.channels) {
    ControlResult<PreparedStart> prepared = prepare_go_on(channel.name, rule);
    if (!prepared || prepared->goes_on->run.info.end) continue;
    prepared->goes_on->stays_paused = true;
    const db::RunKey run = prepared->goes_on->run.info.run;
    found.push_back({.channel = channel.name, .run = run, .prepared = std::move(prepared)});
  }
  return found;
}

void ServiceHarness::open(std::optional<InterruptionRule> resume, std::vector<OpenTrip> trips) {
  reader_.reset();
  std::vector<InterruptedRun> left;
  if (resume) left = interrupted(*resume);
  db::RecorderOptions recorder{.path = options_.database, .commit = db::CommitPolicy::simulated()};
  recorder_ = std::make_unique<SlowRecord>(std::move(db::Recorder::open(recorder).value()));
  const std::unique_ptr<cli::LinkMaker> links = cli::in_process_links(time_, *simulated_);
  std::vector<std::string> channels;
  for (const ChannelConfig& channel : config_.channels) channels.push_back(channel.name);
  instruments_ = cli::make_instruments(time_, config_, channels, *links);
  BenchServiceOptions service;
  service.run.take_leases = !options_.lease_directory.empty();
  service.run.lease_directory = options_.lease_directory;
  service.run.channel.control_period = options_.control_period;
  service.run.channel.control_period_off = options_.control_period;
  service.run.channel.control_period_long_rest = options_.control_period;
  service.run.channel.sensor_period = options_.control_period;
  service.run.disk_reserve_bytes = 1;
  service.run.free_disk_bytes = [] { return Result<std::uint64_t>{std::uint64_t{1} << 40}; };
  service.run.remember_alarms = options_.remember_alarms;
  service.run.aside = options_.aside;
  service.fencing_base = ++processes_;
  service.last_runs = last_runs_;
  service.prepare = [this](const StartOrder& order, const PrepareContext&) { return prepare(order); };
  service.prepare_go_on = [this](const GoOnOrder& order) { return prepare_go_on(order.channel, *interruption_rule(order.rule)); };
  service_ = std::make_unique<BenchService>(time_, config_, instruments_, *recorder_, *listener_, std::move(service));
  has_ended_ = false;
  refusal_.clear();
  const auto whole = [](ServiceHarness* self, std::vector<InterruptedRun> runs, std::vector<OpenTrip> open_trips,
                        std::vector<std::string> names) -> Task<void> {
    BenchOff off{self->time_, self->config_, self->instruments_, *self->listener_, BenchOffOptions{.take_leases = false}};
    std::vector<std::string> no_chambers;
    co_await off.run(names, no_chambers);
    const Result<void> done = co_await self->service_->run(std::move(runs), std::move(open_trips));
    if (!done) self->refusal_ = done.error().what;
    self->has_ended_ = true;
  };
  time_.spawn(whole(this, std::move(left), std::move(trips), channels));
  (void)advance_until([this] { return service_->is_open() || has_ended_; });
}

void ServiceHarness::open_after(std::map<std::string, db::RunKey> last_runs) {
  last_runs_ = std::move(last_runs);
  open();
}

void ServiceHarness::run_for(Duration duration) {
  const auto wait = [](VirtualTime* time, Duration how_long) -> Task<void> {
    co_await time->sleep_for(how_long);
    time->stop();
  };
  time_.spawn(wait(&time_, duration));
  time_.run();
  simulated_->advance(time_.now());
}

void ServiceHarness::advance(Duration duration) { run_for(duration); }

bool ServiceHarness::advance_until(const std::function<bool()>& holds, Duration at_most) {
  const TimePoint latest = time_.now() + at_most;
  while (!holds()) {
    if (time_.now() >= latest) return false;
    run_for(look_every);
  }
  return true;
}

void ServiceHarness::close() {
  service_->stop(Outcome::stopped, "stopped by SIGTERM");
  if (!advance_until([this] { return has_ended_; })) ADD_FAILURE() << "the service does not end";
  (void)recorder_->close();
}

void ServiceHarness::kill() {
  time_.drop_tasks();
  service_.reset();
  instruments_ = BenchInstruments{};
  if (recorder_) (void)recorder_->close();
  recorder_.reset();
  reader_.reset();
}

ControlResult<Started> ServiceHarness::start(const std::string& channel, const std::string& profile,
                                             std::optional<std::uint64_t> token) {
  StartOrder order{.channel = channel, .who = {.name = "Ada", .origin = "test"}, .profile = profile};
  order.fencing_token = token.value_or(status(channel).fencing_token);
  std::optional<ControlResult<Started>> answer;
  service_->start(order, [&answer](ControlResult<Started> reply) { answer = std::move(reply); });
  if (!advance_until([&answer] { return answer.has_value(); }))
    return ControlError{.fault = ControlFault::failed, .message = "no reply"};
  return *answer;
}

ControlResult<Started> ServiceHarness::go_on(const std::string& channel, InterruptionRule rule) {
  GoOnOrder order{.channel = channel, .who = {.name = "Ada", .origin = "test"}, .run = status(channel).run};
  order.fencing_token = status(channel).fencing_token;
  order.rule = to_string(rule);
  std::optional<ControlResult<Started>> answer;
  service_->go_on(order, [&answer](ControlResult<Started> reply) { answer = std::move(reply); });
  if (!advance_until([&answer] { return answer.has_value(); }))
    return ControlError{.fault = ControlFault::failed, .message = "no reply"};
  return *answer;
}

ChannelOrder ServiceHarness::order(const std::string& channel, const std::string& reason) {
  return {.channel = channel,
          .fencing_token = status(channel).fencing_token,
          .who = {.name = "Ada", .origin = "test"},
          .reason = reason};
}

void ServiceHarness::fault(const std::string& what) {
  const Result<void> done = sim::apply_fault(*simulated_, time_.now(), what);
  if (!done) ADD_FAILURE() << what << ": " << done.error().what;
}

sim::CellTruth ServiceHarness::truth(const std::string& channel) {
  simulated_->advance(time_.now());
  return simulated_->world().truth(simulated_->channel(channel)->cell);
}

bool ServiceHarness::output_is_on(const std::string& channel) {
  simulated_->advance(time_.now());
  return simulated_->world().stage(simulated_->channel(channel)->cell).output_on();
}

db::Reader& ServiceHarness::record() {
  if (recorder_) (void)recorder_->flush();
  reader_ = std::move(db::Reader::open(options_.database).value());
  return *reader_;
}

std::vector<std::string> ServiceHarness::event_kinds(std::int64_t run) {
  std::vector<std::string> kinds;
  for (const db::EventRow& event : record().events(run).value()) kinds.push_back(event.kind);
  return kinds;
}

}  // namespace cellrig::test
