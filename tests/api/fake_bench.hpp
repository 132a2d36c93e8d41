// A bench that does what it is told at once, on a control thread of its own, and the server in front of it.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "controller/api/catalogue.hpp"
#include "controller/api/server.hpp"
#include "controller/async/real_time.hpp"
#include "tests/api/http_client.hpp"

namespace cellrig::api::test {

/// Writes down what it was told: "pause ch1 by jane: coffee".
class FakeControl final : public BenchControl {
 public:
  explicit FakeControl(int channel_count);

  [[nodiscard]] BenchStatus bench() const override;
  [[nodiscard]] std::vector<ChannelStatus> channels() const override { return channels_; }
  [[nodiscard]] ControlResult<ChannelStatus> channel(const std::string& name) const override;
  [[nodiscard]] std::vector<ChamberStatus> chambers() const override { return chambers_; }
  [[nodiscard]] ControlResult<ChamberStatus> chamber(const std::string& name) const override;
  [[nodiscard]] std::vector<AlarmStatus> alarms() const override { return alarms_; }
  void start(cellrig::StartOrder order, ControlReply<cellrig::Started> reply) override;
  void preflight(cellrig::StartOrder order, ControlReply<std::vector<CheckLine>> reply) override;
  void go_on(cellrig::GoOnOrder order, ControlReply<cellrig::Started> reply) override;
  [[nodiscard]] ControlResult<void> pause(const ChannelOrder& order) override { return act("pause", order); }
  [[nodiscard]] ControlResult<void> resume(const ChannelOrder& order) override { return act("resume", order); }
  [[nodiscard]] ControlResult<void> skip(const ChannelOrder& order) override { return act("skip", order); }
  [[nodiscard]] ControlResult<void> confirm(const ChannelOrder& order) override { return act("confirm", order); }
  [[nodiscard]] ControlResult<void> note(const ChannelOrder& order) override { return act("note", order); }
  [[nodiscard]] ControlResult<void> set_limits(const LimitOrder& order) override;
  [[nodiscard]] ControlResult<void> acknowledge(std::uint64_t alarm, const Who& who, const std::string& reason) override;
  [[nodiscard]] ControlResult<void> stop_channel(const std::string& channel, const Who& who, const std::string& reason) override;
  [[nodiscard]] ControlResult<void> stop_chamber(const std::string& chamber, const Who& who, const std::string& reason) override;
  void stop_all(const Who& who, const std::string& reason) override;
  void add_watcher(BenchWatcher& watcher) override { watcher_ = &watcher; }
  void remove_watcher(BenchWatcher&) override { watcher_ = nullptr; }

  /// Control thread.
  void measure();
  [[nodiscard]] BenchWatcher* watcher() const { return watcher_; }
  std::vector<ChannelStatus> channels_;
  std::vector<ChamberStatus> chambers_;
  std::vector<AlarmStatus> alarms_;
  std::vector<ControlReply<cellrig::Started>> held_starts;
  bool holds_starts = false;

  /// Any thread.
  [[nodiscard]] std::vector<std::string> told() const;
  [[nodiscard]] int looks() const { return looks_; }  ///< how often the whole bench was asked for

 private:
  [[nodiscard]] ControlResult<void> act(const std::string& verb, const ChannelOrder& order);
  [[nodiscard]] std::optional<ControlError> why_not(const std::string& channel, std::uint64_t token) const;
  void write_down(std::string line);

  mutable std::atomic<int> looks_{0};
  BenchWatcher* watcher_ = nullptr;
  double t_s_ = 0;
  std::int64_t last_run_ = 41;
  mutable std::mutex mutex_;
  std::vector<std::string> told_;
};

class FakeCatalogue final : public Catalogue {
 public:
  [[nodiscard]] std::vector<ProfileView> profiles() override { return {{.name = "cycle-life", .title = "Cycle life"}}; }
  [[nodiscard]] Decoded<ProfileView> profile(const std::string& name) override;
  [[nodiscard]] std::vector<CellView> cells() override { return {{.name = "lg-m50", .title = "LG M50"}}; }
  [[nodiscard]] Decoded<CellView> cell(const std::string& name) override;
  [[nodiscard]] Decoded<AddedCell> add_cell(const CellFileOrder& order) override;
  [[nodiscard]] Decoded<CheckReport> check(const CheckOrder& order) override;
  [[nodiscard]] Decoded<std::vector<std::string>> rehearsal_command(const CheckOrder& order) override;
  std::vector<std::string> command{"/bin/sh", "-c", "echo '{\"outcome\":\"completed\",\"duration_s\":5}'"};
};

struct FakeBenchSettings {
  int channel_count = 2;
  ServerLimits limits;
  std::vector<Account> accounts;
  std::string accounts_file;
  std::function<void(const ServerChange&)> on_change;
  std::string database;
  std::function<std::string(const db::RunInfo&)> protocol_of;
  std::string certificate_file, key_file;
  std::string address = "127.0.0.1";
};

/// Limits of a test: nobody is slowed down by them.
[[nodiscard]] ServerLimits patient_limits();

class FakeBench {
 public:
  explicit FakeBench(FakeBenchSettings settings = {.limits = patient_limits()});
  ~FakeBench();
  FakeBench(const FakeBench&) = delete;
  FakeBench& operator=(const FakeBench&) = delete;

  static constexpr const char* token = "0123456789abcdef";
  [[nodiscard]] std::uint16_t port() const { return server_->port(); }
  [[nodiscard]] Answer get(const std::string& target) const { return ask(port(), "GET", "/api/v1" + target, signed_in()); }
  /// With a key of its own and the token of the first run.
  [[nodiscard]] Answer post(const std::string& target, const std::string& body, Headers more = {}) const;
  [[nodiscard]] static Headers signed_in() { return {{"Authorization", std::string{"Bearer "} + token}}; }

  /// Runs on the control thread, and returns when it has run.
  void on_control(const std::function<void()>& function);
  /// Measures on the control thread every so often until the bench goes, and counts how late that begins.
  void measure_every(Duration period);
  [[nodiscard]] FakeControl& control() { return control_; }
  [[nodiscard]] FakeCatalogue& catalogue() { return catalogue_; }
  [[nodiscard]] std::vector<double> lateness_s();  ///< of all cycles since the last call

 private:
  [[nodiscard]] Task<void> cycles(Duration period);

  RealTime time_;
  FakeControl control_;
  FakeCatalogue catalogue_;
  std::unique_ptr<Server> server_;
  mutable std::atomic<int> keys_{0};
  std::mutex mutex_;
  std::vector<double> lateness_s_;
  std::thread thread_;
};

}  // namespace cellrig::api::test
