// A run that was interrupted goes on by a client's order, in the same `cellrig serve` and after one that died.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/api/http_client.hpp"
#include "tests/program/live_bench.hpp"
#include "tests/program/shifted_clocks.hpp"
#include "tests/support/bench_harness.hpp"

namespace cellrig::test {
namespace {

using testing::HasSubstr;

constexpr Seconds open_limit{30};
constexpr Seconds end_limit{30};
constexpr double cell_Ah = 4.978;

class ServeGoesOn : public testing::Test {
 protected:
  void SetUp() override {
    (void)file_with(
        "profile: Long\nformat: 1\non_interruption: resume\nrecord: {every_s: 0}\nsteps:\n"
        "  - cc_charge: {rate_C: 1, until: step_time_s >= 3600, at_most_h: 2}\n",
        "long.yaml", bench.folder);
  }
  std::unique_ptr<Process> serve(const std::vector<std::string>& more = {}) {
    std::filesystem::remove(ready_file());
    std::vector<std::string> words{"serve",
                                   "--bench",
                                   bench.simulator.bench_file(),
                                   "--simulator",
                                   bench.simulator.ready_file(),
                                   "--db",
                                   "first.db",
                                   "--listen",
                                   "127.0.0.1:0",
                                   "--profiles",
                                   bench.folder,
                                   "--ready-file",
                                   ready_file()};
    words.insert(words.end(), more.begin(), more.end());
    return std::make_unique<Process>(cellrig_command(words), with_leases({.folder = bench.folder, .environment = environment}));
  }
  enum class Watchdog { fires, never };
  void charge_and_die(Watchdog watchdog = Watchdog::never) {
    const std::unique_ptr<Process> first = serve({"--start", "ch1=long"});
    ASSERT_TRUE(eventually(open_limit, [&] { return bench.charges("ch1"); })) << first->err();
    ASSERT_TRUE(eventually(open_limit, [&] { return is_recorded(); })) << first->err();
    if (watchdog == Watchdog::never) bench.simulator.fault("clear_watchdog psb1");
    first->signal(SIGKILL);
    ASSERT_EQ(first->wait(end_limit), 128 + SIGKILL);
    ASSERT_TRUE(bench.charges("ch1"));
  }
  api::test::Answer ask(const std::string& method, const std::string& target, const std::string& body = {}) {
    const boost::json::object ready = boost::json::parse(text_of(ready_file())).as_object();
    const std::string url{ready.at("url").as_string()};
    const auto port = static_cast<std::uint16_t>(std::stoi(url.substr(url.rfind(':') + 1)));
    std::string token = text_of(std::filesystem::path{bench.folder} / std::string(ready.at("token_file").as_string()));
    token.erase(token.find_last_not_of(" \n") + 1);
    api::test::Headers headers{{"Authorization", "Bearer " + token}, {"Idempotency-Key", "k" + std::to_string(++asked_)}};
    if (method == "POST") headers["Fencing-Token"] = fencing_token_;
    return api::test::ask(port, method, "/api/v1" + target, headers, body);
  }
  boost::json::object channel() {
    const api::test::Answer answer = ask("GET", "/channels/ch1");
    EXPECT_EQ(answer.status, 200) << answer.body;
    boost::json::object status = boost::json::parse(answer.body).as_object();
    fencing_token_ = std::to_string(status.at("fencing_token").to_number<std::uint64_t>());
    return status;
  }
  /// By its clock the computer began an hour after the last row.
  void loses_power() {
    const auto uptime = std::chrono::steady_clock::now().time_since_epoch();
    set_clocks(bench.folder + "/clocks",
               static_cast<int>(std::chrono::duration_cast<std::chrono::seconds>(uptime).count()) + 3600, 0);
    environment = shifted_clocks(bench.folder + "/clocks");
  }
  [[nodiscard]] bool has_opened() const { return std::filesystem::exists(ready_file()); }
  bool opens() {
    return eventually(open_limit, [&] { return has_opened(); });
  }
  api::test::Answer go_on(const std::string& more = {}) {
    (void)channel();
    return ask("POST", "/channels/ch1/go_on", R"({"run":1,"rule":"resume","operator":"ada")" + more + "}");
  }
  /// Of the last deviation of the run: how much may have gone in that nobody saw.
  [[nodiscard]] double unseen_Ah() const {
    double last = -1.0;
    for (const db::EventRow& event : bench.record()->events(1).value()) {
      if (event.kind == "deviation") last = event.value.value_or(-1.0);
    }
    return last;
  }

  std::map<std::string, std::string> environment;  ///< of what is started from now on, on top of ours
  LiveBench bench{
      "bench: patient\nwatchdog_s: 20\n"  // a busy machine begins anew within it
      "instruments:\n"
      "  psb1: {model: ea-psb-10060-60, modbus: \"192.0.2.10:502\", scpi: \"192.0.2.10:5025\"}\n"
      "  adam: {model: adam-6018, modbus: \"192.0.2.13:502\"}\n"
      "channels:\n  ch1: {cycler: psb1, cell_temperature: {logger: adam, input: 0}}\n"
      "simulation:\n  cells:\n    ch1: {file: lg-m50, soc_pct: 50}\n  room_temperature_degC: 25\n  latency: modelled\n"};

 private:
  [[nodiscard]] std::string ready_file() const { return bench.folder + "/ready.json"; }
  [[nodiscard]] bool is_recorded() const {
    return std::filesystem::exists(bench.folder + "/first.db") && !bench.record()->runs().value().empty();
  }
  static std::string text_of(const std::filesystem::path& path) {
    std::ifstream file{path};
    return {std::istreambuf_iterator<char>(file), {}};
  }

  int asked_ = 0;
  std::string fencing_token_ = "0";
};

// Its first look found the output on, as a process that died leaves it. What a run then did in this process ended under our eyes.
TEST_F(ServeGoesOn, with_a_run_that_was_stopped_here_whatever_was_found_at_the_start) {
  ASSERT_NO_FATAL_FAILURE(charge_and_die());
  const std::unique_ptr<Process> second = serve();
  ASSERT_TRUE(opens()) << second->err();
  ASSERT_TRUE(eventually(open_limit, [&] { return bench.charges("ch1"); })) << second->err();
  (void)channel();
  ASSERT_EQ(ask("POST", "/channels/ch1/stop").status / 100, 2);
  ASSERT_TRUE(eventually(open_limit, [&] { return bench.simulator.is_off("ch1"); }));
  ASSERT_TRUE(eventually(open_limit, [&] { return bench.record()->run(1).value().end.has_value(); }));
  const api::test::Answer answer = go_on();
  EXPECT_EQ(answer.status, 200) << answer.body << second->err();
  EXPECT_TRUE(eventually(open_limit, [&] { return bench.charges("ch1"); })) << second->err();
  second->signal(SIGTERM);
  EXPECT_EQ(second->wait(end_limit), 143) << second->err();
}

// As after a loss of power: the computer is back before the cycler. What its watchdog allows is counted, and nobody is asked.
TEST_F(ServeGoesOn, by_itself_when_a_cycler_that_it_waited_for_says_that_it_is_off) {
  ASSERT_NO_FATAL_FAILURE(charge_and_die(Watchdog::fires));
  loses_power();
  bench.simulator.fault("refuse psb1 for_s=1000");
  bench.simulator.fault("close psb1");
  const std::unique_ptr<Process> second = serve();
  ASSERT_TRUE(eventually(open_limit, [&] { return second->err().find("waiting up to") != std::string::npos; })) << second->err();
  ASSERT_TRUE(eventually(Seconds{40}, [&] { return bench.simulator.is_off("ch1"); })) << "this test needs a watchdog that fires";
  ASSERT_FALSE(has_opened()) << "it waits";
  bench.simulator.ask("clear-faults");
  ASSERT_TRUE(opens()) << second->err();
  EXPECT_TRUE(eventually(open_limit, [&] { return bench.charges("ch1"); })) << second->err();
  EXPECT_TRUE(eventually(open_limit, [&] { return unseen_Ah() > 0; })) << second->err();
  EXPECT_LT(unseen_Ah(), 23.0 * 5.0 / 3600.0) << "what the watchdog of 20 s allows";
  second->signal(SIGTERM);
  EXPECT_EQ(second->wait(end_limit), 143) << second->err();
}

// The OFF of its start did not get through: what flowed until one did is counted, and a person has to know of it.
TEST_F(ServeGoesOn, only_with_a_person_where_the_first_off_failed_and_counts_until_one_was_confirmed) {
  ASSERT_NO_FATAL_FAILURE(charge_and_die());
  const double soc_at_death = bench.simulator.truth("ch1").soc;
  bench.simulator.fault("ignore_off psb1");
  bench.simulator.fault("refuse psb1 for_s=1000");
  bench.simulator.fault("close psb1");
  const std::unique_ptr<Process> second = serve();
  ASSERT_TRUE(opens()) << second->err();
  const Seconds began = bench.now();
  ASSERT_TRUE(eventually(Seconds{60}, [&] { return bench.now() - began > Seconds{40}; }));
  ASSERT_TRUE(bench.charges("ch1")) << "this test needs an output that does not go off";
  bench.simulator.fault("ignore_off psb1 on=false");
  bench.simulator.ask("clear-faults");
  ASSERT_TRUE(eventually(Seconds{90}, [&] { return bench.simulator.is_off("ch1"); })) << second->err();
  const double went_in_Ah = (bench.simulator.truth("ch1").soc - soc_at_death) * cell_Ah;
  ASSERT_GT(went_in_Ah, 40.0 * 5.0 / 3600.0);
  Seconds asked = bench.now();
  ASSERT_TRUE(eventually(Seconds{90}, [&] {
    if (bench.now() - asked < Seconds{0.5}) return false;  // who asks without end is refused
    asked = bench.now();
    return channel().at("state").as_string() != "not_safe";
  }));
  // How long nobody asks afterwards is no charge.
  const Seconds off_since = bench.now();
  ASSERT_TRUE(eventually(Seconds{60}, [&] { return bench.now() - off_since > Seconds{50}; }));
  const api::test::Answer refused = go_on();
  EXPECT_EQ(refused.status, 409) << refused.body;
  EXPECT_THAT(refused.body, HasSubstr("nobody saw what flowed"));
  const api::test::Answer answer = go_on(R"(,"accept_changed":"the cell was looked at")");
  EXPECT_EQ(answer.status, 200) << answer.body << second->err();
  EXPECT_TRUE(eventually(open_limit, [&] { return unseen_Ah() >= went_in_Ah; })) << unseen_Ah() << " of " << went_in_Ah;
  EXPECT_LT(unseen_Ah(), went_in_Ah + 40.0 * 5.0 / 3600.0);
  second->signal(SIGTERM);
  EXPECT_EQ(second->wait(end_limit), 143) << second->err();
}

}  // namespace
}  // namespace cellrig::test
