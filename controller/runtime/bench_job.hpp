// One channel of a run, with what its start is made of. Private to BenchRun.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "controller/runtime/bench_run.hpp"
#include "controller/runtime/start_rules.hpp"

namespace cellrig {

struct BenchRun::Job {
  Job(const ChannelConfig& channel_config, ChannelJob channel_job) : config{channel_config}, job{std::move(channel_job)} {}
  const ChannelConfig& config;
  ChannelJob job;
  std::unique_ptr<ChannelRunner> runner;
  InstrumentIdentity identity;
  std::vector<Ruling> rulings;  ///< what its record must say of the start
  bool armed = false;
  Result<void> arm_result;
  db::RunKey run = 0;
};

}  // namespace cellrig
