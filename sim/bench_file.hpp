// The simulator's view of a bench file: what is wired to what, and the section `simulation`. The controller reads the same file.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/config_error.hpp"
#include "sim/cell_instead.hpp"
#include "sim/fault_file.hpp"

namespace cellrig::sim {

/// A word of the file and where it stands, for messages.
struct PlacedWord {
  std::string text;
  SourcePlace place;
};

/// The form of an address; where exactly it is is of no interest here, but for who shares it.
struct AddressEntry {
  std::string port;         ///< "modbus"
  PlacedWord serial;        ///< "/dev/ttyUSB0", or empty
  PlacedWord rtu_over_tcp;  ///< "192.0.2.10:10001", or empty
};

struct InstrumentEntry {
  std::string name;  ///< "psb1"
  PlacedWord model;  ///< "ea-psb-10060-60"
  std::vector<AddressEntry> addresses;
  std::optional<int> unit;  ///< on a serial line
};

/// One input or output of an instrument: `{logger: adam, input: 0}`.
struct WireEntry {
  PlacedWord instrument;
  int number = 0;
};

/// What presses the cell, instead of what its file says.
struct StackEntry {
  SourcePlace place;
  std::size_t mode = 0;  ///< position in stack_mode_words()
  double pressure_MPa = 0.0;
};

struct CellEntry {
  PlacedWord file;  ///< "lg-m50", or a path that ends with .yaml
  double soc = 0.5;
  double temperature_degC = 25.0;  ///< of the cell at the start; the room's unless given
  bool reversed = false;
  double capacity_fraction = 1.0;
  double resistance_factor = 1.0;
  double fade_per_cycle_pct = 0.0;  ///< above zero: takes the place of the cell file's ageing
  std::optional<bool> ages;         ///< empty: as the cell file says
  std::optional<bool> runs_away;    ///< when it gets too hot; empty: as the cell file says
  bool is_drawn = false;            ///< capacity, resistance and lifetime of this very cell are drawn from the seed
  bool has_plates = false;          ///< fixture: plates; otherwise free
  double short_ohm = 0.0;           ///< an internal short; 0 = none
  std::optional<StackEntry> stack;
};

/// How an instrument errs.
struct MeasurementEntry {
  enum class Kind : unsigned char {
    ideal,
    drawn,  ///< a unit drawn by the seed from what its maker promises
    given,
  };
  struct Number {
    double value = 0.0;
    SourcePlace place;
  };
  Kind kind = Kind::ideal;
  std::map<std::string, Number> numbers;  ///< of `given`, by key: "voltage_offset_V"
};

struct ChannelEntry {
  std::string name;  ///< "ch1"
  SourcePlace place;
  PlacedWord cycler;
  std::optional<WireEntry> cell_temperature;
  std::optional<WireEntry> ambient_temperature;
  std::optional<WireEntry> voltage, stack_force, gas;
  std::vector<WireEntry> interlocks;
  std::optional<WireEntry> contactor;
  std::optional<PlacedWord> chamber;
  CellEntry cell;
};

struct ChamberEntry {
  std::string name;  ///< "oven"
  PlacedWord instrument;
  std::optional<WireEntry> exhaust, fan;
};

struct BenchFile {
  std::string name;
  std::string path;
  std::vector<InstrumentEntry> instruments;  ///< all lists in the order of the file
  std::vector<ChamberEntry> chambers;
  std::vector<ChannelEntry> channels;
  std::optional<WireEntry> siren;
  std::vector<PlacedOrder> faults;
  double room_temperature_degC = 25.0;
  bool latency_is_modelled = true;
  std::map<std::string, MeasurementEntry> measurements;  ///< by instrument; one that is missing is ideal
};

/// `simulation` is read strictly; of the rest only what says how things are wired, unknown keys being the controller's business.
/// @throws ConfigError with file, line and column.
[[nodiscard]] BenchFile load_bench_file(const std::string& path, const std::optional<CellInstead>& cell = {});
/// The same from text, for tests; `path` is for messages.
[[nodiscard]] BenchFile parse_bench_file(const std::string& text, const std::string& path,
                                         const std::optional<CellInstead>& cell = {});

}  // namespace cellrig::sim
