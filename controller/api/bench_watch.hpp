// What happens on the bench between two looks of the server, gathered on the control thread in bounded memory.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "controller/api/messages.hpp"
#include "controller/runtime/bench_control.hpp"

namespace cellrig::api {

/// How late control cycles began: counts by upper bound.
struct LatenessCounts {
  static constexpr std::array<double, 8> bounds_s{0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1};
  std::array<std::uint64_t, bounds_s.size() + 1> counts{};
  double sum_s = 0.0;
  void add(Duration late);
};

/// Everything the server shows, as it was at one instant.
struct Gathered {
  BenchStatus bench;
  std::vector<ChannelStatus> channels;
  std::vector<ChamberStatus> chambers;
  std::vector<AlarmStatus> alarms;
  // Since the look before:
  std::map<std::string, LiveSamples> samples;  ///< by channel
  std::map<std::string, std::int64_t> samples_lost;
  std::set<std::string> channels_changed, chambers_changed;
  std::set<std::int64_t> runs_changed;
  bool alarms_changed = false;
  LatenessCounts lateness;  ///< since the beginning
};

/// Control thread only. Every call is bounded: what nobody fetches is dropped, oldest first.
class BenchWatch final : public BenchWatcher {
 public:
  static constexpr std::size_t samples_max = 256;  ///< of one channel between two looks
  static constexpr std::size_t runs_max = 1024;

  void sample(const LiveSample& sample) override;
  void channel_changed(std::string_view channel) override { channels_changed_.emplace(channel); }
  void chamber_changed(std::string_view chamber) override { chambers_changed_.emplace(chamber); }
  void alarm_changed(const AlarmStatus&) override { alarms_changed_ = true; }
  void run_changed(std::int64_t run) override {
    if (runs_changed_.size() < runs_max) runs_changed_.insert(run);
  }
  void control_cycle(std::string_view, Duration late) override { lateness_.add(late); }

  [[nodiscard]] Gathered gather(const BenchControl& bench);

 private:
  struct Kept {
    std::int64_t run = 0;
    std::vector<std::array<double, 13>> rows;  ///< a ring once it is full
    std::size_t oldest = 0;
    std::int64_t lost = 0;
  };
  [[nodiscard]] static LiveSamples columns_of(const std::string& channel, const Kept& kept);

  std::map<std::string, Kept, std::less<>> samples_;
  std::set<std::string> channels_changed_, chambers_changed_;
  std::set<std::int64_t> runs_changed_;
  bool alarms_changed_ = false;
  LatenessCounts lateness_;
};

}  // namespace cellrig::api
