#include "tests/support/bench_harness.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "controller/cli/bench_context.hpp"
#include "controller/cli/instruments.hpp"
#include "controller/base/resources.hpp"
#include "controller/cli/rig.hpp"
#include "controller/cli/settings.hpp"
#include "profiles/cell.hpp"
#include "profiles/compile.hpp"
#include "profiles/reader.hpp"
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

class Links final : public cli::LinkMaker {
 public:
  Links(TimeSource& time, sim::SimulatedBench& bench) : time_{time}, bench_{bench} {}
  std::unique_ptr<ModbusBus> modbus(const InstrumentConfig& instrument, Duration /*request_gap*/) override {
    return sim::make_modbus_link(time_, bench_, instrument.name);
  }
  std::unique_ptr<ByteStream> scpi(const InstrumentConfig& instrument) override {
    return sim::make_stream_link(time_, bench_, instrument.name);
  }

 private:
  TimeSource& time_;
  sim::SimulatedBench& bench_;
};

}  // namespace

std::string temporary_folder() {
  static Folders folders;
  return folders.make();
}

class BenchHarness::Listener final : public RunListener {
 public:
  explicit Listener(std::vector<Message>& messages) : messages_{messages} {}
  void message(std::string_view channel, db::Severity severity, std::string_view text) override {
    messages_.push_back({std::string(channel), severity, std::string(text)});
  }

 private:
  std::vector<Message>& messages_;
};

BenchHarness::BenchHarness(HarnessOptions options)
    : options_{std::move(options)}, folder_{temporary_folder()}, listener_{std::make_unique<Listener>(messages_)} {
  if (options_.database.empty()) options_.database = folder_ + "/record.db";
  load_bench_file();
  compile_profiles();
  db::RecorderOptions recorder{.path = options_.database, .commit = db::CommitPolicy::simulated()};
  recorder.database_bytes_max = options_.database_bytes_max;
  Result<std::unique_ptr<db::Recorder>> opened = db::Recorder::open(recorder);
  if (!opened) throw std::runtime_error(opened.error().what);
  recorder_ = std::move(*opened);
  Links links{time_, *simulated_};
  std::vector<std::string> channels;
  for (const auto& [channel, program] : programs_) channels.push_back(channel);
  instruments_ = cli::make_instruments(time_, config_, channels, links);
  BenchRunOptions run{.take_leases = !options_.lease_directory.empty(), .lease_directory = options_.lease_directory};
  run.channel.control_period = options_.control_period;
  run.channel.control_period_off = options_.control_period;
  run.channel.control_period_long_rest = std::max<Duration>(options_.control_period, std::chrono::seconds{10});
  run.channel.sensor_period = options_.control_period;
  run.disk_reserve_bytes = 1;
  run.free_disk_bytes = [this] {
    return Result<std::uint64_t>{options_.free_disk_bytes ? options_.free_disk_bytes(time_.now()) : std::uint64_t{1} << 40};
  };
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

const std::vector<ChannelResult>& BenchHarness::run() {
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
    jobs.push_back(ChannelJob{channel, &program, std::move(row)});
  }
  const auto whole = [](BenchHarness* self, std::vector<ChannelJob> list) -> Task<void> {
    co_await self->bench_run_->run(std::move(list));
    self->time_.stop();
  };
  time_.spawn(whole(this, std::move(jobs)));
  time_.run();
  simulated_->advance(time_.now());
  (void)recorder_->close();
  return bench_run_->results();
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
