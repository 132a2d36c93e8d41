// A bench file as the controller and as the simulator reads it, and the ready file that moves its addresses.
#include <string>

#include "controller/runtime/config.hpp"
#include "sim/bench_file.hpp"
#include "tests/fuzz/fuzz_input.hpp"
#include "tests/fuzz/memory_file.hpp"

namespace cellrig::fuzz {
namespace {

const std::string file = "input.yaml";

void require_documented(const ConfigError& error, const std::string& where) {
  require(error.place().file == where, "an error names the file");
  require(!error.message().empty() && error.message().size() < 10'000, "an error says why, in bounds");
}

void addresses_are_read_back(const BenchConfig& bench) {
  for (const auto& [name, instrument] : bench.instruments) {
    for (const auto& [port, address] : instrument.addresses) {
      PortAddress moved = address;
      move_to(moved, to_string(address), {});
      require(to_string(moved) == to_string(address), "an address that is written is read back");
    }
  }
}

void as_the_controller_reads_it(const std::string& text) {
  const BenchConfig bench = parse_bench(text, file);
  require(!bench.channels.empty() && !bench.instruments.empty(), "a bench has a channel and an instrument");
  addresses_are_read_back(bench);
  for (const ChannelConfig& channel : bench.channels) {
    require(bench.channel(channel.name).cycler == channel.cycler, "a channel is found by its name");
    require(bench.instruments.contains(channel.cycler), "a cycler is one of the instruments");
    require(channel.chamber.empty() || bench.chamber(channel.chamber) != nullptr, "a chamber is one of the chambers");
  }
}

/// The same text as the file that a simulator writes about a bench: JSON, which is YAML.
void as_a_ready_file(const std::string& text) {
  static const BenchConfig single = load_bench(std::string(CELLRIG_SOURCE_DIR) + "/sim/benches/single.yaml");
  BenchConfig bench = single;
  const MemoryFile ready{text};
  try {
    (void)use_simulator_addresses(bench, ready.path());
  } catch (const ConfigError& error) {
    require_documented(error, ready.path());
  }
}

}  // namespace
}  // namespace cellrig::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cellrig;
  const std::string text{fuzz::Input{data, size}.rest()};
  try {
    fuzz::as_the_controller_reads_it(text);
  } catch (const ConfigError& error) {
    fuzz::require_documented(error, fuzz::file);
  }
  try {
    const sim::BenchFile bench = sim::parse_bench_file(text, fuzz::file);
    fuzz::require(bench.path == fuzz::file, "a bench knows its file");
  } catch (const ConfigError& error) {
    fuzz::require_documented(error, fuzz::file);
  }
  fuzz::as_a_ready_file(text);
  return 0;
}
