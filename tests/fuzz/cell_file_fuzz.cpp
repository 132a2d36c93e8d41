// A cell file, as the profile compiler and as the simulator reads it.
#include <cmath>
#include <string>

#include "profiles/cell.hpp"
#include "profiles/open_circuit.hpp"
#include "sim/cell_file.hpp"
#include "tests/fuzz/fuzz_input.hpp"
#include "tests/fuzz/memory_file.hpp"

namespace cellrig::fuzz {
namespace {

template <class Reader>
void read(const Reader& reader, const std::string& where) {
  try {
    reader();
  } catch (const ConfigError& error) {
    require(error.place().file == where, "an error names the file");
    require(!error.message().empty() && error.message().size() < 10'000, "an error says why, in bounds");
  }
}

}  // namespace
}  // namespace cellrig::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cellrig;
  const std::string_view text = fuzz::Input{data, size}.rest();
  const std::string name = "input.yaml";
  fuzz::read(
      [&] {
        const Cell cell = read_cell(text, name);
        fuzz::require(cell.voltage_min < cell.voltage_max, "the window of a cell is one");
        fuzz::require(cell.limits.voltage_min <= cell.voltage_min && cell.limits.voltage_max >= cell.voltage_max,
                      "safety limits lie outside the window");
        for (const auto& [word, value] : cell.names) fuzz::require(std::isfinite(value), "what a profile may name is finite");
      },
      name);
  fuzz::read(
      [&] {
        const std::optional<OpenCircuitTable> table = read_open_circuit_table(text, name);
        if (!table) return;
        const OpenCircuitTable::Range range = table->charge_at(3.5, 3.6);
        fuzz::require(range.min_pct <= range.max_pct, "a range of charge is one");
      },
      name);
  const fuzz::MemoryFile file{text};
  fuzz::read([&] { (void)sim::load_cell_file(file.path()); }, file.path());
  return 0;
}
