// From a bench file to a bench: cells, chambers, instruments, and the wires between them.
#include <algorithm>
#include <filesystem>
#include <map>
#include <utility>

#include "sim/bench.hpp"
#include "sim/bench_file.hpp"
#include "sim/cell_draw.hpp"
#include "sim/cell_file.hpp"
#include "sim/instruments/adam_6018.hpp"
#include "sim/instruments/ea_psb.hpp"
#include "sim/instruments/itech.hpp"
#include "sim/instruments/keysight_daq.hpp"
#include "sim/instruments/keysight_n6900.hpp"
#include "sim/instruments/watlow_f4t.hpp"

namespace cellrig::sim {
namespace {

namespace fs = std::filesystem;

constexpr int daq970a_thermocouples = 12;           // of its 20 channels, as its model file has it
constexpr std::size_t n6900_session_count_max = 6;  // N6900 guide: simultaneous data, control and telnet sockets

enum class Role : unsigned char { cycler, chamber, logger };
struct Model {
  const char* name;
  Role role;
  int input_count = 0;   ///< of a logger
  int output_count = 0;  ///< relays of a logger
};
constexpr std::array<Model, 7> models{{{"ea-psb-10060-60", Role::cycler},
                                       {"keysight-n6974a", Role::cycler},
                                       {"itech-it-m3432", Role::cycler},
                                       {"itech-it6054c-800-225", Role::cycler},
                                       {"watlow-f4t", Role::chamber},
                                       {"adam-6018", Role::logger, adam_6018_channels, adam_6018_channels},
                                       {"keysight-daq970a", Role::logger, daq970a_thermocouples}}};

class Builder {
 public:
  Builder(const BenchFile& file, const BenchOptions& options)
      : file_{file},
        options_{options},
        bench_{std::make_unique<SimulatedBench>(TimePoint{}, file.room_temperature_degC, options)},
        advance_world_{[bench = bench_.get()](TimePoint to) { bench->world().advance(to); }} {}

  std::unique_ptr<SimulatedBench> build() {
    bench_->set_name(file_.name);
    for (const InstrumentEntry& instrument : file_.instruments) check_model(instrument);
    for (const ChamberEntry& chamber : file_.chambers) add_chamber(chamber);
    for (const ChannelEntry& channel : file_.channels) add_channel(channel);
    for (const InstrumentEntry& instrument : file_.instruments) add_instrument(instrument);
    return std::move(bench_);
  }

 private:
  struct LoggerWiring {
    std::map<int, const Thermocouple*> sensors;  ///< by input
    std::map<int, std::size_t> contactors;       ///< channel by output
  };

  void check_model(const InstrumentEntry& instrument) const {
    std::vector<std::string> known;
    for (const Model& model : models) {
      if (instrument.model.text == model.name) return;
      known.emplace_back(model.name);
    }
    throw ConfigError{instrument.model.place, "the simulator has no instrument model '" + instrument.model.text + "'" +
                                                  suggestion(instrument.model.text, known)};
  }

  [[nodiscard]] const Model& model_of(const PlacedWord& name) const {
    const auto instrument = std::find_if(file_.instruments.begin(), file_.instruments.end(),
                                         [&](const InstrumentEntry& entry) { return entry.name == name.text; });
    return *std::find_if(models.begin(), models.end(), [&](const Model& m) { return instrument->model.text == m.name; });
  }

  void require_role(const PlacedWord& name, Role role, const char* what) const {
    if (model_of(name).role != role) throw ConfigError{name.place, "instrument '" + name.text + "' is no " + what};
  }

  void add_chamber(const ChamberEntry& entry) {
    require_role(entry.instrument, Role::chamber, "chamber controller");
    if (!chamber_of_instrument_.emplace(entry.instrument.text, file_chamber_count()).second) {
      throw ConfigError{entry.instrument.place, "instrument '" + entry.instrument.text + "' controls another chamber already"};
    }
    ChamberParameters parameters;
    parameters.start_temperature_degC = file_.room_temperature_degC;
    parameters.room_temperature_degC = file_.room_temperature_degC;
    bench_->add_chamber({.name = entry.name, .index = bench_->world().add_chamber(parameters), .imposed = {}});
  }
  [[nodiscard]] std::size_t file_chamber_count() const { return bench_->world().chamber_count(); }

  [[nodiscard]] CellParameters load_cell(const CellEntry& cell) const {
    const std::string& name = cell.file.text;
    if (name.ends_with(".yaml")) {
      const fs::path path = fs::path{file_.path}.parent_path() / name;
      if (fs::exists(path)) return load_cell_file(path.string());
      throw ConfigError{cell.file.place, "there is no cell file " + path.string()};
    }
    std::vector<std::string> known;
    std::string searched;
    for (const std::string& directory : options_.cell_directories) {
      const fs::path path = fs::path{directory} / (name + ".yaml");
      if (fs::exists(path)) return load_cell_file(path.string());
      searched += (searched.empty() ? "" : ", ") + directory;
      std::error_code ignored;
      for (const auto& entry : fs::directory_iterator{directory, ignored}) {
        if (entry.path().extension() == ".yaml") known.push_back(entry.path().stem().string());
      }
    }
    std::sort(known.begin(), known.end());
    throw ConfigError{cell.file.place, "no cell file '" + name + "'" + suggestion(name, known) +
                                           (searched.empty() ? " (no directory to look in: --cells)" : " in " + searched)};
  }

  /// What the bench file says about the slow processes, beside the cell file.
  static void set_life(CellParameters& parameters, const CellEntry& entry) {
    LifeParameters& life = parameters.life;
    if (entry.has_plates && !(parameters.plates_to_ambient_W_per_K > 0)) {
      throw ConfigError{entry.file.place, "the cell file has no 'plates_to_ambient_W_per_K' for a fixture with plates"};
    }
    if (entry.ages) {
      if (!life.ageing && *entry.ages) throw ConfigError{entry.file.place, "the cell file has no section 'ageing'"};
      if (life.ageing) life.ageing->active = *entry.ages;
    }
    if (entry.is_drawn && !life.spread) throw ConfigError{entry.file.place, "the cell file has no section 'spread'"};
    if (entry.fade_per_cycle_pct > 0) {
      life.ageing = AgeingParameters{.active = true, .calendar = {}, .cycling = {}, .stress = {}};
      life.ageing->cycling.law = CyclingLaw::power_law;
      life.ageing->cycling.loss_per_cycle = entry.fade_per_cycle_pct / 100.0;
    }
    if (entry.short_ohm > 0) life.short_S = 1.0 / entry.short_ohm;
    if (entry.stack) {
      if (!life.stack_pressure) throw ConfigError{entry.stack->place, "the cell file has no section 'stack_pressure'"};
      life.stack_pressure->mode = static_cast<StackMode>(entry.stack->mode);
      life.stack_pressure->pressure_MPa = entry.stack->pressure_MPa;
    }
  }

  void add_channel(const ChannelEntry& entry) {
    require_role(entry.cycler, Role::cycler, "cycler");
    CellParameters parameters = load_cell(entry.cell);
    set_life(parameters, entry.cell);
    const CellDraw draw =
        entry.cell.is_drawn ? draw_cell(parameters.life, seed_for(options_.seed, "cell " + entry.name)) : CellDraw{};
    if (parameters.life.ageing) parameters.life.ageing->lifetime_factor = draw.lifetime;
    std::optional<std::size_t> chamber;
    if (entry.chamber) chamber = bench_->chamber(entry.chamber->text)->index;
    World& world = bench_->world();
    const std::size_t cell = world.add_cell(parameters, chamber, entry.cell.soc, entry.cell.temperature_degC,
                                            entry.cell.has_plates ? Fixture::plates : Fixture::free);
    PowerStage& stage = world.stage(cell);
    stage.cell().set_health(entry.cell.capacity_fraction * draw.capacity, entry.cell.resistance_factor * draw.resistance);
    if (entry.cell.reversed) stage.set_reversed(true);
    const std::size_t index = bench_->add_channel({.name = entry.name,
                                                   .cell = cell,
                                                   .contactor_instrument = {},
                                                   .is_reversed_by_file = entry.cell.reversed,
                                                   .swapped_with = {}});
    if (!channel_of_cycler_.emplace(entry.cycler.text, index).second) {
      throw ConfigError{entry.cycler.place, "cycler '" + entry.cycler.text + "' has a channel already"};
    }
    if (entry.cell_temperature) wire_input(*entry.cell_temperature, index, false);
    if (entry.ambient_temperature) wire_input(*entry.ambient_temperature, index, true);
    if (entry.contactor) wire_contactor(*entry.contactor, index);
  }

  void wire_input(const WireEntry& wire, std::size_t channel, bool is_ambient) {
    require_role(wire.instrument, Role::logger, "logger");
    check_number(wire, model_of(wire.instrument).input_count, "inputs");
    const Thermocouple*& wired = loggers_[wire.instrument.text].sensors[wire.number];
    const Thermocouple* const sensor = &bench_->thermocouple(bench_->channels()[channel], is_ambient);
    if (wired != nullptr && wired != sensor) {
      throw ConfigError{wire.instrument.place,
                        "input " + std::to_string(wire.number) + " of '" + wire.instrument.text + "' is taken by another sensor"};
    }
    wired = sensor;
  }

  void wire_contactor(const WireEntry& wire, std::size_t channel) {
    const int output_count = model_of(wire.instrument).output_count;
    if (output_count == 0)
      throw ConfigError{wire.instrument.place, "instrument '" + wire.instrument.text + "' is no relay module"};
    check_number(wire, output_count, "outputs");
    if (!loggers_[wire.instrument.text].contactors.emplace(wire.number, channel).second) {
      throw ConfigError{wire.instrument.place, "output " + std::to_string(wire.number) + " of '" + wire.instrument.text +
                                                   "' drives another contactor already"};
    }
    bench_->channels()[channel].contactor_instrument = wire.instrument.text;
    bench_->switch_contactor(TimePoint{}, channel, false);  // de-energised until somebody energises it
  }

  static void check_number(const WireEntry& wire, int count, const std::string& what) {
    if (wire.number < count) return;
    throw ConfigError{wire.instrument.place,
                      "'" + wire.instrument.text + "' has " + what + " 0 to " + std::to_string(count - 1) + " only"};
  }

  [[nodiscard]] PowerStage& stage_of(const InstrumentEntry& instrument) const {
    const auto channel = channel_of_cycler_.find(instrument.name);
    if (channel == channel_of_cycler_.end()) {
      throw ConfigError{instrument.model.place, "cycler '" + instrument.name + "' is used by no channel"};
    }
    return bench_->world().stage(bench_->channels()[channel->second].cell);
  }

  void add_instrument(const InstrumentEntry& entry) {
    SimulatedBench::WireLimits limits;
    limits.latency_is_modelled = file_.latency_is_modelled;
    const std::uint64_t seed = seed_for(options_.seed, entry.name);
    const std::string_view model = entry.model.text;
    if (model == "ea-psb-10060-60") {
      add_cycler<EaPsb>(entry, EaPsbConfig(), limits, seed);
    } else if (model == "keysight-n6974a") {
      limits.connection_count_max = n6900_session_count_max;
      add_cycler<KeysightN6900>(entry, KeysightN6900Config(), limits, seed);
    } else if (model == "itech-it-m3432") {
      add_cycler<Itech>(entry, ItechConfig(), limits, seed);
    } else if (model == "itech-it6054c-800-225") {
      add_cycler<Itech>(entry, it6054c_800_225(), limits, seed);
    } else if (model == "watlow-f4t") {
      add_chamber_controller(entry, limits, seed);
    } else if (model == "adam-6018") {
      add_adam(entry, limits, seed);
    } else {
      add_daq(entry, limits, seed);
    }
  }

  template <class Cycler, class Config>
  void add_cycler(const InstrumentEntry& entry, Config config, const SimulatedBench::WireLimits& limits, std::uint64_t seed) {
    config.noise_seed = seed;
    bench_->add_instrument(entry.name, std::make_unique<Cycler>(std::move(config), stage_of(entry), advance_world_), limits);
  }

  void add_chamber_controller(const InstrumentEntry& entry, const SimulatedBench::WireLimits& limits, std::uint64_t seed) {
    const auto chamber = chamber_of_instrument_.find(entry.name);
    if (chamber == chamber_of_instrument_.end()) {
      throw ConfigError{entry.model.place, "chamber controller '" + entry.name + "' belongs to no chamber"};
    }
    WatlowF4tConfig config;
    config.noise_seed = seed;
    ChamberAir& air = bench_->world().chamber(chamber->second);
    bench_->add_instrument(entry.name, std::make_unique<WatlowF4t>(config, air, advance_world_), limits);
  }

  void add_adam(const InstrumentEntry& entry, const SimulatedBench::WireLimits& limits, std::uint64_t seed) {
    Adam6018Config config;
    config.noise_seed = seed;
    const LoggerWiring& wiring = loggers_[entry.name];
    std::vector<Adam6018::Input> inputs{adam_6018_channels};
    for (const auto& [number, sensor] : wiring.sensors) {
      inputs[static_cast<std::size_t>(number)] = [wired = sensor] { return wired->reading_degC(); };
    }
    auto relay = [bench = bench_.get(), contactors = wiring.contactors](TimePoint now, int output, bool closed) {
      const auto channel = contactors.find(output);
      if (channel != contactors.end()) bench->switch_contactor(now, channel->second, closed);
    };
    auto logger = std::make_unique<Adam6018>(config, std::move(inputs), std::move(relay), advance_world_);
    bench_->add_instrument(entry.name, std::move(logger), limits);
  }

  void add_daq(const InstrumentEntry& entry, const SimulatedBench::WireLimits& limits, std::uint64_t seed) {
    KeysightDaqConfig config;
    config.noise_seed = seed;
    std::vector<KeysightDaq::Input> inputs{keysight_daq_channels};
    for (const auto& [number, sensor] : loggers_[entry.name].sensors) {
      inputs[static_cast<std::size_t>(number)].temperature_degC = [wired = sensor] { return wired->reading_degC(); };
    }
    auto logger = std::make_unique<KeysightDaq>(std::move(config), std::move(inputs), advance_world_);
    bench_->add_instrument(entry.name, std::move(logger), limits);
  }

  const BenchFile& file_;
  const BenchOptions& options_;
  std::unique_ptr<SimulatedBench> bench_;
  std::function<void(TimePoint)> advance_world_;
  std::map<std::string, std::size_t> channel_of_cycler_;
  std::map<std::string, std::size_t> chamber_of_instrument_;
  std::map<std::string, LoggerWiring> loggers_;
};

}  // namespace

std::unique_ptr<SimulatedBench> SimulatedBench::load(const std::string& path, const BenchOptions& options) {
  const BenchFile file = load_bench_file(path);
  return Builder{file, options}.build();
}

}  // namespace cellrig::sim
