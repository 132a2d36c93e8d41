#include "tests/scenario/scenario_support.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <stdexcept>

namespace cellrig::test {
namespace {

constexpr Duration after_the_end = std::chrono::minutes{1};

std::string step_text(During during, const std::string& more) {
  switch (during) {
    case During::charge: return "  - cc_charge: {rate_C: 1, until: voltage_V >= 4.2, at_most_h: 2" + more + "}\n";
    case During::discharge: return "  - cc_discharge: {rate_C: 1, until: voltage_V <= 2.5, at_most_h: 2" + more + "}\n";
    case During::rest: return "  - rest: {for_min: 20" + more + "}\n";
  }
  return "";
}

std::string profile_text(const std::string& steps) {
  return "profile: Scenario\nformat: 1\nrecord: {every_s: 0}\nsteps:\n" + steps;
}

}  // namespace

std::string profile_of(During during) { return profile_text(step_text(during, "")); }

std::string profile_of(During during, double chamber_degC) {
  return profile_text(step_text(during, fmt::format(", temperature_degC: {:g}", chamber_degC)));
}

CurrentWatch::CurrentWatch(BenchHarness& bench, std::string channel, Duration from, double threshold_A)
    : bench_{bench}, channel_{std::move(channel)}, from_{from}, threshold_A_{threshold_A}, last_seen_{from_} {
  bench_.time().spawn(look(this));
}

Task<void> CurrentWatch::look(CurrentWatch* self) {
  TimePoint next = self->from_;
  for (;;) {
    co_await self->bench_.time().sleep_until(next);
    const bool flows = !(std::abs(self->bench_.truth(self->channel_).current_A) < self->threshold_A_);
    self->came_back_ = self->came_back_ || (flows && self->is_gone_);
    self->is_gone_ = !flows;
    if (flows) self->last_seen_ = next;
    next += look_every;
  }
}

std::optional<Duration> CurrentWatch::flowed_for() const {
  if (!is_gone_) return std::nullopt;
  return last_seen_ - from_;
}

void expect_off_for_good(BenchHarness& bench, const std::string& channel) {
  EXPECT_EQ(bench.truth(channel).current_A, 0.0);
  bench.bench().advance(bench.time().now() + after_the_end);
  const std::size_t cell = bench.bench().channel(channel)->cell;
  EXPECT_EQ(bench.bench().world().truth(cell).current_A, 0.0) << "a minute after the end";
  const bool is_isolated = !bench.bench().world().stage(cell).contactor_closed();
  EXPECT_TRUE(is_isolated || !bench.bench().world().stage(cell).output_on());
}

void expect_reaction(const std::string& hazard, const std::string& what, std::optional<Duration> measured, Duration allowed) {
  ASSERT_TRUE(measured.has_value()) << "current flowed until the run ended";
  EXPECT_LE(*measured, allowed);
  std::printf("reaction %-4s %-60s %8.2f s, allowed %8.2f s\n", hazard.c_str(), what.c_str(), to_seconds(*measured),
              to_seconds(allowed));
}

void expect_ended(BenchHarness& bench, const std::string& channel, Outcome outcome, const std::string& cause) {
  const ChannelResult& result = bench.result(channel);
  EXPECT_EQ(to_string(result.outcome), to_string(outcome)) << result.reason;
  EXPECT_THAT(result.reason, testing::HasSubstr(cause));
  const db::RunInfo run = run_of(bench, channel);
  EXPECT_EQ(run.status, to_string(outcome));
  ASSERT_TRUE(run.end.has_value());
  EXPECT_THAT(run.end->reason, testing::HasSubstr(cause));
  for (const db::StepInfo& step : bench.record().steps(run.run).value()) EXPECT_TRUE(step.end.has_value()) << step.row.name;
  const std::vector<db::EventRow> events = events_of(bench, channel);
  const auto is_trip = [](const db::EventRow& e) { return e.severity == db::Severity::trip; };
  EXPECT_LE(std::count_if(events.begin(), events.end(), is_trip), 1);
  const auto first_trip = std::find_if(events.begin(), events.end(), is_trip);
  if (first_trip != events.end()) {
    EXPECT_THAT(first_trip->message, testing::HasSubstr(cause));
  }
  expect_off_for_good(bench, channel);
}

db::RunInfo run_of(BenchHarness& bench, const std::string& channel) {
  const std::vector<db::RunInfo> runs = bench.record().runs().value();
  const auto found = std::find_if(runs.begin(), runs.end(), [&](const db::RunInfo& r) { return r.row.channel == channel; });
  if (found == runs.end()) throw std::runtime_error("the record has no run of channel " + channel);
  return *found;
}

std::vector<db::EventRow> events_of(BenchHarness& bench, const std::string& channel) {
  return bench.record().events(run_of(bench, channel).run).value();
}

std::vector<db::SampleRow> samples_of(BenchHarness& bench, const std::string& channel) {
  std::vector<db::SampleRow> rows;
  const auto keep = [&rows](const db::SampleView& view) {
    rows.push_back(view.row);
    return true;
  };
  (void)bench.record().for_each_sample(run_of(bench, channel).run, keep).value();
  return rows;
}

std::string ask_instrument(BenchHarness& bench, const std::string& instrument, const std::string& port,
                           const std::string& bytes) {
  constexpr sim::ConnectionId nobody_else = 1'000'000;
  const TimePoint now = bench.time().now();
  bench.bench().advance(now);
  sim::Port& responder = bench.bench().wire(instrument, port)->port();
  std::vector<sim::Reply> replies;
  responder.connected(nobody_else);
  responder.receive(now, nobody_else, bytes, replies);
  responder.disconnected(nobody_else);
  if (replies.size() != 1) throw std::runtime_error(instrument + " does not answer");
  return replies.front().bytes;
}

std::string ask_scpi(BenchHarness& bench, const std::string& instrument, const std::string& question) {
  std::string answer = ask_instrument(bench, instrument, "scpi", question + "\n");
  while (!answer.empty() && (answer.back() == '\n' || answer.back() == '\r')) answer.pop_back();
  return answer;
}

double temperature_register(BenchHarness& bench, std::uint16_t address) {
  const auto byte = [](unsigned value) { return static_cast<char>(value & 0xFFU); };
  const std::string question{byte(0),       byte(1), byte(0), byte(0), byte(0), byte(6), byte(1), byte(3), byte(address >> 8U),
                             byte(address), byte(0), byte(2)};
  const std::string answer = ask_instrument(bench, "f4t", "modbus", question);
  constexpr std::size_t values_from = 9;
  if (answer.size() != values_from + 4) throw std::runtime_error("no two registers");
  const auto word = [&answer](std::size_t at) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(answer[at]) << 8U | static_cast<unsigned char>(answer[at + 1]));
  };
  const std::uint32_t pattern = word(values_from) | word(values_from + 2) << 16U;  // low word first
  return static_cast<double>(std::bit_cast<float>(pattern));
}

void shift_thermocouple(BenchHarness& bench, const std::string& channel, double offset_K) {
  (void)bench.truth(channel);  // the world is where the time is
  bench.bench().thermocouple(*bench.bench().channel(channel), false).set_offset(offset_K);
}

}  // namespace cellrig::test
