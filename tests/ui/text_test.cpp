// Numbers as people type them, and whether a run may be started.
#include <gtest/gtest.h>

#include "ui/dialogs/start_gate.hpp"
#include "ui/model/text.hpp"

namespace cellrig::ui::test {
namespace {

TEST(Text, a_decimal_comma_does_no_harm) {
  EXPECT_EQ(parse_number(QStringLiteral("3,7")), 3.7);
  EXPECT_EQ(parse_number(QStringLiteral(" 3.7 ")), 3.7);
  EXPECT_EQ(parse_number(QStringLiteral("-1,5e3")), -1500);
  // Nobody knows whether this is 1.2345 or 1234.5: it must be neither.
  EXPECT_FALSE(parse_number(QStringLiteral("1,234.5")));
  EXPECT_FALSE(parse_number(QStringLiteral("1,234,5")));
  EXPECT_FALSE(parse_number(QStringLiteral("nan")));
  EXPECT_FALSE(parse_number(QStringLiteral("inf")));
  EXPECT_FALSE(parse_number(QString()));
  EXPECT_EQ(with_decimal_point(QStringLiteral("0,5")), QStringLiteral("0.5"));
  EXPECT_EQ(with_decimal_point(QStringLiteral("cell.voltage_max_V")), QStringLiteral("cell.voltage_max_V"));
}

TEST(Text, tells_durations_and_unknown_values) {
  EXPECT_EQ(duration_text(12.34), QStringLiteral("12.3\u00A0s"));
  EXPECT_EQ(duration_text(200.0), QStringLiteral("3:20\u00A0min"));
  EXPECT_EQ(duration_text(14'730.0), QStringLiteral("4:05:30\u00A0h"));
  EXPECT_EQ(duration_text(12.0 * 86400 + 4 * 3600), QStringLiteral("12\u00A0d 4\u00A0h"));
  EXPECT_EQ(number_text(std::nullopt, 2), QStringLiteral("–"));
  EXPECT_EQ(number_text(-0.0001, 2), QStringLiteral("0.00"));
}

StartFacts ready_facts() {
  StartFacts facts;
  facts.is_connected = true;
  facts.channel = "ch1";
  facts.cell = "lg-m50";
  facts.profile = "cccv-cycle";
  facts.operator_name = "jane";
  facts.channel_state = api::Activity::idle;
  facts.check = api::CheckReport{};
  facts.check->is_accepted = true;
  facts.preflight = std::vector<api::PreflightItem>{{"cell voltage", api::PreflightState::ok, ""}};
  facts.rehearsal = api::RehearsalView{};
  facts.rehearsal->state = api::JobState::done;
  facts.rehearsal->result = api::RehearsalResult{};
  return facts;
}

TEST(StartGate, opens_only_when_all_is_known_and_good) {
  EXPECT_TRUE(obstacles(ready_facts()).empty());
  using Spoil = void (*)(StartFacts&);
  const Spoil spoils[] = {[](StartFacts& f) { f.is_connected = false; },
                          [](StartFacts& f) { f.channel.clear(); },
                          [](StartFacts& f) { f.cell.clear(); },
                          [](StartFacts& f) { f.profile.clear(); },
                          [](StartFacts& f) { f.operator_name.clear(); },
                          [](StartFacts& f) { f.are_parameters_readable = false; },
                          [](StartFacts& f) { f.channel_state = api::Activity::running; },
                          [](StartFacts& f) { f.channel_state = api::Activity::not_safe; },
                          [](StartFacts& f) { f.check.reset(); },
                          [](StartFacts& f) { f.check->is_accepted = false; },
                          [](StartFacts& f) { f.preflight.reset(); },
                          [](StartFacts& f) {
                            f.preflight->push_back({"logger", api::PreflightState::refused, "silent"});
                          },
                          [](StartFacts& f) { f.rehearsal.reset(); },
                          [](StartFacts& f) { f.rehearsal->state = api::JobState::running; },
                          [](StartFacts& f) { f.rehearsal->state = api::JobState::failed; },
                          [](StartFacts& f) { f.rehearsal->result->outcome = "tripped"; }};
  int number = 0;
  for (const Spoil spoil : spoils) {
    StartFacts facts = ready_facts();
    spoil(facts);
    EXPECT_FALSE(obstacles(facts).empty()) << "case " << number;
    ++number;
  }
}

TEST(StartGate, a_reason_stands_in_for_the_rehearsal_and_a_warning_does_not_refuse) {
  StartFacts facts = ready_facts();
  facts.rehearsal.reset();
  facts.needs_rehearsal = false;
  facts.preflight->push_back({"chamber", api::PreflightState::warning, "its cell goes along"});
  EXPECT_TRUE(obstacles(facts).empty());
}

}  // namespace
}  // namespace cellrig::ui::test
