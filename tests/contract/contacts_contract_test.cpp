// The contract of Contacts: what is read is of now, absence is a failure, and an opening relay of the same module goes first.
#include "tests/contract/logger_contract.hpp"

namespace cellrig::test {
namespace {

using namespace std::chrono_literals;

class ContactsContract : public LoggerContract {
 protected:
  using Closed = std::array<bool, 6>;
  Result<void> read(std::span<bool> into, Duration within = plenty) { return rig().call(contacts().read(into, in(within))); }
  [[nodiscard]] std::string bench_text() const override {
    std::string text = LoggerContract::bench_text();
    const std::string before = "    contactor:";
    text.insert(text.find(before), "    interlock: {inputs: doors, input: 0}\n");
    return text;
  }
};

TEST_P(ContactsContract, contacts_are_closed_until_they_open_and_each_is_its_own) {
  EXPECT_EQ(contacts().contact_count(), 6);
  Closed closed{};
  ASSERT_TRUE(read(closed));
  EXPECT_EQ(closed, (Closed{true, true, true, true, true, true}));
  rig().fault("interlock_open doors input=1");
  rig().fault("interlock_open doors input=5");
  ASSERT_TRUE(read(closed));
  EXPECT_EQ(closed, (Closed{true, false, true, true, true, false}));
  rig().fault("interlock_open doors input=1 on=false");
  ASSERT_TRUE(read(closed));
  EXPECT_EQ(closed, (Closed{true, true, true, true, true, false}));
}

TEST_P(ContactsContract, a_failed_exchange_closes_nothing) {
  for (const char* const fault : {"drop", "close", "delay delay_ms=300", "garble bytes=40", "truncate bytes=4"}) {
    SCOPED_TRACE(fault);
    const std::string order = fault;
    const std::string kind = order.substr(0, order.find(' '));
    rig().fault(kind + " doors.modbus count=for_ever" + order.substr(kind.size()));
    Closed closed{};
    const TimePoint asked = rig().time().now();
    EXPECT_FALSE(read(closed, 200ms));
    EXPECT_LE(rig().time().now() - asked, 200ms);
    EXPECT_EQ(closed, Closed{});
    rig().clear_faults();
    ASSERT_TRUE(read(closed));
    EXPECT_TRUE(closed[0]);
  }
}

TEST_P(ContactsContract, contacts_that_do_not_exist_are_refused) {
  std::array<bool, 7> too_many{};
  EXPECT_EQ(read(too_many).error().fault, Fault::refused);
  EXPECT_FALSE(read(std::span<bool>()));
}

TEST_P(ContactsContract, an_opening_relay_cuts_a_read_in_flight) {
  ASSERT_TRUE(set(true));
  rig().fault("drop doors.modbus count=1");
  Closed closed{};
  Pending<Result<void>> hanging = rig().start(contacts().read(closed, in(30s)));
  rig().pass(20ms);
  const TimePoint begun = rig().time().now();
  EXPECT_TRUE(set(false));
  EXPECT_LT(rig().time().now() - begun, 100ms);
  EXPECT_FALSE(truth().contactor_closed);
  const Result<void> cut = hanging.finish();
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().fault, Fault::interrupted);
  EXPECT_EQ(closed, Closed{});
}

INSTANTIATE_TEST_SUITE_P(Adam6060, ContactsContract,
                         ::testing::Values(LoggerCase{LoggerMake::adam_6018, LinkKind::memory, RelayMake::adam_6060},
                                           LoggerCase{LoggerMake::adam_6018, LinkKind::lockstep, RelayMake::adam_6060}),
                         logger_case_name);

}  // namespace
}  // namespace cellrig::test
