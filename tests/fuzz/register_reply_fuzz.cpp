// Whole drivers on a Modbus bus whose registers hold anything: first byte: which instrument; then a byte for each call, and for each
// exchange a byte that says whether it fails. What was written is held, what was not is drawn from the input once.
#include <array>
#include <chrono>
#include <cmath>
#include <map>
#include <memory>

#include "controller/async/virtual_time.hpp"
#include "drivers/instruments/adam_6018.hpp"
#include "drivers/instruments/coil_module.hpp"
#include "drivers/instruments/ea_psb.hpp"
#include "drivers/instruments/register_chamber.hpp"
#include "drivers/instruments/register_sensor.hpp"
#include "drivers/models/model_file.hpp"
#include "tests/fuzz/fuzz_input.hpp"
#include "tests/unit/drivers/cycler_calls.hpp"
#include "tests/unit/drivers/scripted_stream.hpp"

namespace cellrig::fuzz {
namespace {

using namespace std::chrono_literals;

constexpr int call_count_max = 16;

std::string model_path(const std::string& name) { return std::string(CELLRIG_SOURCE_DIR) + "/drivers/models/" + name + ".yaml"; }

class DrawnBus final : public ModbusBus {
 public:
  DrawnBus(VirtualTime& time, Input& input) : time_{time}, input_{input} {}

  [[nodiscard]] Task<Result<void>> read_holding(ModbusAddress from, std::span<std::uint16_t> into, Deadline deadline) override {
    const Result<void> done = co_await exchange(deadline);
    if (!done) co_return done;
    for (std::size_t i = 0; i < into.size(); ++i) into[i] = held(registers_, static_cast<std::uint16_t>(from.address + i));
    co_return done;
  }
  [[nodiscard]] Task<Result<void>> read_coils(ModbusAddress from, std::span<bool> into, Deadline deadline) override {
    const Result<void> done = co_await exchange(deadline);
    if (!done) co_return done;
    for (std::size_t i = 0; i < into.size(); ++i) into[i] = held(coils_, static_cast<std::uint16_t>(from.address + i)) % 2 == 1;
    co_return done;
  }
  [[nodiscard]] Task<Result<void>> write_register(ModbusAddress to, std::uint16_t value, Deadline deadline) override {
    const Result<void> done = co_await exchange(deadline);
    if (done) registers_[to.address] = value;
    co_return done;
  }
  [[nodiscard]] Task<Result<void>> write_registers(ModbusAddress to, std::span<const std::uint16_t> values,
                                                   Deadline deadline) override {
    const Result<void> done = co_await exchange(deadline);
    if (!done) co_return done;
    for (std::size_t i = 0; i < values.size(); ++i) registers_[static_cast<std::uint16_t>(to.address + i)] = values[i];
    co_return done;
  }
  [[nodiscard]] Task<Result<void>> write_coil(ModbusAddress to, bool value, Deadline deadline) override {
    const Result<void> done = co_await exchange(deadline);
    if (done) coils_[to.address] = value ? 1 : 0;
    co_return done;
  }
  void cut() noexcept override {}
  [[nodiscard]] std::string address() const override { return "drawn"; }

 private:
  using Held = std::map<std::uint16_t, std::uint16_t>;
  std::uint16_t held(Held& all, std::uint16_t address) {
    const auto [entry, is_new] = all.emplace(address, std::uint16_t{0});
    if (is_new) entry->second = input_.word();
    return entry->second;
  }
  Task<Result<void>> exchange(Deadline deadline) {
    const unsigned what = input_.byte();
    const TimePoint due = std::min(deadline.at, time_.now() + (what == 7 ? 1s : 2ms));
    co_await time_.sleep_until(due);
    if (time_.now() >= deadline.at) co_return fail(Fault::timeout, "no answer in time");
    if (what == 1) co_return fail(Fault::refused, "Modbus exception 2");
    if (what == 2) co_return fail(Fault::link_lost, "closed by the peer");
    if (what == 3) co_return fail(Fault::malformed, "Modbus reply is too short");
    if (what == 4) registers_.clear();  // restarted: what it was told is gone
    if (what == 5) coils_.clear();
    co_return Result<void>{};
  }

  VirtualTime& time_;
  Input& input_;
  Held registers_, coils_;
};

struct Rig {
  VirtualTime time;
  Input input;

  explicit Rig(Input from) : input{from} {}
  std::unique_ptr<ModbusBus> bus() { return std::make_unique<DrawnBus>(time, input); }
  [[nodiscard]] Deadline soon() const { return Deadline{time.now() + 3s}; }
};

template <class T>
Result<T> finish(Rig& rig, Task<Result<T>> call) {
  Result<T> result = testing::finish(rig, std::move(call));
  if (!result) require(!result.error().what.empty(), "an error says why");
  return result;
}

void require_sound(const Reading& reading) {
  if (reading.quality == Quality::good) require(std::isfinite(reading.value), "a good reading is finite");
}

void use_cycler(Rig& rig) {
  static const EaPsbModel model = load_ea_psb_model(model_path("ea-psb-10060-60"));
  auto scpi =
      std::make_unique<testing::ScriptedStream>(rig.time, [&rig](testing::ScriptedStream& stream, const std::string& line) {
        if (line.find('?') != std::string::npos) stream.push(std::string(rig.input.line()) + "\n");
      });
  EaPsbCycler cycler{rig.time, rig.bus(), std::move(scpi), model};
  for (int i = 0; i < call_count_max && !rig.input.is_empty(); ++i) {
    const Deadline deadline = rig.soon();
    switch (rig.input.byte() % 7) {
      case 0:
        (void)finish(rig, cycler.output_off(deadline));
        require(rig.time.now() <= deadline.at, "output_off() returns by its deadline");
        break;
      case 1: (void)finish(rig, cycler.identify(deadline)); break;
      case 2: (void)finish(rig, cycler.arm(testing::protections, deadline)); break;
      case 3:
        if (const auto readings = finish(rig, cycler.measure(deadline))) {
          require_sound(readings->voltage);
          require_sound(readings->current);
        }
        break;
      case 4: (void)finish(rig, cycler.apply(testing::charge_5A, deadline)); break;
      case 5: (void)finish(rig, cycler.acknowledge_trip(deadline)); break;
      default: (void)finish(rig, cycler.release(deadline)); break;
    }
  }
}

void use_chamber(Rig& rig, const RegisterChamberModel& model) {
  RegisterChamber chamber{rig.time, rig.bus(), model};
  constexpr ChamberLimits limits{.setpoint_min = Celsius{-10.0}, .setpoint_max = Celsius{60.0}};
  for (int i = 0; i < call_count_max && !rig.input.is_empty(); ++i) {
    switch (rig.input.byte() % 5) {
      case 0: (void)finish(rig, chamber.stop(rig.soon())); break;
      case 1: (void)finish(rig, chamber.identify(rig.soon())); break;
      case 2: (void)finish(rig, chamber.arm(limits, rig.soon())); break;
      case 3: (void)finish(rig, chamber.run(Celsius{25.0}, rig.soon())); break;
      default:
        if (const auto readings = finish(rig, chamber.measure(rig.soon()))) require_sound(readings->temperature);
    }
  }
}

void use_logger(Rig& rig, Logger& logger) {
  std::vector<Reading> readings(logger.capabilities().inputs.size());
  for (int i = 0; i < call_count_max && !rig.input.is_empty(); ++i) {
    if (rig.input.byte() % 3 == 0) {
      (void)finish(rig, logger.identify(rig.soon()));
      continue;
    }
    if (!finish(rig, logger.measure(readings, rig.soon()))) continue;
    for (std::size_t k = 0; k < readings.size(); ++k) {
      const LoggerInput& input = logger.capabilities().inputs[k];
      require_sound(readings[k]);
      if (readings[k].quality != Quality::good) continue;
      require(readings[k].value >= input.min && readings[k].value <= input.max,
              "a good reading lies within the range of its input");
    }
  }
}

void use_contacts(Rig& rig) {
  static const CoilModuleModel model = load_coil_module_model(model_path("adam-6060"));
  CoilModule module{rig.time, rig.bus(), model};
  for (int i = 0; i < call_count_max && !rig.input.is_empty(); ++i) {
    const unsigned call = rig.input.byte();
    std::array<bool, 2> closed{};
    if (call % 2 == 0) {
      (void)finish(rig, module.set(static_cast<int>(call / 2 % 8), call > 127, rig.soon()));
    } else {
      (void)finish(rig, module.read(closed, rig.soon()));
    }
  }
}

}  // namespace
}  // namespace cellrig::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cellrig;
  fuzz::Input input{data, size};
  const unsigned which = input.byte() % 7U;
  fuzz::Rig rig{input};
  static const RegisterChamberModel watlow = load_register_chamber_model(fuzz::model_path("watlow-f4t"));
  static const RegisterChamberModel binder = load_register_chamber_model(fuzz::model_path("binder-mb1"));
  static const RegisterSensorModel load_cell = load_register_sensor_model(fuzz::model_path("loadcell-aje"));
  static const RegisterSensorModel gas = load_register_sensor_model(fuzz::model_path("gas-jxbs-3001-co"));
  static const Adam6018Model thermocouples = load_adam_6018_model(fuzz::model_path("adam-6018"));
  switch (which) {
    case 0: fuzz::use_cycler(rig); break;
    case 1: fuzz::use_chamber(rig, watlow); break;
    case 2: fuzz::use_chamber(rig, binder); break;
    case 3:
    case 4: {
      RegisterSensor sensor{rig.time, rig.bus(), which == 3 ? load_cell : gas};
      fuzz::use_logger(rig, sensor);
      break;
    }
    case 5: {
      Adam6018 adam{rig.time, rig.bus(), thermocouples};
      fuzz::use_logger(rig, adam);
      break;
    }
    default: fuzz::use_contacts(rig); break;
  }
  return 0;
}
