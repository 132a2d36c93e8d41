#include "tests/support/bench_harness.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "controller/cli/run/simulated_person.hpp"
#include "controller/cli/bench/bench_context.hpp"
#include "controller/cli/bench/instruments.hpp"
#include "controller/cli/rehearsal/rehearsal.hpp"
#include "controller/base/resources.hpp"
#include "controller/cli/bench/rig.hpp"
#include "controller/cli/files/settings.hpp"
#include "profiles/cell.hpp"
#include "profiles/compile.hpp"
#include "profiles/open_circuit.hpp"
#include "profiles/reader.hpp"
#include "profiles/yaml_reader.hpp"
#include "sim/faults.hpp"
#include "sim/net/in_process.hpp"

namespace cellrig::test {
namespace {

bool is_text(const std::string& name_or_text) { return name_or_text.find('\n') != std::string::npos; }

std::string write_file(const std::string& path, const std::string& text) {
  std::ofstream{path} << text;
  return path;
}

class Folders {
 public:
  ~Folders() {
    std::error_code ignored;
    for (const std::string& folder : made_) std::filesystem::remove_all(folder, ignored);
  }
  std::string make() {
    std::string path = (std::filesystem::temp_directory_path() / "cellrig-test-XXXXXX").string();
    if (::mkdtemp(path.data()) == nullptr) throw std::runtime_error("no temporary folder");
    made_.push_back(path);
    return path;
  }

 private:
  std::vector<std::string> made_;
};

}  // namespace

std::string temporary_folder() {
  static Folders folders;
  return folders.make();
}

class BenchHarness::Listener final : public RunListener {
 public:
  Listener(std::vector<Message>& messages, std::function<void(const std::string&, const PersonTask&)> person)
      : messages_{messages}, person_{std::move(person)} {}
  void person_asked(std::string_view channel, const PersonTask& task) override { person_(std::string(channel), task); }
  void message(std::string_view channel, db::Severity severity, std::string_view text) override {
    messages_.push_back({std::string(channel), severity, std::string(text)});
  }

 private:
  std::vector<Message>& messages_;
  std::function<void(const std::string&, const PersonTask&)> person_;
};

/// The recorder of a process that dies: what it was told after that never reaches the disk. What is held together arrives together.
class BenchHarness::DyingRecorder final : public db::Recorder {
 public:
  DyingRecorder(std::unique_ptr<db::Recorder> disk, Death death, std::function<void()> die)
      : disk_{std::move(disk)}, left_{death}, die_{std::move(die)} {}

  db::RunKey begin_run(const db::RunRow& row) override { return disk_->begin_run(row); }
  db::StepKey next_step_key() override { return disk_->next_step_key(); }
  void begin_step(const db::StepRow& row) override {
    tell([this, row] { disk_->begin_step(row); });
  }
  void append(const db::SampleRow& row) override {
    write_held();
    if (is_dead_) return;
    disk_->append(row);
    written();
    if (left_.samples > 0 && --left_.samples == 0) die();
  }
  void append(const db::AuxRow& row) override {
    if (!is_dead_) disk_->append(row);
  }
  void end_step(const db::StepEndRow& row) override {
    tell([this, row] { disk_->end_step(row); });
  }
  void append(const db::CycleRow& row) override {
    tell([this, row] { disk_->append(row); });
  }
  void append(const db::EventRow& row) override {
    tell([this, row] { disk_->append(row); });
  }
  void resume_point(db::RunKey run, std::span<const std::byte> state) override {
    tell([this, run, bytes = std::vector<std::byte>(state.begin(), state.end())] { disk_->resume_point(run, bytes); });
  }
  void end_run(const db::RunEndRow& row) override {
    tell([this, row] { disk_->end_run(row); });
  }
  void resume_run(db::RunKey run, const std::string& operator_name, const std::string& host) override {
    tell([this, run, operator_name, host] { disk_->resume_run(run, operator_name, host); });
  }
  void expected(db::ExpectedRows&& rows) override {
    if (!is_dead_) disk_->expected(std::move(rows));
  }
  void audit(const db::AuditRow& row) override {
    if (!is_dead_) disk_->audit(row);
  }
  void hold() override { ++holds_; }
  void release() override {
    if (holds_ > 0 && --holds_ == 0) write_held();
  }
  Result<void> flush() override { return disk_->flush(); }
  Result<void> close() override { return disk_->close(); }
  bool failed() const override { return disk_->failed(); }
  std::string failure() const override { return disk_->failure(); }
  std::uint64_t rows_written() const override { return disk_->rows_written(); }
  std::uint64_t wal_bytes() const override { return disk_->wal_bytes(); }

 private:
  void tell(std::function<void()> what) {
    held_.push_back(std::move(what));
    if (holds_ == 0) write_held();
  }
  void write_held() {
    const std::vector<std::function<void()>> held = std::exchange(held_, {});
    if (held.empty() || is_dead_) return;
    for (const std::function<void()>& what : held) what();
    written();
  }
  void written() {
    if (left_.writes > 0 && --left_.writes == 0) die();
  }
  void die() {
    is_dead_ = true;
    die_();
  }

  std::unique_ptr<db::Recorder> disk_;
  Death left_;
  std::function<void()> die_;
  std::vector<std::function<void()>> held_;
  int holds_ = 0;
  bool is_dead_ = false;
};

BenchHarness::BenchHarness(HarnessOptions options)
    : options_{std::move(options)},
      folder_{temporary_folder()},
      listener_{std::make_unique<Listener>(
          messages_, [this](const std::string& channel, const PersonTask& task) { attend(channel, task); })} {
  if (options_.database.empty()) options_.database = folder_ + "/record.db";
  load_bench_file();
  compile_profiles();
  make_process({});
}

/// Everything that dies with a process. The world and its clock stay.
void BenchHarness::make_process(Death death) {
  bench_run_.reset();
  if (recorder_) (void)recorder_->close();
  db::RecorderOptions recorder{.path = options_.database, .commit = db::CommitPolicy::simulated()};
  recorder.database_bytes_max = options_.database_bytes_max;
  Result<std::unique_ptr<db::Recorder>> opened = db::Recorder::open(recorder);
  if (!opened) throw std::runtime_error(opened.error().what);
  killed_ = false;
  recorder_ = std::make_unique<DyingRecorder>(std::move(*opened), death, [this] {
    killed_ = true;
    time_.stop();
  });
  const std::unique_ptr<cli::LinkMaker> links = cli::in_process_links(time_, *simulated_);
  std::vector<std::string> channels;
  for (const auto& [channel, program] : programs_) channels.push_back(channel);
  instruments_ = cli::make_instruments(time_, config_, channels, *links);
  BenchRunOptions run{.take_leases = !options_.lease_directory.empty(), .lease_directory = options_.lease_directory};
  run.channel.control_period = options_.control_period;
  run.channel.control_period_off = options_.control_period;
  run.channel.control_period_long_rest = std::max<Duration>(options_.control_period, std::chrono::seconds{10});
  run.channel.sensor_period = options_.control_period;
  run.channel.resume_point_interval = options_.resume_point_interval;
  run.disk_reserve_bytes = 1;
  run.free_disk_bytes = [this] {
    return Result<std::uint64_t>{options_.free_disk_bytes ? options_.free_disk_bytes(time_.now()) : std::uint64_t{1} << 40};
  };
  if (options_.start_rules) options_.start_rules(run);
  bench_run_ = std::make_unique<BenchRun>(time_, config_, instruments_, *recorder_, *listener_, std::move(run));
}

BenchHarness::~BenchHarness() = default;

void BenchHarness::load_bench_file() {
  const std::string file =
      is_text(options_.bench) ? write_file(folder_ + "/bench.yaml", options_.bench) : find_bench(options_.bench);
  config_ = load_bench(file);
  simulated_ = sim::SimulatedBench::load(file, sim::BenchOptions{{cell_directory()}, options_.seed});
}

void BenchHarness::compile_profiles() {
  const Cell cell = is_text(options_.cell) ? read_cell(options_.cell, "cell.yaml") : read_cell_file(find_cell(options_.cell));
  for (const auto& [channel, text] : options_.profiles) {
    const Profile profile = is_text(text) ? read_profile(text, "profile.yaml") : read_profile_file(find_profile(text));
    programs_[channel] = compile(profile, cell, options_.settings);
    const std::vector<Finding> found =
        check(programs_[channel], cli::check_context(config_, config_.channel(channel), "profile.yaml"));
    for (const Finding& f : found) findings_.push_back(to_string(f));
    if (has_errors(found) && !options_.ignore_check) {
      std::string all;
      for (const std::string& f : findings_) all += f + "\n";
      throw std::runtime_error("check refuses the profile:\n" + all);
    }
  }
}

void BenchHarness::at(Duration instant, std::function<void()> action) {
  const auto wait = [](VirtualTime* time, Duration when, std::function<void()> what) -> Task<void> {
    const TimePoint due{when};
    co_await time->sleep_until(due);
    what();
  };
  time_.spawn(wait(&time_, instant, std::move(action)));
}

void BenchHarness::fault_at(Duration instant, const std::string& order) {
  at(instant, [this, order] {
    const Result<void> done = sim::apply_fault(*simulated_, time_.now(), order);
    if (!done) ADD_FAILURE() << order << ": " << done.error().what;
  });
}

void BenchHarness::attend(const std::string& channel, const PersonTask& task) {
  if (!options_.has_person || killed_) return;
  time_.spawn(cli::do_as_asked(time_, *bench_run_, channel, task, [this, channel](double pressure_MPa) {
    (void)simulated_->world().ensure_life(simulated_->channel(channel)->cell).set_stack_pressure(pressure_MPa);
  }));
}

const std::vector<ChannelResult>& BenchHarness::run() {
  (void)run_jobs(new_jobs());
  return bench_run_->results();
}

bool BenchHarness::run_until_killed(Death death) {
  make_process(death);
  return !run_jobs(new_jobs());
}

const std::vector<ChannelResult>& BenchHarness::resume(Duration gap, InterruptionRule rule) {
  (void)resume_until_killed(gap, rule, {});
  return bench_run_->results();
}

bool BenchHarness::resume_until_killed(Duration gap, InterruptionRule rule, Death death) {
  pass(gap);
  make_process(death);
  return !run_jobs(interrupted_jobs(rule));
}

void BenchHarness::pass(Duration gap) {
  const auto wait = [](VirtualTime* time, Duration how_long) -> Task<void> {
    co_await time->sleep_for(how_long);
    time->stop();
  };
  time_.spawn(wait(&time_, gap));
  time_.run();
  simulated_->advance(time_.now());
}

std::vector<ChannelJob> BenchHarness::interrupted_jobs(InterruptionRule rule) {
  std::vector<ChannelJob> jobs;
  const Result<std::unique_ptr<db::Reader>> reader = db::Reader::open(options_.database);
  for (const auto& [channel, program] : programs_) {
    const Result<db::RunKey> run = last_run_of(**reader, channel);
    Result<Interrupted> found = run ? find_interrupted(**reader, *run) : Result<Interrupted>{run.error()};
    const Result<void> ready = found ? bring_up_to_date(**reader, program, *found) : Result<void>{found.error()};
    if (!ready) {
      resume_refusal_ = ready.error().what;
      continue;
    }
    Continuation how{.rule = rule};
    how.unseen = unseen_of(program, *found, config_.watchdog_delay + std::chrono::seconds{1} + options_.control_period);
    how.run = std::move(*found);
    Following following = following_of(**reader, program, *run).value();
    jobs.push_back(ChannelJob{channel, &program, {}, std::move(how), std::nullopt, std::move(following)});
  }
  return jobs;
}

std::optional<ExpectedCharge> BenchHarness::expected_charge() const {
  if (options_.expected_soc.empty()) return std::nullopt;
  const std::string text = is_text(options_.cell) ? options_.cell : read_text_file(find_cell(options_.cell));
  return parse_expected_charge(options_.expected_soc, read_open_circuit_table(text, "cell.yaml").value());
}

/// As `cellrig run --expect` does it.
Following BenchHarness::rehearsed(const std::string& channel, const Program& program) const {
  constexpr double start_tolerance_pct = 10.0;
  if (options_.rehearsed_on.empty()) return {};
  cli::RehearsalRequest request{.program = &program, .channel = channel, .seed = options_.seed};
  request.bench = load_bench(is_text(options_.rehearsed_on) ? write_file(folder_ + "/rehearsed.yaml", options_.rehearsed_on)
                                                            : find_bench(options_.rehearsed_on));
  request.cell_file =
      is_text(options_.cell) ? write_file(folder_ + "/rehearsed-cell.yaml", options_.cell) : find_cell(options_.cell);
  cli::Rehearsal rehearsal = cli::rehearse(request, {});
  if (rehearsal.outcome != Outcome::completed) throw std::runtime_error("the rehearsal did not complete: " + rehearsal.reason);
  rehearsal.expected.start_tolerance_pct = start_tolerance_pct;
  return Following{.expected = std::make_shared<const ExpectedCurves>(std::move(rehearsal.expected))};
}

std::vector<ChannelJob> BenchHarness::new_jobs() const {
  std::vector<ChannelJob> jobs;
  for (const auto& [channel, program] : programs_) {
    db::RunRow row;
    row.cell_name = program.cell_name;
    row.profile_name = program.name;
    row.profile_text = program.source_text;
    row.program_hash = program.hash;
    row.time_source = "virtual";
    row.seed = options_.seed;
    row.control_period = options_.control_period;
    row.nominal_capacity_Ah = program.nominal_capacity.value();
    jobs.push_back(ChannelJob{channel, &program, std::move(row), std::nullopt, expected_charge(), rehearsed(channel, program)});
  }
  return jobs;
}

/// True: they came to an end. False: the process was killed, and is gone.
bool BenchHarness::run_jobs(std::vector<ChannelJob> jobs) {
  reader_.reset();
  const auto whole = [](BenchHarness* self, std::vector<ChannelJob> list) -> Task<void> {
    co_await self->bench_run_->run(std::move(list));
    self->time_.stop();
  };
  time_.spawn(whole(this, std::move(jobs)));
  time_.run();
  simulated_->advance(time_.now());
  if (killed_) {
    time_.drop_tasks();
    bench_run_.reset();
    instruments_ = BenchInstruments{};
  }
  (void)recorder_->close();
  return !killed_;
}

const ChannelResult& BenchHarness::result(const std::string& channel) const {
  for (const ChannelResult& r : bench_run_->results()) {
    if (r.channel == channel) return r;
  }
  throw std::runtime_error("no result of channel " + channel);
}

sim::CellTruth BenchHarness::truth(const std::string& channel) {
  simulated_->advance(time_.now());
  return simulated_->world().truth(simulated_->channel(channel)->cell);
}

bool BenchHarness::output_is_on(const std::string& channel) {
  simulated_->advance(time_.now());
  return simulated_->world().stage(simulated_->channel(channel)->cell).output_on();
}

db::Reader& BenchHarness::record() {
  if (!reader_) {
    Result<std::unique_ptr<db::Reader>> opened = db::Reader::open(options_.database);
    if (!opened) throw std::runtime_error(opened.error().what);
    reader_ = std::move(*opened);
  }
  return *reader_;
}

bool BenchHarness::said(const std::string& part) const {
  for (const Message& m : messages_) {
    if (m.text.find(part) != std::string::npos) return true;
  }
  return false;
}

}  // namespace cellrig::test
