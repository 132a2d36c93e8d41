// One channel of a run: what it is to do, and what its start is made of.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "controller/runtime/channel_runner.hpp"
#include "controller/runtime/config.hpp"
#include "controller/runtime/start_rules.hpp"

namespace cellrig {

struct ChannelJob {
  std::string channel;
  const Program* program = nullptr;
  db::RunRow run;                       ///< everything known before the start; instruments and start are filled in
  std::optional<Continuation> goes_on;  ///< with this run; `run` is not used then
  std::optional<ExpectedCharge> expected_charge;
  Following following = {};  ///< expected curves are stored with a new run
};

struct BenchJob {
  BenchJob(const ChannelConfig& channel_config, ChannelJob channel_job) : config{channel_config}, job{std::move(channel_job)} {}
  const ChannelConfig& config;
  ChannelJob job;
  std::unique_ptr<ChannelRunner> runner;
  InstrumentIdentity identity;
  db::ExpectedRows expected;    ///< of a new run: to be recorded
  std::vector<Ruling> rulings;  ///< what its record must say of the start
  bool armed = false;
  Result<void> arm_result;
  db::RunKey run = 0;  ///< 0: not begun

  [[nodiscard]] const std::string& operator_name() const {
    return job.goes_on ? job.goes_on->operator_name : job.run.operator_name;
  }
  [[nodiscard]] const std::string& host() const { return job.goes_on ? job.goes_on->host : job.run.host; }
};

}  // namespace cellrig
