// F01 to F18 on the wires of chambers, loggers, sensors, contacts and relays, each on the kind of wire that it has in a laboratory, in process
// and over real sockets and pseudo-terminals in lockstep: no value is ever taken for another one, what is reported as done is done, the error
// says what kind it is, and afterwards the link works again. (The cyclers': wire_faults_test.cpp.)
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "drivers/instruments/chamber.hpp"
#include "drivers/instruments/logger.hpp"
#include "tests/contract/contract_rig.hpp"
#include "tests/contract/wire_faults.hpp"

namespace cellrig::test {
namespace {

using namespace std::chrono_literals;

enum class Role : unsigned char { chamber, thermometer, force, gas, contacts, relays };
enum class Language : unsigned char { modbus_tcp, modbus_rtu, lines };

struct Subject {
  const char* name;
  const char* model;
  const char* port;
  const char* address;  ///< in the bench file
  Role role;
  Language language;
  bool is_on_a_line = false;
};

constexpr std::array<Subject, 12> subjects{
    {{"WatlowF4t", "watlow-f4t", "modbus", "\"192.0.2.12:502\"", Role::chamber, Language::modbus_tcp},
     {"WatlowF4tRtu", "watlow-f4t-rtu", "modbus", "{serial: /dev/ttyUSB0}", Role::chamber, Language::modbus_rtu, true},
     {"BinderMb1", "binder-mb1", "modbus", "{rtu_over_tcp: \"192.0.2.12:10001\"}", Role::chamber, Language::modbus_rtu},
     {"EspecSh641", "espec-sh-641", "ascii", "\"192.0.2.12:10001\"", Role::chamber, Language::lines},
     {"EspecP300Serial", "espec-p300", "ascii", "{serial: /dev/ttyUSB0, baud: 9600}", Role::chamber, Language::lines, true},
     {"Adam6018", "adam-6018", "modbus", "\"192.0.2.12:502\"", Role::thermometer, Language::modbus_tcp},
     {"KeysightDaq", "keysight-daq970a", "scpi", "\"192.0.2.12:5025\"", Role::thermometer, Language::lines},
     {"Keysight34970a", "keysight-34970a", "scpi", "{serial: /dev/ttyUSB0}", Role::thermometer, Language::lines, true},
     {"LoadCell", "loadcell-aje", "modbus", "{serial: /dev/ttyUSB0}", Role::force, Language::modbus_rtu, true},
     {"GasSensor", "gas-jxbs-3001-co", "modbus", "{serial: /dev/ttyUSB0}", Role::gas, Language::modbus_rtu, true},
     {"Adam6060", "adam-6060", "modbus", "\"192.0.2.12:502\"", Role::contacts, Language::modbus_tcp},
     {"Waveshare", "waveshare-relay-8", "modbus", "{serial: /dev/ttyUSB0}", Role::relays, Language::modbus_rtu, true}}};

struct Case {
  std::size_t subject = 0;
  LinkKind link = LinkKind::memory;
};
std::string name_of(const Case& which) { return std::string(subjects.at(which.subject).name) + "_over_" + to_string(which.link); }
void PrintTo(const Case& which, std::ostream* out) { *out << name_of(which); }

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (std::size_t subject = 0; subject < subjects.size(); ++subject) {
    cases.push_back({subject, LinkKind::memory});
    cases.push_back({subject, LinkKind::lockstep});
  }
  return cases;
}

constexpr double face_mm2 = 20'000.0;  // of the sulfide-like cell

class OtherWireFaults : public ::testing::TestWithParam<Case> {
 protected:
  static constexpr Duration plenty = 5s, line_patience = 60s;
  static constexpr int question_count = 6, recovery_count = 4;

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

  [[nodiscard]] const Subject& subject() const { return subjects.at(GetParam().subject); }
  [[nodiscard]] bool is(Role role) const { return subject().role == role; }
  [[nodiscard]] ContractRig& rig() { return *rig_; }
  [[nodiscard]] Deadline in(Duration duration) { return rig_->in(duration); }
  [[nodiscard]] Chamber& chamber() { return *instruments_.chambers.at("it"); }
  [[nodiscard]] Logger& logger() { return *instruments_.loggers.at("it"); }
  /// Long enough for a healthy exchange, however the instrument is paced.
  [[nodiscard]] Duration patience() const { return is(Role::chamber) ? 1s : 500ms; }
  [[nodiscard]] std::string order(const std::string& words) const {
    const std::size_t end = std::min(words.find(' '), words.size());
    return words.substr(0, end) + " it." + subject().port + words.substr(end);
  }

  /// Makes the truth another one, so that an answer says to which question it belongs.
  void change(int step) {
    switch (subject().role) {
      case Role::chamber:
      case Role::thermometer:
        offset_K_ = 8.0 * step;
        return rig().fault("temperature_offset it offset_K=" + std::to_string(offset_K_));
      case Role::force:
      case Role::gas: return rig().fault("venting ch1 gas_ppm=30 pressure_MPa=0.1 rise_K=0 over_s=0.1");
      case Role::contacts:
        for (int input = 0; input < 6; ++input) {
          const bool is_open = ((static_cast<unsigned>(step) >> (input % 3)) & 1U) != (input < 3 ? 0U : 1U);
          rig().fault("interlock_open it input=" + std::to_string(input) + (is_open ? "" : " on=false"));
        }
        open_ = step;
        return;
      case Role::relays: return;
    }
  }

  /// What a measurement says, if it says anything; nothing for a reading that says itself that it is none.
  struct Said {
    std::optional<Fault> failed;
    std::string what;
    bool is_own = false;
    [[nodiscard]] bool is_good() const { return !failed && is_own; }
  };
  Said measure(Duration within) {
    switch (subject().role) {
      case Role::chamber: {
        const Result<ChamberReadings> readings = rig().call(chamber().measure(in(within)));
        if (!readings) return {readings.error().fault, readings.error().what};
        return judge(readings->temperature, rig().chamber_truth("oven").air_temperature_degC + offset_K_,
                     chamber().capabilities().temperature_accuracy.bound_at(readings->temperature.value));
      }
      case Role::contacts: {
        std::array<bool, 6> closed{};
        const Result<void> done = rig().call(instruments_.contacts.at("it")->read(closed, in(within)));
        if (!done) return {done.error().fault, done.error().what};
        std::array<bool, 6> truth{};
        for (unsigned input = 0; input < truth.size(); ++input)
          truth[input] = ((static_cast<unsigned>(open_) >> (input % 3)) & 1U) == (input < 3 ? 0U : 1U);
        EXPECT_EQ(closed, truth);
        return {.failed = {}, .what = {}, .is_own = true};
      }
      case Role::relays: {
        const bool wanted = !energised_;
        const Result<void> done = rig().call(instruments_.relays.at("it")->set(0, wanted, in(within)));
        if (!done) return {done.error().fault, done.error().what};
        energised_ = wanted;
        EXPECT_EQ(rig().truth("ch1").contactor_closed, wanted) << "reported as done";
        return {.failed = {}, .what = {}, .is_own = true};
      }
      default: break;
    }
    const std::array<int, 1> inputs{0};
    Reading reading;
    const Result<void> done = rig().call(logger().measure_inputs(inputs, std::span{&reading, 1}, in(within)));
    if (!done) return {done.error().fault, done.error().what};
    const ChannelTruth truth = rig().truth("ch1");
    if (is(Role::force)) return judge(reading, truth.pressure_MPa * face_mm2, 0.6);
    if (is(Role::gas)) return judge(reading, truth.gas_ppm, 0.06 + gas_blown_away_ppm);
    return judge(reading, truth.surface_temperature_degC + offset_K_,
                 logger().capabilities().temperature_accuracy.bound_at(reading.value));
  }

  void suffer_all(const std::vector<WireFault>& faults) {
    for (const WireFault& fault : faults) {
      SCOPED_TRACE(fault.name);
      suffer(fault);
    }
  }
  void suffer(const WireFault& fault) {
    ASSERT_NO_FATAL_FAILURE(make_world());
    ASSERT_NO_FATAL_FAILURE(begin());
    rig().fault(order(fault.order));
    int failures = 0;
    for (int i = 1; i <= question_count; ++i) {
      change(i);
      const Said said = measure(patience());
      if (said.failed) {
        // A measurement of a chamber is several exchanges: late one by one, together they may be too late. A relay is told again
        // until there is no time left.
        const bool may_be_late = is(Role::relays) || (is(Role::chamber) && !fault.must_fail);
        const bool is_late = may_be_late && *said.failed == Fault::timeout;
        EXPECT_TRUE(is_late || is_allowed(fault, *said.failed, subject().is_on_a_line)) << said.what;
      }
      if (!said.is_good()) ++failures;
      rig().pass(50ms);
    }
    EXPECT_GE(failures, fault.must_fail ? 1 : 0) << "nobody noticed";
    expect_recovery();
  }
  void begin() {
    offset_K_ = 0.0;
    open_ = 0;
    energised_ = false;
    if (is(Role::contacts)) change(0);
    if (is(Role::thermometer) || is(Role::force) || is(Role::gas)) {
      const Result<InstrumentIdentity> identity = rig().call(logger().identify(in(plenty)));
      ASSERT_TRUE(identity) << identity.error().what;
    }
    const Said healthy = measure(plenty);
    ASSERT_TRUE(healthy.is_good()) << healthy.what;
    rig().pass(1s);
  }
  void expect_recovery() {
    rig().clear_faults();
    open_ = 0;
    if (is(Role::contacts)) change(0);
    // Nobody can end what is already on its way on a line.
    if (subject().is_on_a_line) rig().pass(line_patience);
    Said said;
    for (int i = 0; i < recovery_count && !said.is_good(); ++i) {
      rig().pass(1s);
      change(-(i + 1));
      said = measure(plenty);
    }
    EXPECT_TRUE(said.is_good()) << "the link did not recover: " << said.what;
  }

 private:
  /// Gas is renewed while an exchange takes its time.
  static constexpr double gas_blown_away_ppm = 1.0;

  static Said judge(const Reading& reading, double truth, double bound) {
    if (reading.quality != Quality::good) return {};
    EXPECT_NEAR(reading.value, truth, bound);
    return {.failed = {}, .what = {}, .is_own = true};
  }
  [[nodiscard]] std::string bench_text() const {
    const std::string it =
        std::string("  it: {model: ") + subject().model + ", " + subject().port + ": " + subject().address + "}\n";
    std::string channel;
    switch (subject().role) {
      case Role::chamber: channel = "chamber: oven"; break;
      case Role::thermometer: channel = "cell_temperature: {logger: it, input: 0}"; break;
      case Role::force: channel = "stack_force: {logger: it, input: 0}"; break;
      case Role::gas: channel = "gas: {logger: it, input: 0}"; break;
      case Role::contacts: channel = "interlock: {inputs: it, input: 0}"; break;
      case Role::relays: channel = "contactor: {relays: it, output: 0}"; break;
    }
    return "bench: contract\ninstruments:\n"
           "  psb1: {model: ea-psb-10060-60, modbus: \"192.0.2.10:502\", scpi: \"192.0.2.10:5025\"}\n" +
           it + (is(Role::chamber) ? "chambers:\n  oven: {instrument: it}\n" : "") + "channels:\n  ch1: {cycler: psb1, " +
           channel +
           "}\n"
           "simulation:\n"
           "  cells:\n"
           "    ch1: {file: sulfide-20, soc_pct: 50, stack: {mode: pneumatic, pressure_MPa: 3.4567}}\n"
           "  room_temperature_degC: 25\n  latency: modelled\n";
  }

  std::unique_ptr<ContractRig> rig_;
  BenchInstruments instruments_;
  double offset_K_ = 0.0;
  int open_ = 0;
  bool energised_ = false;
};

TEST_P(OtherWireFaults, on_any_wire_attribute_no_value_to_another_question) { suffer_all(wire_faults()); }

TEST_P(OtherWireFaults, of_its_own_language_attribute_no_value_to_another_question) {
  if (subject().language == Language::lines) return suffer_all(line_faults());
  suffer_all(modbus_faults());
  suffer_all(subject().language == Language::modbus_rtu ? modbus_rtu_faults() : modbus_tcp_faults());
}

// F10
TEST_P(OtherWireFaults, an_exception_of_any_code_is_an_answer_and_the_link_stays) {
  if (subject().language == Language::lines) return;  // these have no exceptions
  for (int code = 1; code <= 11; ++code) {
    SCOPED_TRACE(code);
    const std::string words = "F10 count=for_ever code=" + std::to_string(code);
    suffer({"F10", words.c_str(), {Fault::busy, Fault::refused, Fault::device_fault}});
  }
}

// F18: a chamber that says it runs runs, and to the set-point that was asked for; a relay that says it is closed is.
TEST_P(OtherWireFaults, a_lost_command_is_never_reported_as_done) {
  if (!is(Role::chamber) && !is(Role::relays)) return;  // the others are told nothing
  for (int skip = 0; skip < 8; ++skip) {
    SCOPED_TRACE(skip);
    make_world();
    ASSERT_NO_FATAL_FAILURE(begin());
    rig().fault(order("F18 count=1 skip=" + std::to_string(skip)));
    if (is(Role::relays)) {
      for (int i = 0; i < 4; ++i) static_cast<void>(measure(plenty));
      continue;
    }
    const ChamberLimits limits{.setpoint_min = Celsius{-20.0}, .setpoint_max = Celsius{60.0}};
    const Result<void> armed = rig().call(chamber().arm(limits, in(plenty)));
    if (!armed) continue;
    const Result<void> running = rig().call(chamber().run(Celsius{40.0}, in(plenty)));
    if (!running) continue;
    const ChamberTruth truth = rig().chamber_truth("oven");
    EXPECT_TRUE(truth.running);
    EXPECT_NEAR(truth.setpoint_degC, 40.0, 0.05);
  }
}

// F16: 32-bit values in another order start nothing.
TEST_P(OtherWireFaults, swapped_words_start_nothing) {
  const bool has_long_values = is(Role::force) || (is(Role::chamber) && subject().language != Language::lines);
  if (!has_long_values) return;
  make_world();
  rig().fault(order("swap_words count=for_ever"));
  if (is(Role::force)) {
    if (!rig().call(logger().identify(in(plenty)))) return;
    EXPECT_FALSE(measure(plenty).is_good());
    return;
  }
  const ChamberLimits limits{.setpoint_min = Celsius{-20.0}, .setpoint_max = Celsius{60.0}};
  const Result<void> armed = rig().call(chamber().arm(limits, in(plenty)));
  const bool has_started = armed.has_value() && rig().call(chamber().run(Celsius{40.0}, in(plenty))).has_value();
  EXPECT_FALSE(has_started);
}

INSTANTIATE_TEST_SUITE_P(All, OtherWireFaults, ::testing::ValuesIn(all_cases()),
                         [](const ::testing::TestParamInfo<Case>& tested) { return name_of(tested.param); });

}  // namespace
}  // namespace cellrig::test
