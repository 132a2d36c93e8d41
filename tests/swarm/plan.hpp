// What one seed stands for: a bench, a profile of one of the three families, and what goes wrong when. Drawing it runs nothing.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/time.hpp"
#include "sim/random.hpp"

namespace cellrig::swarm {

enum class Family : unsigned char { fast_charge, cold_weather, cycle_life, courses };
/// How long a run is, and how closely its bench is looked at.
enum class Pace : unsigned char {
  promise,  ///< at the period at which reaction times are promised; most are stopped when their faults have been quiet for a while
  usual,    ///< some hours at the period that virtual time has
  long_work,  ///< days at C/3 and in storage, looked at as rarely as such a test allows
};
enum class Make : unsigned char { ea, n6900, itech };

[[nodiscard]] std::string_view to_string(Family family);
[[nodiscard]] std::string_view to_string(Pace pace);
[[nodiscard]] std::string_view to_string(Make make);
inline constexpr double gas_max_ppm = 100;  ///< where somebody smells it, for gas_hold
inline constexpr Duration gas_hold = std::chrono::seconds{2};
/// So many readings of its voltage in a row may be alike by chance, with the noise that plans give it; nothing: too little to rely on.
[[nodiscard]] std::optional<int> alike_by_chance(Make make);
[[nodiscard]] const std::vector<std::string>& family_words();
[[nodiscard]] const std::vector<std::string>& pace_words();
[[nodiscard]] const std::vector<std::string>& make_words();

/// What a fault takes from one channel while it is in force. It decides how long the way to OFF may be, and which truths the rig
/// cannot know.
namespace takes {
inline constexpr unsigned cycler_link = 1;      ///< exchanges with the cycler fail
inline constexpr unsigned cycler_obeys = 2;     ///< it acknowledges OFF and stays on
inline constexpr unsigned watchdog = 4;         ///< its own watchdog never fires
inline constexpr unsigned contactor = 8;        ///< the second path: welded, or its relay cannot be reached
inline constexpr unsigned cycler_truth = 16;    ///< its readings are false
inline constexpr unsigned logger_link = 32;     ///< exchanges with the logger fail
inline constexpr unsigned logger_truth = 64;    ///< temperatures are false
inline constexpr unsigned chamber_link = 128;   ///< exchanges with the chamber fail
inline constexpr unsigned chamber_obeys = 256;  ///< the plant goes where it wants
inline constexpr unsigned cell = 512;           ///< the cell is not the one of its file any more
inline constexpr unsigned self_on = 1024;       ///< its output goes on by itself
inline constexpr unsigned cool_cell = 2048;     ///< it warms for longer than the order takes
}  // namespace takes

/// A fault with its orders in the simulator's words.
struct DrawnFault {
  std::string name;                       ///< as `--fault` takes it: "F02"
  Duration at{};                          ///< since the start
  Duration lasts{};                       ///< then everything it took works again; what it did to a cell stays done
  std::vector<std::string> orders;        ///< carried out at `at`
  std::vector<std::string> ends;          ///< carried out at `at + lasts`
  std::map<std::string, unsigned> takes;  ///< by channel, of what the simulator is told
  bool sits_in_use = true;                ///< where the rig looks all the time: what takes something there is noticed
  Duration gap{};                         ///< so long the controller stands still
  bool ends_by_itself = false;            ///< it counts, or happens once: nothing gives back what it took
};

struct ChannelPlan {
  std::string name;
  Make make = Make::ea;
  std::string cycler;
  bool has_contactor = false;
  std::string profile;  ///< a name of the library, or the text of a profile
  std::map<std::string, std::string> settings;
};

struct Plan {
  std::uint64_t seed = 0;
  Family family = Family::fast_charge;
  Pace pace = Pace::usual;
  std::string bench;            ///< the text of a bench file
  std::string cell = "lg-m50";  ///< the cell's file, of all channels
  std::vector<ChannelPlan> channels;
  std::string logger;  ///< name of the instrument that reads the cells; empty: nobody does
  std::string relays;
  std::string contacts;  ///< of a door, which every channel watches; empty: nobody does
  std::string chamber;   ///< instrument
  std::string press;     ///< a load cell that feels what presses the cells; empty: nothing presses them
  std::string sniffer;   ///< a gas sensor beside the first channel's cell; empty: nobody smells it
  bool latency_is_modelled = true;
  Duration control_period{};  ///< with the output on; 1 s otherwise
  Duration sensor_period{};
  Duration watchdog_delay{};        ///< of the bench
  std::optional<Duration> stop_at;  ///< a person stops what then still runs; nothing: it goes on to its end
  std::vector<DrawnFault> faults;
  std::string network;  ///< the order `random` for all wires; empty: a good network
};

struct PlanOptions {
  std::optional<Family> family;
  std::optional<Make> make;
  std::optional<Pace> pace;
  std::string fault;  ///< this one alone; empty: drawn
  std::optional<Duration> control_period;
};

/// The same seed and options give the same plan, on every machine.
[[nodiscard]] Plan draw_plan(std::uint64_t seed, const PlanOptions& options);

/// Some lines for people: what to read beside a broken invariant.
[[nodiscard]] std::string describe(const Plan& plan);

}  // namespace cellrig::swarm
