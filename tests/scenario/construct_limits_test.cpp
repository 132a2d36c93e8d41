// Each limit on a sensor or a temperature that a profile or a step may give trips by itself: the same hazard comes to a run without it, and
// nothing happens there.
#include <fstream>
#include <iterator>

#include "tests/scenario/language_fixture.hpp"

namespace cellrig::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr Duration limit_hazard_at = 30s;
constexpr double start_s = 1.5;  ///< before a run's time begins, at most

struct LimitCase {
  std::string name, limits, fault;  ///< no fault: the thermocouple shows less
  std::string reason;
  double delay_s = 0;     ///< from the first exceeding reading
  std::string dropped{};  ///< line of the bench: who has a limit without a delay is not made to wait by others
};

std::vector<LimitCase> limit_cases() {
  const std::string gassing = "venting ch1 gas_ppm=30 pressure_MPa=0 rise_K=0 over_s=0.1", gas = "gas beside the cell: gas_ppm";
  return {
      {"charge_temperature_min_degC", "{charge_temperature_min_degC: 10}", "", "charging a cell that is too cold"},
      {"stack_pressure_min_MPa", "{stack_pressure_min_MPa: 4.8}", "scale press factor=0.9", "stack pressure out of its limits"},
      {"gas_max_ppm", "{gas_max_ppm: 20}", gassing, gas},
      {"gas_for_s", "{gas_max_ppm: 20, gas_for_s: 2}", gassing, gas, 2, "      gas_max_ppm: 50\n"},
      {"voltage_difference_max_V", "{voltage_difference_max_V: 0.05}", "voltage_offset psb1 offset_V=0.1",
       "the cycler and the second voltmeter disagree"},
  };
}

std::string pressed_bench_without(const std::string& line) {
  std::ifstream file{std::string{CELLRIG_SOURCE_DIR} + "/sim/benches/pressed.yaml"};
  std::string text{std::istreambuf_iterator<char>{file}, {}};
  return line.empty() ? text : text.erase(text.find(line), line.size());
}

class EachLimit : public Language, public testing::WithParamInterface<LimitCase> {
 protected:
  /// When it tripped, after the hazard; -1: it did not.
  double tripped_after_s(const std::string& of_profile, const std::string& of_step) {
    const LimitCase& c = GetParam();
    const std::string text = (of_profile.empty() ? "" : "limits: " + of_profile + "\n") +
                             profile("  - cc_charge: {rate_C: 0.1, until: step_time_s >= 60, at_most_h: 1" +
                                     (of_step.empty() ? "" : ", limits: " + of_step) + "}\n");
    bench = std::make_unique<BenchHarness>(HarnessOptions{
        .bench = pressed_bench_without(c.dropped), .profiles = {{"ch1", text}}, .cell = "sulfide-20", .ignore_check = true});
    if (c.fault.empty()) {
      bench->at(limit_hazard_at, [this] { shift_thermocouple(*bench, "ch1", -20.0); });
    } else {
      bench->fault_at(limit_hazard_at, c.fault);
    }
    bench->run();
    if (to_string(bench->result("ch1").outcome) != "tripped") return -1.0;
    EXPECT_THAT(bench->result("ch1").reason, HasSubstr(c.reason));
    EXPECT_FALSE(bench->output_is_on("ch1"));
    for (const db::EventRow& event : events_of(*bench, "ch1")) {
      if (event.severity == db::Severity::trip)
        return 1e-9 * static_cast<double>(event.test_time_ns) - to_seconds(limit_hazard_at) + start_s;
    }
    return -1.0;
  }
};

TEST_P(EachLimit, of_a_profile_or_of_a_step_trips_by_its_own_hazard) {
  const LimitCase& c = GetParam();
  EXPECT_EQ(tripped_after_s("", ""), -1.0) << bench->result("ch1").reason;
  EXPECT_EQ(to_string(bench->result("ch1").outcome), "completed");
  constexpr double noticed_s = 6.0;  // a sensor follows, and is polled
  for (const double after_s : {tripped_after_s(c.limits, ""), tripped_after_s("", c.limits)}) {
    EXPECT_GT(after_s, c.delay_s);
    EXPECT_LT(after_s, c.delay_s + start_s + noticed_s);
  }
}

INSTANTIATE_TEST_SUITE_P(Language, EachLimit, testing::ValuesIn(limit_cases()),
                         [](const testing::TestParamInfo<LimitCase>& p) { return p.param.name; });

}  // namespace
}  // namespace cellrig::test
