// From a bench file to a bench: cells, chambers, instruments, and the wires between them.
#include <algorithm>
#include <filesystem>
#include <map>
#include <utility>

#include "sim/bench.hpp"
#include "sim/bench_file.hpp"
#include "sim/bench_wiring.hpp"
#include "sim/cell_draw.hpp"
#include "sim/cell_file.hpp"
#include "sim/instruments/adam_6018.hpp"
#include "sim/instruments/binder_mb1.hpp"
#include "sim/instruments/coil_modules.hpp"
#include "sim/instruments/ea_psb.hpp"
#include "sim/instruments/espec.hpp"
#include "sim/instruments/gas_sensor.hpp"
#include "sim/instruments/itech.hpp"
#include "sim/instruments/keysight_daq.hpp"
#include "sim/instruments/keysight_n6900.hpp"
#include "sim/instruments/load_cell.hpp"
#include "sim/instruments/watlow_f4t.hpp"
#include "sim/measurement_draw.hpp"
#include "sim/measurement_keys.hpp"

namespace cellrig::sim {
namespace {

namespace fs = std::filesystem;

constexpr double thermocouple_lag_min_s = 2.0, thermocouple_lag_max_s = 5.0;  // glued to a can
constexpr std::size_t forwarder_client_count_max = 1;                         // an Ethernet forwarder in front of a serial line
constexpr std::size_t n6900_session_count_max = 6;  // N6900 guide: simultaneous data, control and telnet sockets

bool is_espec(std::string_view model) { return model.starts_with("espec-"); }

/// What each make of chamber can do, kelvin per minute. The SH-641's are published; those of the others are assumed.
void set_ramps(std::string_view model, ChamberParameters& into) {
  if (model == "binder-mb1") {
    into.heating_ramp_max_K_per_min = 4.0;
    into.cooling_ramp_max_K_per_min = 3.0;
  } else if (model == "espec-p300") {
    into.heating_ramp_max_K_per_min = 3.5;
    into.cooling_ramp_max_K_per_min = 2.0;
  } else {
    into.heating_ramp_max_K_per_min = 2.9;
    into.cooling_ramp_max_K_per_min = 1.7;
  }
}

/// The numbers of a bench file's entry as errors.
class GivenMeasurement {
 public:
  GivenMeasurement() = default;
  explicit GivenMeasurement(const MeasurementEntry& entry) : entry_{entry} {}

  [[nodiscard]] CyclerMeasurement cycler() const {
    return {.voltage = quantity("voltage", "V"),
            .current = quantity("current", "A"),
            .power = {},
            .lead_resistance_ohm = number("lead_resistance_mOhm") * 1e-3};
  }
  [[nodiscard]] MeasuredQuantity temperature() const { return quantity("temperature", "K"); }
  [[nodiscard]] double thermocouple_lag_s() const { return number("thermocouple_lag_s"); }

 private:
  [[nodiscard]] double number(const std::string& key) const {
    const auto found = entry_.numbers.find(key);
    return found == entry_.numbers.end() ? 0.0 : found->second.value;
  }
  [[nodiscard]] MeasuredQuantity quantity(const std::string& name, const std::string& unit) const {
    return with_errors({.gain_fraction = number(name + "_gain_pct") / 100.0,
                        .offset = number(name + "_offset_" + unit),
                        .noise = number(name + "_noise_" + unit),
                        .step = number(name + "_step_" + unit)});
  }
  MeasurementEntry entry_;
};

class Builder {
 public:
  Builder(const BenchFile& file, const BenchOptions& options)
      : file_{file},
        options_{options},
        bench_{std::make_unique<SimulatedBench>(TimePoint{}, file.room_temperature_degC, options)},
        wiring_{file_, *bench_},
        advance_world_{[bench = bench_.get()](TimePoint to) { bench->world().advance(to); }} {}

  std::unique_ptr<SimulatedBench> build() {
    bench_->set_name(file_.name);
    for (const InstrumentEntry& instrument : file_.instruments) require_known_model(instrument);
    for (const ChamberEntry& chamber : file_.chambers) add_chamber(chamber);
    for (const ChannelEntry& channel : file_.channels) add_channel(channel);
    connect_outputs();
    for (const InstrumentEntry& instrument : file_.instruments) add_instrument(instrument);
    bench_->set_fault_host(options_.fault_host);
    order_faults(*bench_, TimePoint{}, file_.faults);
    if (!options_.fault_file.empty()) order_faults(*bench_, TimePoint{}, load_fault_file(options_.fault_file));
    return std::move(bench_);
  }

 private:
  void add_chamber(const ChamberEntry& entry) {
    wiring_.require_role(entry.instrument, InstrumentRole::chamber, "chamber controller");
    if (!chamber_of_instrument_.emplace(entry.instrument.text, file_chamber_count()).second) {
      throw ConfigError{entry.instrument.place, "instrument '" + entry.instrument.text + "' controls another chamber already"};
    }
    ChamberParameters parameters;
    parameters.start_temperature_degC = file_.room_temperature_degC;
    parameters.room_temperature_degC = file_.room_temperature_degC;
    set_ramps(wiring_.model_of(entry.instrument).name, parameters);
    bench_->add_chamber({.name = entry.name, .index = bench_->world().add_chamber(parameters), .imposed = {}});
  }
  void connect_outputs() {
    for (const ChamberEntry& chamber : file_.chambers) {
      if (chamber.exhaust)
        wiring_.connect_output(*chamber.exhaust, "exhaust " + chamber.name, bench_->chamber(chamber.name)->index);
      if (chamber.fan) wiring_.connect_output(*chamber.fan, "fan " + chamber.name, std::nullopt);
    }
    if (file_.siren) wiring_.connect_output(*file_.siren, "siren", std::nullopt);
  }
  [[nodiscard]] std::size_t file_chamber_count() const { return bench_->world().chamber_count(); }

  [[nodiscard]] CellParameters load_cell(const CellEntry& cell) const {
    const std::string& name = cell.file.text;
    if (options_.cell_instead) return load_cell_file(name);  // the caller's own file, whatever lies beside the bench file
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
    if (entry.runs_away) {
      if (!life.runaway && *entry.runs_away) throw ConfigError{entry.file.place, "the cell file has no section 'runaway'"};
      if (life.runaway) life.runaway->active = *entry.runs_away;
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
    wiring_.require_role(entry.cycler, InstrumentRole::cycler, "cycler");
    CellParameters parameters = load_cell(entry.cell);
    set_life(parameters, entry.cell);
    if (options_.cell_instead && parameters.life.ageing) parameters.life.ageing->active = true;
    const bool has_lot = options_.cell_instead && options_.cell_instead->lot_seed;
    const std::uint64_t lot_seed =
        has_lot ? seed_for(*options_.cell_instead->lot_seed, "cell of a lot") : seed_for(options_.seed, "cell " + entry.name);
    const CellDraw draw = entry.cell.is_drawn ? draw_cell(parameters.life, lot_seed) : CellDraw{};
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
                                                   .cycler_instrument = entry.cycler.text,
                                                   .is_reversed_by_file = entry.cell.reversed,
                                                   .swapped_with = {},
                                                   .declared_health = {}});
    if (!channel_of_cycler_.emplace(entry.cycler.text, index).second) {
      throw ConfigError{entry.cycler.place, "cycler '" + entry.cycler.text + "' has a channel already"};
    }
    wiring_.connect(entry, index);
  }

  [[nodiscard]] PowerStage& stage_of(const InstrumentEntry& instrument) const {
    const auto channel = channel_of_cycler_.find(instrument.name);
    if (channel == channel_of_cycler_.end()) {
      throw ConfigError{instrument.model.place, "cycler '" + instrument.name + "' is used by no channel"};
    }
    return bench_->world().stage(bench_->channels()[channel->second].cell);
  }

  static std::map<std::string, PortForm> forms_of(const InstrumentEntry& entry) {
    std::map<std::string, PortForm> forms;
    for (const AddressEntry& address : entry.addresses) {
      const bool is_serial = !address.serial.text.empty();
      PortForm& form = forms[address.port];
      form.kind = is_serial ? PortForm::Kind::serial : PortForm::Kind::rtu_over_tcp;
      form.line = is_serial ? address.serial.text : address.rtu_over_tcp.text;
      if (entry.unit) form.unit = static_cast<std::uint8_t>(*entry.unit);
    }
    return forms;
  }

  void add_instrument(const InstrumentEntry& entry) {
    SimulatedBench::WireLimits limits;
    limits.latency_is_modelled = file_.latency_is_modelled;
    limits.forms = forms_of(entry);
    const std::uint64_t seed = seed_for(options_.seed, entry.name);
    const std::string_view model = entry.model.text;
    if (model == "ea-psb-10060-60") {
      add_cycler<EaPsb>(entry, EaPsbConfig(), limits, seed);
    } else if (model == "ea-psb-10060-1000") {
      add_cycler<EaPsb>(entry, ea_psb_10060_1000(), limits, seed);
    } else if (model == "keysight-n6974a") {
      limits.connection_count_max = n6900_session_count_max;
      add_cycler<KeysightN6900>(entry, KeysightN6900Config(), limits, seed);
    } else if (model == "itech-it-m3432") {
      add_cycler<Itech>(entry, ItechConfig(), limits, seed);
    } else if (model == "itech-it6054c-800-225") {
      add_cycler<Itech>(entry, it6054c_800_225(), limits, seed);
    } else if (model == "watlow-f4t" || model == "watlow-f4t-rtu") {
      WatlowF4tConfig config;
      config.is_on_serial_line = model == "watlow-f4t-rtu";
      add_chamber_controller<WatlowF4t>(entry, std::move(config), limits, seed);
    } else if (model == "binder-mb1") {
      limits.connection_count_max = forwarder_client_count_max;
      add_chamber_controller<BinderMb1>(entry, BinderMb1Config(), limits, seed);
    } else if (is_espec(model)) {
      limits.connection_count_max = forwarder_client_count_max;
      add_chamber_controller<Espec>(entry, model == "espec-p300" ? espec_scp_220() : EspecConfig(), limits, seed);
    } else if (model == "adam-6018") {
      add_adam(entry, limits, seed);
    } else if (model == "loadcell-aje") {
      add_load_cell(entry, limits, seed);
    } else if (model == "gas-jxbs-3001-co") {
      add_gas_sensor(entry, limits);
    } else if (model == "adam-6060") {
      add_contacts(entry, limits);
    } else if (model == "waveshare-relay-8") {
      bench_->add_instrument(entry.name, std::make_unique<WaveshareRelay>(wiring_.relay_of(entry.name), advance_world_), limits);
    } else {
      add_daq(entry, limits, seed);
    }
  }

  [[nodiscard]] bool is_drawn(const InstrumentEntry& entry) const {
    const auto found = file_.measurements.find(entry.name);
    return found != file_.measurements.end() && found->second.kind == MeasurementEntry::Kind::drawn;
  }

  /// What the file gives for an instrument; the keys must be ones of its role.
  [[nodiscard]] GivenMeasurement given_for(const InstrumentEntry& entry) const {
    const auto found = file_.measurements.find(entry.name);
    if (found == file_.measurements.end()) return {};
    const InstrumentRole role = bench_model(entry.model.text).role;
    std::vector<std::string> known;
    for (const MeasurementKey& key : measurement_keys) {
      if (key.belongs_to(role)) known.emplace_back(key.name);
    }
    for (const auto& [key, number] : found->second.numbers) {
      if (std::find(known.begin(), known.end(), key) != known.end()) continue;
      throw ConfigError{number.place, "'" + entry.model.text + "' has no '" + key + "'" + suggestion(key, known)};
    }
    return GivenMeasurement{found->second};
  }

  [[nodiscard]] CyclerMeasurement measurement_of(const InstrumentEntry& entry, const CyclerAccuracy& accuracy) const {
    if (!is_drawn(entry)) return given_for(entry).cycler();
    Random random{seed_for(options_.seed, "measurement " + entry.name)};
    return draw_cycler(accuracy, random);
  }

  [[nodiscard]] MeasuredQuantity temperature_of(const InstrumentEntry& entry, const QuantityAccuracy& accuracy) const {
    if (!is_drawn(entry)) return given_for(entry).temperature();
    Random random{seed_for(options_.seed, "measurement " + entry.name)};
    return draw_quantity(accuracy, random);
  }

  /// How fast the sensors on a logger follow: one number for all, or each its own.
  void set_lag(const InstrumentEntry& entry) {
    const double given_s = given_for(entry).thermocouple_lag_s();
    for (const auto& [input, sensor] : wiring_.of(entry.name).sensors) {
      if (given_s > 0) sensor->set_time_constant(given_s);
      if (!is_drawn(entry)) continue;
      Random random{seed_for(options_.seed, "thermocouple " + entry.name + " " + std::to_string(input))};
      sensor->set_time_constant(thermocouple_lag_min_s + (thermocouple_lag_max_s - thermocouple_lag_min_s) * random.uniform());
    }
  }

  template <class Cycler, class Config>
  void add_cycler(const InstrumentEntry& entry, Config config, const SimulatedBench::WireLimits& limits, std::uint64_t seed) {
    config.noise_seed = seed;
    config.measurement = measurement_of(entry, accuracy_of(config));
    bench_->add_instrument(entry.name, std::make_unique<Cycler>(std::move(config), stage_of(entry), advance_world_), limits);
  }

  template <class Controller, class Config>
  void add_chamber_controller(const InstrumentEntry& entry, Config config, const SimulatedBench::WireLimits& limits,
                              std::uint64_t seed) {
    const auto chamber = chamber_of_instrument_.find(entry.name);
    if (chamber == chamber_of_instrument_.end()) {
      throw ConfigError{entry.model.place, "chamber controller '" + entry.name + "' belongs to no chamber"};
    }
    config.noise_seed = seed;
    config.temperature = temperature_of(entry, accuracy_of(config));
    ChamberAir& air = bench_->world().chamber(chamber->second);
    bench_->add_instrument(entry.name, std::make_unique<Controller>(std::move(config), air, advance_world_), limits);
  }

  void add_adam(const InstrumentEntry& entry, const SimulatedBench::WireLimits& limits, std::uint64_t seed) {
    Adam6018Config config;
    config.noise_seed = seed;
    config.temperature = temperature_of(entry, accuracy_of(config));
    const LoggerWiring& wiring = wiring_.of(entry.name);
    set_lag(entry);
    std::vector<Adam6018::Input> inputs{adam_6018_channels};
    for (const auto& [number, sensor] : wiring.sensors) {
      inputs[static_cast<std::size_t>(number)] = [wired = sensor] { return wired->reading_degC(); };
    }
    auto logger = std::make_unique<Adam6018>(config, std::move(inputs), wiring_.relay_of(entry.name), advance_world_);
    bench_->add_instrument(entry.name, std::move(logger), limits);
  }

  /// Each of its contacts may be opened by a fault: "door.0".
  void add_contacts(const InstrumentEntry& entry, const SimulatedBench::WireLimits& limits) {
    Instrument& module =
        bench_->add_instrument(entry.name, std::make_unique<Adam6060>(wiring_.relay_of(entry.name), advance_world_), limits);
    for (unsigned input = 0; input < adam_6060_inputs; ++input) {
      const auto set_open = [&module, bit = 1U << input](TimePoint, bool open) {
        std::uint32_t& inputs = module.faults().open_inputs;
        inputs = open ? inputs | bit : inputs & ~bit;
      };
      bench_->add_interlock({.name = entry.name + '.' + std::to_string(input), .set_open = set_open});
    }
  }

  void add_load_cell(const InstrumentEntry& entry, const SimulatedBench::WireLimits& limits, std::uint64_t seed) {
    LoadCellConfig config;
    config.noise_seed = seed;
    LoadCell::Force force;
    if (const std::optional<std::size_t> channel = wiring_.of(entry.name).channel) {
      force = [bench = bench_.get(), cell = bench_->channels()[*channel].cell] {
        const CellLife* const life = bench->world().life(cell);
        return life == nullptr ? 0.0 : life->stack_force_N().value_or(0.0);
      };
    }
    bench_->add_instrument(entry.name, std::make_unique<LoadCell>(config, std::move(force), advance_world_), limits);
  }

  void add_gas_sensor(const InstrumentEntry& entry, const SimulatedBench::WireLimits& limits) {
    GasSensor::Gas gas;
    if (const std::optional<std::size_t> channel = wiring_.of(entry.name).channel) {
      gas = [bench = bench_.get(), cell = bench_->channels()[*channel].cell] {
        return bench->world().truth(cell).gas_ppm.value_or(0.0);
      };
    }
    bench_->add_instrument(entry.name, std::make_unique<GasSensor>(GasSensorConfig{}, std::move(gas), advance_world_), limits);
  }

  void add_daq(const InstrumentEntry& entry, const SimulatedBench::WireLimits& limits, std::uint64_t seed) {
    KeysightDaqConfig config = entry.model.text == "keysight-34970a" ? keysight_34970a() : KeysightDaqConfig();
    config.noise_seed = seed;
    const KeysightDaqAccuracy accuracy = accuracy_of(config);
    config.temperature = temperature_of(entry, accuracy.temperature);
    if (is_drawn(entry)) {
      Random random{seed_for(options_.seed, "measurement of voltage " + entry.name)};
      config.voltage = draw_quantity(accuracy.voltage, random);
    }
    set_lag(entry);
    std::vector<KeysightDaq::Input> inputs{keysight_daq_channels};
    for (const auto& [number, sensor] : wiring_.of(entry.name).sensors) {
      inputs[static_cast<std::size_t>(number)].temperature_degC = [wired = sensor] { return wired->reading_degC(); };
    }
    for (const auto& [number, channel] : wiring_.of(entry.name).voltages) {
      inputs[static_cast<std::size_t>(number)].voltage_V = [bench = bench_.get(), cell = bench_->channels()[channel].cell] {
        const double voltage_V = bench->world().truth(cell).voltage_V;
        return bench->world().stage(cell).reversed() ? -voltage_V : voltage_V;
      };
    }
    auto logger = std::make_unique<KeysightDaq>(std::move(config), std::move(inputs), advance_world_);
    bench_->add_instrument(entry.name, std::move(logger), limits);
  }

  const BenchFile& file_;
  const BenchOptions& options_;
  std::unique_ptr<SimulatedBench> bench_;
  BenchWiring wiring_;
  std::function<void(TimePoint)> advance_world_;
  std::map<std::string, std::size_t> channel_of_cycler_;
  std::map<std::string, std::size_t> chamber_of_instrument_;
};

}  // namespace

std::unique_ptr<SimulatedBench> SimulatedBench::load(const std::string& path, const BenchOptions& options) {
  const BenchFile file = load_bench_file(path, options.cell_instead);
  return Builder{file, options}.build();
}

}  // namespace cellrig::sim
