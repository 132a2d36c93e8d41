// F01 to F18: what they do to bytes.
#include <algorithm>

#include "sim/net/reply_damage.hpp"
#include "tests/unit/sim_net/fault_witness.hpp"

namespace cellrig::sim {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

constexpr unsigned actual_voltage = 507;
constexpr unsigned nominal_voltage = 121;

unsigned char byte(const std::string& text, std::size_t at) { return static_cast<unsigned char>(text.at(at)); }

/// A healthy reply, and the first one after the order. Both to the same question but for its number.
std::pair<std::string, std::string> before_and_after(Witness& witness, const std::string& order) {
  std::string before = witness.ask(modbus, witness.read_request(nominal_voltage, 2));
  EXPECT_EQ(before.size(), 13U);
  witness.order(order);
  const std::string after = witness.ask(modbus, witness.read_request(nominal_voltage, 2));
  before[1] = 2;  // the transaction
  return {before, after};
}

void reply_is_lost_once() {
  Witness witness;
  EXPECT_NE(witness.ask(modbus, witness.read_request(actual_voltage, 1)), "");
  witness.order("F01");
  EXPECT_EQ(witness.ask(modbus, witness.read_request(actual_voltage, 1)), "");
  EXPECT_NE(witness.ask(modbus, witness.read_request(actual_voltage, 1)), "");
}

void replies_are_lost_for_ever() {
  Witness witness;
  witness.order("F02");
  for (int i = 0; i < 50; ++i) EXPECT_EQ(witness.ask(modbus, witness.read_request(actual_voltage, 1)), "");
  clear_faults(witness.bench(), witness.now());
  EXPECT_NE(witness.ask(modbus, witness.read_request(actual_voltage, 1)), "");
}

void replies_are_delayed_by_something_between() {
  Witness witness;
  const auto delay = [&] {
    const TimePoint due = witness.send(modbus, witness.read_request(actual_voltage, 1)).at(0).due;
    return due - witness.now();
  };
  EXPECT_LT(delay(), 10ms);
  witness.order("F03");
  Duration least = 1h, most = 0h;
  for (int i = 0; i < 50; ++i) {
    const Duration present = delay();
    least = std::min(least, present);
    most = std::max(most, present);
  }
  EXPECT_GE(least, 10ms);
  EXPECT_LT(least, 100ms);
  EXPECT_GT(most, 300ms);
  EXPECT_LT(most, 420ms);
}

void late_reply_is_overtaken() {
  Witness witness;
  witness.order("F04");
  std::string both = witness.read_request(actual_voltage, 1);
  both += witness.read_request(actual_voltage, 1);
  const std::vector<Delivery> replies = witness.send(modbus, both);
  ASSERT_EQ(replies.size(), 2U);
  EXPECT_GE(replies[0].due - witness.now(), 3s);
  EXPECT_LT(replies[1].due - witness.now(), 1s);
}

void reply_comes_twice() {
  Witness witness;
  const auto [before, after] = before_and_after(witness, "F05");
  EXPECT_EQ(after, before + before);
}

void replies_change_places() {
  Witness witness;
  std::string both = witness.read_request(actual_voltage, 1);
  both += witness.read_request(actual_voltage, 1);
  const std::string in_order = witness.ask(modbus, both);
  EXPECT_EQ(byte(in_order, 1), 1);
  witness.order("F06");
  std::string more = witness.read_request(actual_voltage, 1);
  more += witness.read_request(actual_voltage, 1);
  std::vector<Delivery> replies = witness.send(modbus, more);
  ASSERT_EQ(replies.size(), 2U);
  EXPECT_EQ(byte(replies[0].bytes, 1), 4);
  EXPECT_EQ(byte(replies[1].bytes, 1), 3);
  EXPECT_LE(replies[0].due, replies[1].due);
}

void reply_is_cut_short() {
  Witness witness;
  const auto [before, after] = before_and_after(witness, "F07");
  EXPECT_EQ(after, before.substr(0, 1));
  witness.order("F07 bytes=8");
  EXPECT_EQ(witness.ask(modbus, witness.read_request(actual_voltage, 1)).size(), 8U);
}

void garbage_comes() {
  Witness witness;
  const auto [before, after] = before_and_after(witness, "F08");
  EXPECT_EQ(after.size(), before.size());
  EXPECT_NE(byte(after, 2), 0);  // no protocol of that name
  witness.order("mutate psb1.modbus field=length");
  const std::string longer = witness.ask(modbus, witness.read_request(nominal_voltage, 2));
  EXPECT_EQ(longer.substr(4, 2), "\xFF\xFF");
  EXPECT_EQ(longer.substr(6), before.substr(6));
}

// The same on an RTU line, where nothing but the checksum shows it: it is right again, unless it is what is wrong.
void one_field_is_wrong_on_a_line() {
  Witness witness("serial-lines");
  const std::string frame{"\0\3\0\x79\0\2", 6};  // unit 0, two registers from 121 on
  const std::uint16_t crc = modbus_crc(frame);
  const std::string question = frame + static_cast<char>(crc & 0xFFU) + static_cast<char>(crc >> 8U);
  const std::string before = witness.ask(modbus, question);
  ASSERT_EQ(before.size(), 9U);
  EXPECT_EQ(modbus_crc(before), 0);
  const std::vector<std::pair<std::string, std::size_t>> fields{{"unit", 0}, {"function", 1}, {"byte_count", 2}};
  for (const auto& [field, at] : fields) {
    witness.order("mutate psb1.modbus field=" + field);
    std::string wrong = witness.ask(modbus, question);
    EXPECT_NE(wrong.at(at), before.at(at)) << field;
    EXPECT_EQ(modbus_crc(wrong), 0) << field;
    wrong[at] = before[at];
    EXPECT_EQ(wrong.substr(0, 7), before.substr(0, 7)) << field;
  }
  witness.order("mutate psb1.modbus field=crc");
  const std::string damaged = witness.ask(modbus, question);
  EXPECT_EQ(damaged.substr(0, 7), before.substr(0, 7));
  EXPECT_NE(modbus_crc(damaged), 0);
  EXPECT_EQ(witness.ask(modbus, question), before);
  for (const std::string field : {"transaction", "protocol", "length"})
    EXPECT_THAT(witness.refusal("mutate psb1.modbus field=" + field), HasSubstr("Modbus RTU has no " + field));
  Witness on_tcp;
  EXPECT_THAT(on_tcp.refusal("mutate psb1.modbus field=crc"), HasSubstr("Modbus TCP has no crc"));
}

void one_field_is_wrong() {
  Witness witness;
  auto [before, after] = before_and_after(witness, "F09");
  EXPECT_NE(after, before);
  after[6] = before[6];  // the unit
  EXPECT_EQ(after, before);
  const std::vector<std::pair<std::string, std::size_t>> others{{"function", 7}, {"byte_count", 8}, {"transaction", 1}};
  for (const auto& [field, at] : others) {
    witness.order("mutate psb1.modbus field=" + field);
    std::string wrong = witness.ask(modbus, witness.read_request(nominal_voltage, 2));
    EXPECT_NE(wrong[at], at == 1 ? wrong[0] : before[at]) << field;
    wrong[at] = before[at];
    wrong[1] = before[1];
    EXPECT_EQ(wrong, before) << field;
  }
  one_field_is_wrong_on_a_line();
}

void exceptions_are_answered_and_nothing_is_done() {
  Witness witness;
  EXPECT_EQ(witness.ask(modbus, witness.read_request(nominal_voltage, 2)).size(), 13U);
  for (int code = 1; code <= 11; ++code) {
    witness.order("F10 code=" + std::to_string(code));
    const std::string reply = witness.ask(modbus, witness.read_request(nominal_voltage, 2));
    ASSERT_EQ(reply.size(), 9U);
    EXPECT_EQ(byte(reply, 7), 0x83);
    EXPECT_EQ(byte(reply, 8), code);
  }
  const std::string take_remote{"\0\1\0\0\0\6\1\5\x01\x92\xFF\0", 12};  // coil 402
  witness.order("F10");
  EXPECT_EQ(byte(witness.ask(modbus, take_remote), 7), 0x85);
  EXPECT_EQ(witness.line(scpi, "SYST:LOCK:OWN?"), "NONE");
  EXPECT_EQ(witness.ask(modbus, take_remote), take_remote);
  EXPECT_EQ(witness.line(scpi, "SYST:LOCK:OWN?"), "REMOTE");
}

void half_open_is_silent_and_ends_with_a_dropped_connection() {
  Witness witness;
  EXPECT_NE(witness.ask(modbus, witness.read_request(actual_voltage, 1)), "");
  witness.order("F11");
  for (int i = 0; i < 15; ++i) EXPECT_EQ(witness.ask(modbus, witness.read_request(actual_voltage, 1)), "");
  EXPECT_FALSE(witness.is_dropped(modbus));
  witness.pass(10s);
  EXPECT_TRUE(witness.is_dropped(modbus));
}

void connections_are_reset() {
  Witness witness;
  witness.order("F12");
  std::vector<Delivery> replies = witness.send(modbus, witness.read_request(actual_voltage, 1));
  ASSERT_EQ(replies.size(), 1U);
  EXPECT_TRUE(replies[0].resets && replies[0].closes);
  witness.order("close psb1.scpi");
  replies = witness.send(scpi, "*IDN?\n");
  ASSERT_EQ(replies.size(), 1U);
  EXPECT_TRUE(replies[0].closes && !replies[0].resets);
  EXPECT_FALSE(witness.is_dropped("aps1.scpi"));
  witness.order("refuse aps1 for_s=5");
  EXPECT_TRUE(witness.is_dropped("aps1.scpi"));
}

void nobody_answers_for_a_while() {
  Witness witness;
  witness.order("F13");
  for (int i = 0; i < 15; ++i) EXPECT_EQ(witness.ask(modbus, witness.read_request(actual_voltage, 1)), "");
  witness.pass(10s);
  EXPECT_FALSE(witness.is_dropped(modbus));
  EXPECT_NE(witness.ask(modbus, witness.read_request(actual_voltage, 1)), "");
}

void bytes_come_one_by_one() {
  Witness witness;
  witness.order("F14");
  const std::vector<Delivery> parts = witness.send(modbus, witness.read_request(nominal_voltage, 2));
  ASSERT_EQ(parts.size(), 13U);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    EXPECT_EQ(parts[i].bytes.size(), 1U);
    EXPECT_EQ(parts[i].is_whole, i == 12);
    EXPECT_EQ(parts[i].due - parts[0].due, 200ms * i);
  }
}

// Noise: before the frame; a second master: over it, so that the checksum does not fit. Other questions pass unharmed.
void strangers_are_heard_on_an_rtu_line() {
  Witness witness("serial-lines");
  const std::string frame{"\0\3\0\x79\0\2", 6};
  const std::uint16_t crc = modbus_crc(frame);
  const std::string question = frame + static_cast<char>(crc & 0xFFU) + static_cast<char>(crc >> 8U);
  const std::string before = witness.ask(modbus, question);
  witness.order("F15 psb1.modbus bytes=5");
  const std::string noisy = witness.ask(modbus, question);
  ASSERT_EQ(noisy.size(), before.size() + 5);
  EXPECT_EQ(noisy.substr(5), before);
  EXPECT_NE(modbus_crc(noisy), 0);
  witness.order("collision psb1.modbus bytes=4");
  const std::string collided = witness.ask(modbus, question);
  EXPECT_EQ(collided.size(), before.size());
  EXPECT_EQ(collided.substr(4), before.substr(4));
  EXPECT_NE(modbus_crc(collided), 0);
  EXPECT_EQ(witness.ask(modbus, question), before);
}

void strangers_are_heard_on_the_line() {
  Witness witness;
  const auto [before, after] = before_and_after(witness, "F15");
  ASSERT_EQ(after.size(), before.size() + 4);
  EXPECT_EQ(after.substr(4), before);
  witness.order("collision psb1.scpi bytes=6");
  const std::string healthy = witness.line(scpi, "VOLT?");
  EXPECT_EQ(healthy.size(), witness.line(scpi, "VOLT?").size());
  EXPECT_NE(healthy, witness.line(scpi, "VOLT?"));
  strangers_are_heard_on_an_rtu_line();
}

void scale_and_order_are_others() {
  Witness witness;
  const double volts = witness.volts();
  EXPECT_NEAR(volts, witness.truth().voltage_V, 0.01);
  witness.order("F16");
  EXPECT_NEAR(witness.volts(), 10.0 * volts, 0.1);
  const auto [before, words] = before_and_after(witness, "swap_words psb1.modbus");
  EXPECT_EQ(words.substr(9), before.substr(11, 2) + before.substr(9, 2));
  witness.order("swap_bytes psb1.modbus");
  const std::string bytes = witness.ask(modbus, witness.read_request(nominal_voltage, 2));
  EXPECT_EQ(bytes.substr(9), std::string({before[10], before[9], before[12], before[11]}));
}

void numbers_look_different() {
  Witness witness;
  EXPECT_EQ(witness.line(scpi, "VOLT:PROT?"), "66.00 V");
  witness.order("F17");
  EXPECT_EQ(witness.line(scpi, "OUTP?"), "OFF");  // no number: not hit
  EXPECT_EQ(witness.line(scpi, "VOLT:PROT?"), "+9.91E37 V");
  const std::vector<std::pair<std::string, std::string>> forms{
      {"comma", "66,00 V"}, {"9.9E37", "+9.9E37 V"}, {"NAN", "NAN V"}, {"OVLD", "OVLD V"}, {"empty", " V"}};
  for (const auto& [form, shown] : forms) {
    witness.order("F17 form=" + form);
    EXPECT_EQ(witness.line(scpi, "VOLT:PROT?"), shown);
  }
  witness.order("F17 form=10kB");
  EXPECT_GT(witness.line(scpi, "VOLT:PROT?").size(), 10'000U);
}

void commands_are_lost_and_errors_overflow() {
  Witness witness;
  witness.line(scpi, "SYST:LOCK ON");
  witness.line(scpi, "VOLT 3");
  witness.order("F18 psb1.scpi");
  EXPECT_EQ(witness.line(scpi, "VOLT?"), "3.00 V");  // a question is not hit
  witness.line(scpi, "VOLT 4");
  EXPECT_EQ(witness.line(scpi, "VOLT?"), "3.00 V");
  EXPECT_THAT(witness.line(scpi, "SYST:ERR?"), HasSubstr("0,"));
  witness.order("error_flood psb1.scpi");
  std::string errors;
  for (int i = 0; i < 20; ++i) errors = witness.line(scpi, "SYST:ERR?");
  EXPECT_THAT(errors, HasSubstr("-350"));
}

}  // namespace

const std::map<std::string, Proof>& wire_proofs() {
  static const std::map<std::string, Proof> all{{"F01", reply_is_lost_once},
                                                {"F02", replies_are_lost_for_ever},
                                                {"F03", replies_are_delayed_by_something_between},
                                                {"F04", late_reply_is_overtaken},
                                                {"F05", reply_comes_twice},
                                                {"F06", replies_change_places},
                                                {"F07", reply_is_cut_short},
                                                {"F08", garbage_comes},
                                                {"F09", one_field_is_wrong},
                                                {"F10", exceptions_are_answered_and_nothing_is_done},
                                                {"F11", half_open_is_silent_and_ends_with_a_dropped_connection},
                                                {"F12", connections_are_reset},
                                                {"F13", nobody_answers_for_a_while},
                                                {"F14", bytes_come_one_by_one},
                                                {"F15", strangers_are_heard_on_the_line},
                                                {"F16", scale_and_order_are_others},
                                                {"F17", numbers_look_different},
                                                {"F18", commands_are_lost_and_errors_overflow}};
  return all;
}

}  // namespace cellrig::sim
