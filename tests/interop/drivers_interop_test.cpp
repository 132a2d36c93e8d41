// Whole drivers, wired by the program's own bench file, against pymodbus as the instruments: over Modbus TCP, with RTU frames inside TCP,
// and as eight units of one serial line, of which pymodbus has the other end open.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "controller/async/real_time.hpp"
#include "controller/cli/bench/instruments.hpp"
#include "tests/interop/pymodbus_server.hpp"
#include "tests/socket/pseudo_terminal.hpp"
#include "tests/support/bench_harness.hpp"
#include "tests/unit/drivers/run_task.hpp"

namespace cellrig {
namespace {

using namespace std::chrono_literals;
using testing::NullModem;
using testing::PseudoTerminal;
using testing::PymodbusServer;
using testing::run_task;

enum class Way : unsigned char { tcp, inside_tcp, serial };

constexpr Celsius warm{31.5};

class Drivers : public ::testing::TestWithParam<Way> {
 protected:
  Drivers() {
    if (GetParam() == Way::serial) {
      cable_ = std::make_unique<NullModem>(ours_.master(), theirs_.master());
      // Or a master would see the end of its line.
      for (const PseudoTerminal* const end : {&ours_, &theirs_})
        keep_open_.push_back(::open(end->path().c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC));
    }
    servers_.push_back(serve());
  }
  ~Drivers() override {
    instruments_ = {};
    links_.reset();
    cable_.reset();
    for (const int end : keep_open_) ::close(end);
  }

  struct Change {
    std::string from, to;
  };
  /// The bench as it should be, or with other units behind its names.
  void connect(const std::vector<Change>& changes = {}) {
    std::string text = bench_text();
    for (const Change& change : changes) {
      const std::size_t at = text.find(change.from);
      ASSERT_NE(at, std::string::npos) << change.from;
      text.replace(at, change.from.size(), change.to);
    }
    const std::string path = test::temporary_folder() + "/bench.yaml";
    std::ofstream{path} << text;
    bench_ = load_bench(path);
    links_ = cli::socket_links(time_, false);
    instruments_ = cli::make_instruments(time_, bench_, {}, *links_);
  }

  template <class Value>
  Result<Value> get(Task<Result<Value>> task) {
    Result<Value> result = fail(Fault::interrupted, "never ended");
    run_task(time_, keep(std::move(task), result));
    return result;
  }
  [[nodiscard]] Deadline soon() const { return Deadline{time_.now() + 10s}; }
  Chamber& chamber(const std::string& name) { return *instruments_.chambers.at(name); }

  RealTime time_;
  BenchInstruments instruments_;

 private:
  template <class Value>
  static Task<void> keep(Task<Result<Value>> task, Result<Value>& into) {
    into = co_await std::move(task);
  }
  [[nodiscard]] std::unique_ptr<PymodbusServer> serve() const {
    std::vector<std::string> words{"pymodbus_instruments.py"};
    switch (GetParam()) {
      case Way::tcp: words.emplace_back("tcp"); break;
      case Way::inside_tcp: words.emplace_back("rtu"); break;
      case Way::serial: words.insert(words.end(), {"serial", theirs_.path()}); break;
    }
    return std::make_unique<PymodbusServer>(words);
  }
  /// Over Modbus TCP every instrument has an address of its own.
  [[nodiscard]] std::string address() {
    if (GetParam() == Way::tcp) servers_.push_back(serve());
    const std::string socket = "\"127.0.0.1:" + std::to_string(servers_.back()->port()) + "\"";
    if (GetParam() == Way::tcp) return socket;
    if (GetParam() == Way::inside_tcp) return "{rtu_over_tcp: " + socket + "}";
    return "{serial: " + ours_.path() + ", baud: 9600}";
  }
  /// Nobody calls the APS: a channel cannot be without a cycler.
  [[nodiscard]] std::string bench_text() {
    const std::string f4t = GetParam() == Way::tcp ? "watlow-f4t" : "watlow-f4t-rtu";
    std::string text = "bench: somebody-else\ninstruments:\n";
    const auto add = [&](const std::string& name, const std::string& model, int unit, bool speaks_scpi = false) {
      const std::string modbus = address();
      const std::string scpi = ", scpi: \"127.0.0.1:" + std::to_string(servers_.back()->scpi_port()) + "\"";
      text += "  " + name + ": {model: " + model + ", modbus: " + modbus + (speaks_scpi ? scpi : "") +
              ", unit: " + std::to_string(unit) + "}\n";
    };
    add("f4t", f4t, 1);
    add("binder", "binder-mb1", 2);
    add("press", "loadcell-aje", 3);
    add("board", "waveshare-relay-8", 4);
    add("sniffer", "gas-jxbs-3001-co", 5);
    add("doors", "adam-6060", 6);
    add("psb", "ea-psb-10060-60", 10, true);
    add("adam", "adam-6018", 11);
    return text +
           "  aps1: {model: keysight-n6974a, scpi: \"127.0.0.1:1\"}\n  aps2: {model: keysight-n6974a, scpi: \"127.0.0.1:2\"}\n"
           "chambers:\n  tenney: {instrument: f4t}\n  mk53: {instrument: binder}\n"
           "channels:\n"
           "  ch1: {cycler: aps1, chamber: tenney, stack_force: {logger: press, input: 0, area_cm2: 200}, gas: {logger: sniffer, "
           "input: 0}, contactor: {relays: board, output: 2}, interlock: {inputs: doors, input: 0}}\n"
           "  ch2: {cycler: aps2, chamber: mk53, contactor: {relays: doors, output: 1}}\n"
           "  ch3: {cycler: psb, cell_temperature: {logger: adam, input: 0}, contactor: {relays: adam, output: 0}}\n";
  }

  std::vector<std::unique_ptr<PymodbusServer>> servers_;
  PseudoTerminal ours_, theirs_;
  std::vector<int> keep_open_;
  std::unique_ptr<NullModem> cable_;
  BenchConfig bench_;
  std::unique_ptr<cli::LinkMaker> links_;
};

TEST_P(Drivers, of_a_chamber_arm_run_measure_and_stop_an_f4t) {
  connect();
  Chamber& f4t = chamber("f4t");
  const Result<InstrumentIdentity> identity = get(f4t.identify(soon()));
  ASSERT_TRUE(identity) << identity.error().what;
  EXPECT_EQ(identity->model, "F4T1A2CAA1A1AAA");
  EXPECT_EQ(identity->serial, "4711");
  Result<void> done = get(f4t.arm({.setpoint_min = Celsius{-10}, .setpoint_max = Celsius{60}}, soon()));
  ASSERT_TRUE(done) << done.error().what;
  done = get(f4t.run(warm, soon()));
  ASSERT_TRUE(done) << done.error().what;
  Result<ChamberReadings> readings = get(f4t.measure(soon()));
  ASSERT_TRUE(readings) << readings.error().what;
  EXPECT_EQ(readings->temperature.value, 24.5);
  EXPECT_EQ(readings->setpoint, warm);
  EXPECT_TRUE(readings->running);
  EXPECT_FALSE(readings->alarm);
  done = get(f4t.stop(soon()));
  ASSERT_TRUE(done) << done.error().what;
  readings = get(f4t.measure(soon()));
  ASSERT_TRUE(readings) << readings.error().what;
  EXPECT_FALSE(readings->running);
}

TEST_P(Drivers, of_a_chamber_run_and_stop_a_binder) {
  connect();
  Chamber& binder = chamber("binder");
  Result<void> done = get(binder.arm({.setpoint_min = Celsius{-10}, .setpoint_max = Celsius{60}}, soon()));
  ASSERT_TRUE(done) << done.error().what;
  EXPECT_EQ(get(binder.run(Celsius{60.5}, soon())).error().fault, Fault::refused) << "its limits are the driver's";
  done = get(binder.run(warm, soon()));
  ASSERT_TRUE(done) << done.error().what;
  const Result<ChamberReadings> readings = get(binder.measure(soon()));
  ASSERT_TRUE(readings) << readings.error().what;
  EXPECT_EQ(readings->temperature.value, 23.5);
  EXPECT_EQ(readings->setpoint, warm);
  EXPECT_TRUE(readings->running);
  done = get(binder.stop(soon()));
  ASSERT_TRUE(done) << done.error().what;
  EXPECT_FALSE(get(binder.measure(soon()))->running);
}

TEST_P(Drivers, of_sensors_read_a_load_cell_and_a_gas_sensor) {
  connect();
  Logger& press = *instruments_.loggers.at("press");
  ASSERT_TRUE(get(press.identify(soon())));
  std::array<Reading, 2> force{};
  Result<void> done = get(press.measure(force, soon()));
  ASSERT_TRUE(done) << done.error().what;
  EXPECT_DOUBLE_EQ(force[0].value, 12345.6);
  EXPECT_DOUBLE_EQ(force[1].value, -12345.6);
  std::array<Reading, 1> gas{};
  Logger& sniffer = *instruments_.loggers.at("sniffer");
  ASSERT_TRUE(get(sniffer.identify(soon())));
  done = get(sniffer.measure(gas, soon()));
  ASSERT_TRUE(done) << done.error().what;
  EXPECT_DOUBLE_EQ(gas[0].value, 18.9);
}

TEST_P(Drivers, of_modules_set_relays_and_read_contacts) {
  connect();
  for (const char* const module : {"board", "doors", "adam"}) {
    for (const bool energised : {true, false}) {
      const Result<void> done = get(instruments_.relays.at(module)->set(1, energised, soon()));
      EXPECT_TRUE(done) << module << ": " << done.error().what;
    }
  }
  std::array<bool, 6> closed{};
  const Result<void> done = get(instruments_.contacts.at("doors")->read(closed, soon()));
  ASSERT_TRUE(done) << done.error().what;
  EXPECT_EQ(closed, (std::array<bool, 6>{true, false, true, true, true, true}));
}

TEST_P(Drivers, of_loggers_read_an_adam_6018) {
  connect();
  Logger& adam = *instruments_.loggers.at("adam");
  const Result<InstrumentIdentity> identity = get(adam.identify(soon()));
  ASSERT_TRUE(identity) << identity.error().what;
  std::array<Reading, 8> readings{};
  const Result<void> done = get(adam.measure(readings, soon()));
  ASSERT_TRUE(done) << done.error().what;
  constexpr double count_K = 500.0 / 65535;
  EXPECT_NEAR(readings[0].value, 25.0, count_K);
  EXPECT_NEAR(readings[1].value, -20.0, count_K);
  EXPECT_NEAR(readings[2].value, 60.0, count_K);
  EXPECT_EQ(readings[7].quality, Quality::bad) << "an open sensor";
}

TEST_P(Drivers, of_cyclers_arm_charge_discharge_and_release_a_psb) {
  connect();
  Cycler& psb = *instruments_.cyclers.at("psb");
  const Result<InstrumentIdentity> identity = get(psb.identify(soon()));
  ASSERT_TRUE(identity) << identity.error().what;
  EXPECT_EQ(identity->serial, "4711080815");
  const Protections protections{.over_voltage = Volts{4.3},
                                .under_voltage = Volts{2.4},
                                .charge_current_max = Amps{6},
                                .discharge_current_max = Amps{6},
                                .watchdog_delay = 10s};
  Result<void> done = get(psb.arm(protections, soon()));
  ASSERT_TRUE(done) << done.error().what;
  for (const Amps current : {Amps{5}, Amps{-3}}) {
    done = get(psb.apply(ConstantCurrent{.current = current, .voltage_min = Volts{2.5}, .voltage_max = Volts{4.2}}, soon()));
    ASSERT_TRUE(done) << done.error().what;
    const Result<CyclerReadings> readings = get(psb.measure(soon()));
    ASSERT_TRUE(readings) << readings.error().what;
    EXPECT_TRUE(readings->output_on);
    EXPECT_TRUE(readings->remote);
    EXPECT_EQ(readings->regulation, Regulation::constant_current);
    EXPECT_NEAR(readings->voltage.value, 3.7, psb.capabilities().voltage_resolution.value());
    EXPECT_NEAR(readings->current.value, current.value(), psb.capabilities().current_resolution.value());
  }
  done = get(psb.output_off(soon()));
  ASSERT_TRUE(done) << done.error().what;
  const Result<CyclerReadings> off = get(psb.measure(soon()));
  ASSERT_TRUE(off) << off.error().what;
  EXPECT_FALSE(off->output_on);
  EXPECT_EQ(off->current.value, 0.0);
  done = get(psb.release(soon()));
  ASSERT_TRUE(done) << done.error().what;
  EXPECT_FALSE(get(psb.measure(soon()))->remote);
}

// A unit number is easily mistaken, and every unit answers.
TEST_P(Drivers, refuse_another_instrument_behind_their_unit) {
  connect({{"unit: 2}", "unit: 7}"}, {"unit: 1}", "unit: 2}"}});
  const Result<InstrumentIdentity> other = get(chamber("f4t").identify(soon()));
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().fault, Fault::refused) << other.error().what;
}

TEST_P(Drivers, find_nobody_behind_a_unit_that_is_not_there) {
  connect({{"unit: 3}", "unit: 9}"}});
  const Result<InstrumentIdentity> nobody = get(instruments_.loggers.at("press")->identify(Deadline{time_.now() + 1s}));
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().fault, Fault::timeout) << nobody.error().what;
  const Result<InstrumentIdentity> neighbour = get(instruments_.loggers.at("sniffer")->identify(soon()));
  EXPECT_TRUE(neighbour) << neighbour.error().what;
}

INSTANTIATE_TEST_SUITE_P(Pymodbus, Drivers, ::testing::Values(Way::tcp, Way::inside_tcp, Way::serial),
                         [](const ::testing::TestParamInfo<Way>& way) {
                           return way.param == Way::tcp      ? "over_tcp"
                                  : way.param == Way::serial ? "on_a_serial_line"
                                                             : "inside_tcp";
                         });

}  // namespace
}  // namespace cellrig
