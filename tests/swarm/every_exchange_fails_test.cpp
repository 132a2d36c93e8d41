// A whole run, over and over: the first exchange fails, the second, the third ... until one run passes untouched. After each of them
// every promise was kept: nothing stays on, the record is whole, the end has a name and a reason.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "tests/support/sparse.hpp"
#include "tests/swarm/swarm_run.hpp"

namespace cellrig::swarm {
namespace {

using namespace std::chrono_literals;

constexpr int exchanges_max = 2000;     ///< no port of so short a run has as many
constexpr int untouched_in_a_row = 20;  ///< the loss of a reply for which nobody waits changes nothing either

struct Case {
  std::string name;
  Make make = Make::ea;
  std::string model;
  std::string port;  ///< whose exchanges fail, as orders call it
  std::string how;
  unsigned takes = 0;
};
void PrintTo(const Case& test, std::ostream* out) { *out << test.name; }

Plan short_plan(const Case& test) {
  Plan plan;
  plan.seed = 1;
  plan.control_period = plan.sensor_period = 1s;
  plan.logger = plan.relays = "adam";
  plan.chamber = "f4t";
  plan.bench =
      "bench: b\ninstruments:\n  cycler: " + test.model +
      "\n  f4t: {model: watlow-f4t, modbus: \"192.0.2.12:502\"}\n  adam: {model: adam-6018, modbus: \"192.0.2.13:502\"}\n"
      "chambers:\n  oven: {instrument: f4t}\n"
      "channels:\n  ch1: {cycler: cycler, cell_temperature: {logger: adam, input: 0}, chamber: oven, "
      "contactor: {relays: adam, output: 0}}\n"
      "simulation:\n  cells:\n    ch1: {file: lg-m50, soc_pct: 50}\n  room_temperature_degC: 25\n";
  ChannelPlan channel{.name = "ch1", .make = test.make, .cycler = "cycler", .has_contactor = true};
  channel.profile =
      "profile: P\nformat: 1\nrecord: {every_s: 0}\nchamber: {temperature_degC: 25}\nsteps:\n"
      "  - cc_charge: {rate_C: 1, until: step_time_s >= 6, at_most_h: 1}\n"
      "  - cc_charge: {rate_C: 0.5, until: step_time_s >= 3, at_most_h: 1}\n"
      "  - rest: {for_min: 0.1}\n"
      "  - cc_discharge: {rate_C: 1, until: step_time_s >= 6, at_most_h: 1}\n";
  plan.channels.push_back(channel);
  return plan;
}

constexpr int exchange_stride = sparse_when_sanitized(7);

class EveryExchangeFails : public testing::TestWithParam<Case> {};

/// The n-th reply of the port, counted from 0, meets with the fault.
Plan with_failure(Plan plan, const Case& test, int n) {
  DrawnFault fault{.name = "F01", .lasts = 1min};
  fault.orders = {fmt::format("{} {} skip={} count=1", test.how, test.port, n)};
  fault.takes = {{"ch1", test.takes}};
  plan.faults = {fault};
  return plan;
}

TEST_P(EveryExchangeFails, and_every_promise_is_kept) {
  const Plan plan = short_plan(GetParam());
  const RunReport untouched = run_plan(with_failure(plan, GetParam(), exchanges_max), Recording::sqlite);
  ASSERT_FALSE(untouched.violation) << untouched.violation->what;
  ASSERT_EQ(untouched.outcomes.at("ch1"), Outcome::completed) << untouched.reasons.at("ch1");
  int n = 0;
  int ended_early = 0;
  for (int in_a_row = 0; in_a_row < untouched_in_a_row; n += exchange_stride) {
    ASSERT_LT(n, exchanges_max) << "some run must pass untouched in the end";
    const RunReport report = run_plan(with_failure(plan, GetParam(), n), Recording::sqlite);
    ASSERT_FALSE(report.violation) << "exchange " << n << ": " << report.violation->invariant << ": " << report.violation->what
                                   << " at " << to_seconds(report.violation->at.time_since_epoch()) << " s";
    if (report.outcomes.at("ch1") != Outcome::completed) ++ended_early;
    in_a_row = report.trace_hash == untouched.trace_hash ? in_a_row + 1 : 0;
  }
  const int failed = n / exchange_stride - untouched_in_a_row;
  EXPECT_GT(failed * exchange_stride, 10) << "the fault must have hit something";
  std::printf("  %-28s %4d exchanges failed, one by one; %d of these runs ended early\n", GetParam().name.c_str(), failed,
              ended_early);
}

const std::string ea = "{model: ea-psb-10060-60, modbus: \"192.0.2.10:502\", scpi: \"192.0.2.10:5025\"}";
const std::string keysight = "{model: keysight-n6974a, scpi: \"192.0.2.11:5025\"}";
const std::string itech = "{model: itech-it-m3432, scpi: \"192.0.2.14:30000\"}";
constexpr unsigned both = takes::logger_link | takes::contactor;

INSTANTIATE_TEST_SUITE_P(
    Swarm, EveryExchangeFails,
    testing::Values(Case{"ea_modbus_reply_lost", Make::ea, ea, "cycler.modbus", "drop", takes::cycler_link},
                    Case{"ea_scpi_reply_lost", Make::ea, ea, "cycler.scpi", "drop", takes::cycler_link},
                    Case{"ea_connection_closed", Make::ea, ea, "cycler.modbus", "close", takes::cycler_link},
                    Case{"n6900_reply_lost", Make::n6900, keysight, "cycler", "drop", takes::cycler_link},
                    Case{"n6900_connection_closed", Make::n6900, keysight, "cycler", "close", takes::cycler_link},
                    Case{"itech_reply_lost", Make::itech, itech, "cycler", "drop", takes::cycler_link},
                    Case{"itech_reply_cut_short", Make::itech, itech, "cycler", "truncate", takes::cycler_link},
                    Case{"logger_and_relays_reply_lost", Make::ea, ea, "adam", "drop", both},
                    Case{"logger_and_relays_closed", Make::ea, ea, "adam", "close", both},
                    Case{"chamber_reply_lost", Make::ea, ea, "f4t", "drop", takes::chamber_link},
                    Case{"chamber_connection_closed", Make::ea, ea, "f4t", "close", takes::chamber_link}),
    [](const testing::TestParamInfo<Case>& p) { return p.param.name; });

}  // namespace
}  // namespace cellrig::swarm
