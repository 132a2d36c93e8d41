// Addresses of a bench file: their forms, and who may share a line.
#include <gtest/gtest.h>

#include <unistd.h>

#include <filesystem>
#include <string>

#include "controller/cli/bench/links.hpp"
#include "controller/runtime/bench_instruments.hpp"
#include "controller/runtime/config.hpp"

namespace cellrig {
namespace {

std::string bench_of(const std::string& instruments) {
  return "bench: b\ninstruments:\n" + instruments + "channels:\n  ch1: {cycler: psb1}\n";
}
const std::string psb1 = "  psb1: {model: ea-psb-10060-60, modbus: \"192.0.2.10:502\", scpi: \"192.0.2.10:5025\"}\n";

BenchConfig parse(const std::string& instruments) { return parse_bench(bench_of(instruments), "bench.yaml"); }

/// What is said about a bench with a mistake, place included.
std::string complaint(const std::string& instruments) {
  try {
    const BenchConfig bench = parse(instruments);
    cli::refuse_line_conflicts(bench);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "nothing";
}

TEST(BenchAddress, has_three_forms) {
  const BenchConfig bench = parse(
      "  psb1: {model: ea-psb-10060-60, modbus: {serial: /dev/ttyACM0, baud: 9600, parity: even, stop_bits: 2}, scpi: "
      "\"[::1]:5025\"}\n"
      "  far: {model: adam-6018, modbus: {rtu_over_tcp: \"192.0.2.20:10001\"}}\n"
      "  text: {model: adam-6018, ascii: {serial: /dev/ttyS0}}\n");
  const PortAddress& serial = bench.instruments.at("psb1").addresses.at("modbus");
  EXPECT_EQ(serial.kind, PortAddress::Kind::serial);
  EXPECT_EQ(serial.device, "/dev/ttyACM0");
  EXPECT_EQ(serial.baud, 9600);
  EXPECT_EQ(serial.parity, Parity::even);
  EXPECT_EQ(serial.stop_bits, 2);
  EXPECT_EQ(to_string(serial), "serial:/dev/ttyACM0");
  EXPECT_EQ(to_string(bench.instruments.at("psb1").addresses.at("scpi")), "[::1]:5025");
  EXPECT_EQ(to_string(bench.instruments.at("far").addresses.at("modbus")), "rtu_over_tcp:192.0.2.20:10001");
  EXPECT_EQ(to_string(bench.instruments.at("text").addresses.at("ascii")), "serial:/dev/ttyS0");
}

TEST(BenchAddress, mistakes_are_named_with_their_place) {
  EXPECT_EQ(complaint("  psb1: {model: ea-psb-10060-60, modbus: {serial: ttyUSB0}}\n"),
            "bench.yaml:3:51: 'ttyUSB0' is no device; write its path, such as /dev/ttyUSB0");
  EXPECT_EQ(complaint("  psb1: {model: ea-psb-10060-60, modbus: {serial: /dev/ttyUSB0, parity: evenn}}\n"),
            "bench.yaml:3:73: unknown parity 'evenn', did you mean 'even'?");
  EXPECT_NE(complaint("  psb1: {model: ea-psb-10060-60, modbus: {serial: /dev/ttyUSB0, baud: 9601}}\n")
                .find("bench.yaml:3:71: baud 9601"),
            std::string::npos);
  EXPECT_NE(
      complaint("  psb1: {model: ea-psb-10060-60, modbus: {serial: /dev/ttyUSB0, bauds: 9600}}\n").find("did you mean 'baud'?"),
      std::string::npos);
  EXPECT_NE(complaint("  psb1: {model: ea-psb-10060-60, scpi: {rtu_over_tcp: \"192.0.2.1:5025\"}}\n").find("bench.yaml:3:41"),
            std::string::npos);
  EXPECT_NE(complaint("  psb1: {model: ea-psb-10060-60, modbus: {rtu_over_tcp: \"192.0.2.1:5025\", baud: 9600}}\n")
                .find("does not go with"),
            std::string::npos);
  EXPECT_NE(complaint("  psb1: {model: ea-psb-10060-60, modbus: {baud: 9600}}\n").find("serial"), std::string::npos);
}

TEST(BenchAddress, units_of_one_line_share_it) {
  EXPECT_EQ(complaint(psb1 + "  a: {model: adam-6018, modbus: {serial: /dev/ttyUSB0, baud: 9600}, unit: 1}\n"
                             "  b: {model: adam-6018, modbus: {serial: /dev/ttyUSB0, baud: 9600}, unit: 2}\n"),
            "nothing");
}

TEST(BenchAddress, two_instruments_with_the_same_unit_on_a_line_are_refused) {
  const std::string said = complaint(psb1 +
                                     "  a: {model: adam-6018, modbus: {serial: /dev/ttyUSB0, baud: 9600}}\n"
                                     "  b: {model: adam-6018, modbus: {serial: /dev/ttyUSB0, baud: 9600}, unit: 1}\n");
  EXPECT_EQ(said, "bench.yaml:5:33: instruments 'a' and 'b' on /dev/ttyUSB0 are both unit 1");
}

TEST(BenchAddress, different_settings_of_one_line_are_refused) {
  const std::string said =
      complaint(psb1 +
                "  a: {model: adam-6018, modbus: {serial: /dev/ttyUSB0, baud: 9600}, unit: 1}\n"
                "  b: {model: adam-6018, modbus: {serial: /dev/ttyUSB0, baud: 9600, parity: even}, unit: 2}\n");
  EXPECT_EQ(said, "bench.yaml:5:33: instruments 'a' and 'b' on /dev/ttyUSB0 have different settings: 9600 8N1 and 9600 8E1");
}

TEST(BenchAddress, a_line_needs_its_speed_from_somewhere) {
  EXPECT_NE(complaint(psb1 + "  a: {model: adam-6018, modbus: {serial: /dev/ttyUSB0}}\n").find("bench.yaml:4:33"),
            std::string::npos);
  EXPECT_EQ(complaint("  psb1: {model: ea-psb-10060-60, modbus: {serial: /dev/ttyACM0}, scpi: \"192.0.2.10:5025\"}\n"),
            "nothing");
}

TEST(BenchAddress, text_shares_its_line_with_nobody) {
  EXPECT_NE(complaint("  psb1: {model: itech-it-m3432, scpi: {serial: /dev/ttyUSB0}}\n"
                      "  b: {model: adam-6018, modbus: {serial: /dev/ttyUSB0, baud: 9600}}\n")
                .find("have the same address"),
            std::string::npos);
  EXPECT_NE(complaint("  psb1: {model: ea-psb-10060-60, modbus: {serial: /dev/ttyACM0}, scpi: {serial: /dev/ttyACM0}}\n")
                .find("two ports of"),
            std::string::npos);
}

// The same device under two names is one line.
TEST(BenchAddress, a_link_to_a_device_is_that_device) {
  const std::filesystem::path folder = std::filesystem::temp_directory_path() / ("cellrig-address-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  const std::string link = folder / "usb-EA-if00";
  std::filesystem::remove(link);
  std::filesystem::create_symlink("/dev/null", link);
  PortAddress by_name, by_link;
  by_name.kind = by_link.kind = PortAddress::Kind::serial;
  by_name.device = "/dev/null";
  by_link.device = link;
  EXPECT_EQ(wire_of(by_name), wire_of(by_link));
  std::filesystem::remove_all(folder);
}

// One process per line, whatever is on it.
TEST(BenchAddress, every_serial_line_of_an_instrument_is_leased) {
  const BenchConfig bench =
      parse("  psb1: {model: ea-psb-10060-60, modbus: {serial: /dev/ttyACM9}, scpi: \"192.0.2.10:5025\"}\n" +
            std::string("  tcp: {model: adam-6018, modbus: \"192.0.2.13:502\"}\n"));
  EXPECT_EQ(leased_wires_of(bench.instruments.at("psb1")), std::vector<std::string>{"/dev/ttyACM9"});
  EXPECT_EQ(leased_wires_of(bench.instruments.at("tcp")), std::vector<std::string>{"192.0.2.13:502"});
  EXPECT_TRUE(serial_lines_of(bench.instruments.at("tcp")).empty());
}

// A simulator that was started with another bench file serves other kinds of lines.
TEST(BenchAddress, a_simulator_of_another_kind_is_refused) {
  PortAddress address;
  address.kind = PortAddress::Kind::serial;
  address.device = "/dev/ttyUSB0";
  address.baud = 38400;
  move_to(address, "serial:/tmp/x/1-ttyUSB0", SourcePlace{"ready.json", 1, 1});
  EXPECT_EQ(address.device, "/tmp/x/1-ttyUSB0");
  EXPECT_EQ(address.baud, 38400);
  EXPECT_THROW(move_to(address, "127.0.0.1:4711", SourcePlace{"ready.json", 1, 1}), ConfigError);
}

}  // namespace
}  // namespace cellrig
