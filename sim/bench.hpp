// A whole simulated bench: the physical world, the instruments on it, and the wires to them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/result.hpp"
#include "sim/cell_instead.hpp"
#include "sim/faults/fault_host.hpp"
#include "sim/faults/fault_log.hpp"
#include "sim/instruments/responder.hpp"
#include "sim/net/wire.hpp"
#include "sim/world.hpp"

namespace cellrig::sim {

struct BenchOptions {
  std::vector<std::string> cell_directories;  ///< where `file: lg-m50` is looked for as lg-m50.yaml, in this order
  std::uint64_t seed = 1;
  std::string fault_file;                   ///< orders, besides those of the bench file; empty: none
  FaultHost* fault_host = nullptr;          ///< as set_fault_host()
  std::optional<CellInstead> cell_instead;  ///< in every channel, and no faults: a rehearsal
};

/// A channel of the bench: a cell on a power stage, and what is fixed to it.
struct SimulatedChannel {
  std::string name;  ///< "ch1"
  std::size_t cell = 0;
  std::optional<std::string> contactor_instrument;  ///< empty: no contactor, always closed
  std::optional<std::string> cycler_instrument;     ///< "psb1"; empty on benches built by hand
  bool is_reversed_by_file = false;
  bool is_contactor_closed = true;  ///< what the relay asks for; a welded contactor stays closed
  bool is_contactor_welded = false;
  std::optional<std::size_t> swapped_with;  ///< the channel whose cell sits here
  struct Health {
    double capacity_fraction = 1.0;
    double resistance_factor = 1.0;
  };
  std::optional<Health> declared_health;  ///< while a fault makes the cell another one
};

/// A chamber of the world under its name in the bench file.
struct SimulatedChamber {
  struct Command {
    bool running = false;
    double setpoint_degC = 0.0;
    bool operator==(const Command&) const = default;
  };
  std::string name;  ///< "oven"
  std::size_t index = 0;
  std::optional<Command> imposed;  ///< F31, F32: the plant does this, whatever its controller says
  Command wanted{};                ///< what the controller said last, while something is imposed
};

/// What a relay drives besides contactors: an exhaust, a fan, a siren.
struct SimulatedOutput {
  std::string name;  ///< "exhaust oven", "siren"
  std::string instrument;
  int output = 0;
  std::optional<std::size_t> clears;  ///< the chamber whose gas an exhaust takes away
  bool is_on = false;
  std::optional<TimePoint> switched_on_at{};  ///< the last time
  unsigned times_on = 0, times_off = 0;
};

/// A door switch or another input that must be closed: what opens it, seen from the world's side (F34).
struct Interlock {
  std::string name;  ///< "door"
  std::function<void(TimePoint, bool open)> set_open;
};

struct BenchPort {
  std::string instrument;
  std::string name;
  Port* port = nullptr;
  Wire* wire = nullptr;
};

/// Single-threaded. Time never runs backwards; whatever has an instant of its own (a watchdog, a scheduled fault) happens in
/// the order of time. The physical world is moved only as far as somebody looks at it, which changes no result but its speed.
class SimulatedBench {
 public:
  /// An empty bench, to be filled by hand.
  explicit SimulatedBench(TimePoint start = TimePoint{}, double room_temperature_degC = World::default_room_degC,
                          BenchOptions options = {});
  /// @throws ConfigError with file, line and column.
  [[nodiscard]] static std::unique_ptr<SimulatedBench> load(const std::string& path, const BenchOptions& options);
  ~SimulatedBench();
  SimulatedBench(const SimulatedBench&) = delete;
  SimulatedBench& operator=(const SimulatedBench&) = delete;

  struct WireLimits {
    std::size_t connection_count_max = std::numeric_limits<std::size_t>::max();
    bool latency_is_modelled = true;
    std::map<std::string, PortForm> forms;  ///< by port; what is not in it has a TCP port of its own
  };
  /// Takes an instrument over and lays a wire to each of its ports. For benches built by hand, too.
  Instrument& add_instrument(std::string name, std::unique_ptr<Instrument> instrument, WireLimits limits);
  Instrument& add_instrument(std::string name, std::unique_ptr<Instrument> instrument) {
    return add_instrument(std::move(name), std::move(instrument), WireLimits());
  }
  std::size_t add_channel(SimulatedChannel channel);
  void add_chamber(SimulatedChamber chamber) { chambers_.push_back(std::move(chamber)); }

  [[nodiscard]] const std::string& name() const { return name_; }
  void set_name(std::string name) { name_ = std::move(name); }
  [[nodiscard]] World& world() { return world_; }
  [[nodiscard]] TimePoint now() const { return now_; }

  [[nodiscard]] std::vector<BenchPort> ports();
  [[nodiscard]] Wire* wire(std::string_view instrument, std::string_view port);
  /// All that hear what is said to this one: itself, and who is on the same line.
  [[nodiscard]] std::vector<Wire*> wires_with(const Wire& wire);
  [[nodiscard]] Instrument* instrument(std::string_view name);
  [[nodiscard]] std::vector<std::string> instrument_names() const;
  [[nodiscard]] SimulatedChannel* channel(std::string_view name);
  [[nodiscard]] std::vector<SimulatedChannel>& channels() { return channels_; }
  [[nodiscard]] SimulatedChamber* chamber(std::string_view name);
  [[nodiscard]] std::vector<SimulatedChamber>& chambers() { return chambers_; }

  /// Lets the instruments' own events and scheduled faults up to `to` happen. The world follows when it is looked at.
  void let_events_happen(TimePoint to);
  /// The same, and moves the world to `to`.
  void advance(TimePoint to);
  /// The next instant at which something happens by itself.
  [[nodiscard]] std::optional<TimePoint> next_event() const;
  /// After a change behind the bench's back (a fault, a reboot) the instruments are asked again for their next event.
  void refresh_events();
  /// Bytes from a client; appends what will come back.
  void receive(Wire& wire, TimePoint now, ConnectionId connection, std::string_view bytes, std::vector<Delivery>& deliveries);

  void add_output(SimulatedOutput output) { outputs_.push_back(std::move(output)); }
  [[nodiscard]] const std::vector<SimulatedOutput>& outputs() const { return outputs_; }
  [[nodiscard]] const SimulatedOutput* output(std::string_view name) const;
  void switch_output(TimePoint now, std::size_t output, bool on);

  /// What a relay asks of the contactor of a channel.
  void switch_contactor(TimePoint now, std::size_t channel, bool closed);
  /// Of the cell, or of the air beside it: the chamber's, or the room's (one for all cells in the room).
  [[nodiscard]] Thermocouple& thermocouple(const SimulatedChannel& channel, bool is_ambient);
  /// Lets a plant do this instead of what its controller says; nothing: it obeys again.
  void impose(TimePoint now, SimulatedChamber& chamber, std::optional<SimulatedChamber::Command> command);
  /// Runs `action` when the time has come.
  void schedule(TimePoint at, std::function<void(TimePoint)> action);
  void clear_schedule() { schedule_.clear(); }

  void add_interlock(Interlock interlock) { interlocks_.push_back(std::move(interlock)); }
  [[nodiscard]] const std::vector<Interlock>& interlocks() const { return interlocks_; }
  /// What is in force or waits for its instant, by order.
  [[nodiscard]] FaultLog& fault_log() { return fault_log_; }
  /// Who can carry out faults of the controller's host; nullptr: nobody here. It must outlive its use.
  void set_fault_host(FaultHost* host) { fault_host_ = host; }
  [[nodiscard]] FaultHost* fault_host() const { return fault_host_; }

  /// One line of JSON: the truth of every channel, chamber and output at now().
  [[nodiscard]] std::string truth_json();
  [[nodiscard]] std::uint64_t seed() const { return options_.seed; }

 private:
  struct Entry {
    std::string name;
    std::unique_ptr<Instrument> instrument;
    TimePoint next_event = TimePoint::max();
  };
  void refresh(Entry& entry);
  void impose_again(TimePoint now);
  void find_earliest();
  void run_earliest(TimePoint at);

  BenchOptions options_;
  std::string name_;
  World world_;
  TimePoint now_;
  std::vector<Entry> instruments_;
  struct Line {
    std::unique_ptr<Port> on_line;  ///< in place of the instrument's own port: its unit on an RTU line
    std::unique_ptr<Wire> wire;
    std::size_t instrument = 0;
  };
  std::vector<Line> wires_;
  Thermocouple room_thermocouple_;
  std::vector<SimulatedChannel> channels_;
  std::vector<SimulatedChamber> chambers_;
  std::multimap<TimePoint, std::function<void(TimePoint)>> schedule_;
  std::vector<SimulatedOutput> outputs_;
  std::vector<Interlock> interlocks_;
  FaultLog fault_log_;
  FaultHost* fault_host_ = nullptr;
  TimePoint earliest_ = TimePoint::max();  ///< of the instruments' events
};

}  // namespace cellrig::sim
