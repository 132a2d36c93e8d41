// What the tests of the chambers' contract begin with: a cell in a chamber of each make.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <initializer_list>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "drivers/instruments/chamber.hpp"
#include "tests/contract/contract_rig.hpp"

namespace cellrig::test {

enum class ChamberMake : unsigned char { watlow_f4t, watlow_f4t_rtu, binder_mb1, espec_sh_641, espec_p300 };

/// How a make stands on the bench of these tests. The numbers are what its wire needs, not what its driver happens to take.
struct ChamberOnBench {
  const char* name;   ///< in the names of tests
  const char* model;  ///< of its model file
  const char* port;
  const char* address;        ///< in the bench file: the wire that it has in a laboratory
  bool has_serial;            ///< the maker put a serial number where a driver can read it
  bool has_own_limits;        ///< its controller keeps set-point limits
  int arm_exchange_count;     ///< at least
  int run_exchange_count;     ///< at least
  Duration run_time;          ///< run() is over by then, when nothing goes wrong
  Duration measure_time;      ///< measure() is, when it begins right after another call
  Duration stop_behind_call;  ///< stop() is, when it begins right after another call
  Duration stop_beside_call;  ///< stop() is, when it cuts an exchange
};
inline const ChamberOnBench& on_bench(ChamberMake make) {
  using std::chrono::milliseconds;
  static constexpr std::array<ChamberOnBench, 5> all{{
      {.name = "WatlowF4t",
       .model = "watlow-f4t",
       .port = "modbus",
       .address = "\"192.0.2.12:502\"",
       .has_serial = true,
       .has_own_limits = true,
       .arm_exchange_count = 12,
       .run_exchange_count = 10,
       .run_time = milliseconds{1000},
       .measure_time = milliseconds{500},
       .stop_behind_call = milliseconds{500},
       .stop_beside_call = milliseconds{500}},
      {.name = "WatlowF4tRtu",
       .model = "watlow-f4t-rtu",
       .port = "modbus",
       .address = "{serial: /dev/ttyUSB0}",
       .has_serial = true,
       .has_own_limits = true,
       .arm_exchange_count = 12,
       .run_exchange_count = 10,
       .run_time = milliseconds{1000},
       .measure_time = milliseconds{500},
       .stop_behind_call = milliseconds{500},
       .stop_beside_call = milliseconds{500}},
      {.name = "BinderMb1",
       .model = "binder-mb1",
       .port = "modbus",
       .address = "{rtu_over_tcp: \"192.0.2.12:10001\"}",
       .has_serial = false,
       .has_own_limits = false,
       .arm_exchange_count = 1,
       .run_exchange_count = 10,
       .run_time = milliseconds{900},
       .measure_time = milliseconds{500},
       .stop_behind_call = milliseconds{500},
       .stop_beside_call = milliseconds{500}},
      // 0.3 s after a question, 0.5 s after a setting, and a first OFF that came too early.
      {.name = "EspecSh641",
       .model = "espec-sh-641",
       .port = "ascii",
       .address = "\"192.0.2.12:10001\"",
       .has_serial = false,
       .has_own_limits = true,
       .arm_exchange_count = 3,
       .run_exchange_count = 6,
       .run_time = milliseconds{3000},
       .measure_time = milliseconds{900},
       .stop_behind_call = milliseconds{1500},
       .stop_beside_call = milliseconds{700}},
      // The same on a line: OFF goes at once, its confirmation waits until late lines are parted from it.
      {.name = "EspecP300",
       .model = "espec-p300",
       .port = "ascii",
       .address = "{serial: /dev/ttyUSB0, baud: 9600}",
       .has_serial = false,
       .has_own_limits = true,
       .arm_exchange_count = 3,
       .run_exchange_count = 6,
       .run_time = milliseconds{3000},
       .measure_time = milliseconds{900},
       .stop_behind_call = milliseconds{2000},
       .stop_beside_call = milliseconds{1100}},
  }};
  return all.at(static_cast<std::size_t>(make));
}

struct ChamberCase {
  ChamberMake make = ChamberMake::watlow_f4t;
  LinkKind link = LinkKind::memory;
};
inline std::string name_of(const ChamberCase& which) {
  return std::string(on_bench(which.make).name) + "_over_" + to_string(which.link);
}
inline void PrintTo(const ChamberCase& which, std::ostream* out) { *out << name_of(which); }
inline const auto chamber_case_name = [](const ::testing::TestParamInfo<ChamberCase>& info) { return name_of(info.param); };
inline std::vector<ChamberCase> chamber_cases(std::initializer_list<ChamberMake> makes, std::initializer_list<LinkKind> links) {
  std::vector<ChamberCase> cases;
  for (const ChamberMake make : makes) {
    for (const LinkKind link : links) cases.push_back({make, link});
  }
  return cases;
}
inline const auto every_chamber =
    ::testing::ValuesIn(chamber_cases({ChamberMake::watlow_f4t, ChamberMake::watlow_f4t_rtu, ChamberMake::binder_mb1,
                                       ChamberMake::espec_sh_641, ChamberMake::espec_p300},
                                      {LinkKind::memory, LinkKind::lockstep}));
/// One of each driver and protocol.
inline const auto chambers_in_real_time = ::testing::ValuesIn(
    chamber_cases({ChamberMake::watlow_f4t, ChamberMake::binder_mb1, ChamberMake::espec_sh_641}, {LinkKind::real}));

inline constexpr ChamberLimits contract_limits{.setpoint_min = Celsius{-20.0}, .setpoint_max = Celsius{60.0}};

class ChamberContract : public ::testing::TestWithParam<ChamberCase> {
 protected:
  static constexpr Duration plenty = std::chrono::seconds{5};
  static constexpr int exchange_count_max = 100;

  void SetUp() override { make_world(); }
  void TearDown() override { leave_world(); }
  void make_world() {
    leave_world();
    rig_ = std::make_unique<ContractRig>(GetParam().link, bench_text());
    instruments_ = rig_->make_instruments("ch1");
  }
  void leave_world() {
    instruments_ = BenchInstruments{};
    rig_.reset();
  }

  [[nodiscard]] const ChamberOnBench& make() const { return on_bench(GetParam().make); }
  [[nodiscard]] std::string port() const { return std::string("ctl.") + make().port; }
  [[nodiscard]] ContractRig& rig() { return *rig_; }
  [[nodiscard]] Chamber& chamber() { return *instruments_.chambers.at("ctl"); }
  [[nodiscard]] ChamberTruth truth() { return rig_->chamber_truth("oven"); }
  [[nodiscard]] Deadline in(Duration duration) { return rig_->in(duration); }

  Result<void> arm(const ChamberLimits& wanted = contract_limits) { return rig().call(chamber().arm(wanted, in(plenty))); }
  Result<void> run(Celsius setpoint) { return rig().call(chamber().run(setpoint, in(plenty))); }
  Result<void> stop(Duration within = std::chrono::seconds{2}) { return rig().call(chamber().stop(in(within))); }
  Result<ChamberReadings> measure(Duration within = std::chrono::seconds{1}) { return rig().call(chamber().measure(in(within))); }

  void condition(Celsius setpoint = Celsius{40.0}) {
    const Result<void> armed = arm();
    ASSERT_TRUE(armed) << armed.error().what;
    const Result<void> running = run(setpoint);
    ASSERT_TRUE(running) << running.error().what;
    ASSERT_TRUE(truth().running);
  }
  /// Some controllers serve one client: everybody's connection is dropped, so that the next one gets in.
  void hand_over() {
    rig().fault("refuse ctl for_s=0.1");
    rig().pass(std::chrono::seconds{1});
  }
  void expect_refused(const Result<void>& call) {
    ASSERT_FALSE(call);
    EXPECT_EQ(call.error().fault, Fault::refused) << call.error().what;
  }
  void expect_true(const ChamberReadings& readings) {
    ASSERT_EQ(readings.temperature.quality, Quality::good);
    const double bound = chamber().capabilities().temperature_accuracy.bound_at(readings.temperature.value);
    EXPECT_NEAR(readings.temperature.value, truth().air_temperature_degC, bound);
  }

 private:
  [[nodiscard]] std::string bench_text() const {
    const std::string model = make().model;
    return "bench: contract\n"
           "instruments:\n"
           "  psb1: {model: ea-psb-10060-60, modbus: \"192.0.2.10:502\", scpi: \"192.0.2.10:5025\"}\n"
           "  ctl: {model: " +
           model + ", " + make().port + ": " + make().address +
           "}\n"
           "chambers:\n"
           "  oven: {instrument: ctl}\n"
           "channels:\n"
           "  ch1: {cycler: psb1, chamber: oven}\n"
           "simulation:\n"
           "  cells:\n"
           "    ch1: {file: lg-m50, soc_pct: 50}\n"
           "  room_temperature_degC: 25\n"
           "  latency: modelled\n";
  }

  std::unique_ptr<ContractRig> rig_;
  BenchInstruments instruments_;
};

}  // namespace cellrig::test
