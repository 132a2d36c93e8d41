// A bench service in virtual time: the program's own runtime, drivers and recorder over the simulator's in-process links, and a client.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controller/async/virtual_time.hpp"
#include "controller/runtime/bench_service.hpp"
#include "db/reader.hpp"
#include "sim/bench.hpp"
#include "tests/support/slow_record.hpp"

namespace cellrig::test {

struct ServiceHarnessOptions {
  std::string bench = "demo";                   ///< a name in sim/benches, or the text of a bench file
  std::map<std::string, std::string> profiles;  ///< name -> text
  std::string cell = "lg-m50";
  std::uint64_t seed = 1;
  Duration control_period = std::chrono::seconds{1};
  std::string lease_directory;                             ///< empty: none is taken
  std::string database;                                    ///< empty: a temporary file
  BenchAlarms::Remember remember_alarms;                   ///< what the record knows of an output that calls people
  std::function<Task<void>(std::function<void()>)> aside;  ///< what reads files beside the control thread; empty: on it
};

class ServiceHarness {
 public:
  explicit ServiceHarness(ServiceHarnessOptions options);
  ~ServiceHarness();

  /// A process begins: outputs off, service open. `resume`: unfinished runs go on by this rule; a person is not asked.
  void open(std::optional<InterruptionRule> resume = std::nullopt, std::vector<OpenTrip> trips = {});
  /// The same, and it knows which run was last on a channel, as the record tells `serve`.
  void open_after(std::map<std::string, db::RunKey> last_runs);
  /// The bench could not be opened, and why; empty: it could.
  [[nodiscard]] const std::string& refusal() const { return refusal_; }
  void advance(Duration duration);
  /// Until this holds, at most so long. False: it never did.
  [[nodiscard]] bool advance_until(const std::function<bool()>& holds, Duration at_most = std::chrono::minutes{10});
  /// As SIGTERM: until the service has ended, and the record is closed.
  void close();
  /// The process dies: no task goes on, nothing more is sent or recorded.
  void kill();

  /// Orders and waits for the reply, with the channel's present token unless another one is given.
  ControlResult<Started> start(const std::string& channel, const std::string& profile, std::optional<std::uint64_t> token = {});
  /// As a person's word: go on with its last run. What has changed is not looked for.
  ControlResult<Started> go_on(const std::string& channel, InterruptionRule rule);
  [[nodiscard]] ChannelOrder order(const std::string& channel, const std::string& reason = {});
  void fault(const std::string& order);  ///< by the simulator's words, now
  void disk_lags_by(Duration behind) { recorder_->lags_by(behind); }

  [[nodiscard]] BenchService& service() { return *service_; }
  [[nodiscard]] VirtualTime& time() { return time_; }
  [[nodiscard]] const BenchConfig& config() const { return config_; }
  [[nodiscard]] sim::SimulatedBench& bench() { return *simulated_; }
  [[nodiscard]] ChannelStatus status(const std::string& channel) { return service_->channel(channel).value(); }
  [[nodiscard]] sim::CellTruth truth(const std::string& channel);
  [[nodiscard]] bool output_is_on(const std::string& channel);
  [[nodiscard]] db::Reader& record();  ///< of what has been written so far
  [[nodiscard]] std::vector<std::string> event_kinds(std::int64_t run);
  [[nodiscard]] std::vector<std::string> messages() const { return messages_; }

 private:
  class Listener;
  [[nodiscard]] ControlResult<PreparedStart> prepare(const StartOrder& order) const;
  [[nodiscard]] ControlResult<PreparedStart> prepare_go_on(const std::string& channel, InterruptionRule rule);
  [[nodiscard]] std::vector<InterruptedRun> interrupted(InterruptionRule rule);
  void run_for(Duration duration);

  ServiceHarnessOptions options_;
  std::string folder_;
  VirtualTime time_;
  BenchConfig config_;
  std::unique_ptr<sim::SimulatedBench> simulated_;
  std::vector<std::string> messages_;
  std::unique_ptr<Listener> listener_;
  std::unique_ptr<SlowRecord> recorder_;
  BenchInstruments instruments_;
  std::unique_ptr<BenchService> service_;
  std::unique_ptr<db::Reader> reader_;
  std::string refusal_;
  std::uint64_t processes_ = 0;
  std::map<std::string, db::RunKey> last_runs_;
  bool has_ended_ = false;
};

}  // namespace cellrig::test
