// What must hold however channels ask, leave and fail, against a model that knows nothing of queues. A failure prints its seed.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "controller/base/overloaded.hpp"
#include "controller/engine/chamber_machine.hpp"
#include "tests/unit/engine/dice.hpp"

namespace cellrig {
namespace {

using test::Dice;

constexpr int seeds = 3000;
constexpr int inputs_per_seed = 120;

/// Channels and a chamber as they see each other: what was granted, what was asked, what was commanded.
class ChamberModel {
 public:
  explicit ChamberModel(std::uint64_t seed) : dice_{seed}, machine_{numbers(dice_.integer(2, 5), channels_)} {
    if (dice_.chance(0.3)) restore_some();
  }

  void run() {
    for (int i = 0; i < inputs_per_seed && !testing::Test::HasFailure(); ++i) one_input();
    drain();
  }
  int moves() const { return moves_; }
  int waits_told() const { return waits_told_; }

 private:
  struct Channel {
    bool is_in = true, holds = false, waits = false, is_restored = false;
    double degC = 0;  ///< held or asked for
    std::uint32_t request = 0;
    std::size_t overtaken = 0;  ///< grants to others since it began to wait
    int asked_at = 0;           ///< by the count of requests
    int granted_in = -1;        ///< the last turn it had
    std::optional<chamber_output::Waits> told;
  };

  static std::vector<std::uint32_t> numbers(int count, std::map<std::uint32_t, Channel>& channels) {
    std::vector<std::uint32_t> list;
    for (int i = 0; i < count; ++i) {
      list.push_back(static_cast<std::uint32_t>(i));
      channels[list.back()] = Channel{};
    }
    return list;
  }

  void restore_some() {
    for (auto& [number, channel] : channels_) {
      if (!dice_.chance(0.5)) continue;
      channel.is_restored = true;
      channel.degC = dice_.chance(0.8) ? 25 : 45;  // two benches may have been interrupted at different times
      machine_.restore(number, Celsius{channel.degC});
    }
  }

  void one_input() {
    const auto number = static_cast<std::uint32_t>(dice_.integer(0, static_cast<int>(channels_.size()) - 1));
    Channel& channel = channels_[number];
    const double die = dice_.real(0, 1);
    if (die < 0.4) {
      acknowledge(dice_.chance(0.97));
    } else if (die < 0.95) {
      if (channel.is_in && (!channel.waits || dice_.chance(0.1))) ask(number);  // again while it waits: its step was skipped
    } else if (die < 0.97) {
      if (channel.waits) stop_waiting(channel);
      send(chamber_input::Withdraw{number});
    } else {
      leave(number);
    }
    check();
  }

  void ask(std::uint32_t number) {
    Channel& channel = channels_[number];
    const double degC = channel.is_restored && dice_.chance(0.8) ? channel.degC : 20.0 * dice_.integer(0, 3) + 5;
    const bool keeps_place = channel.waits && channel.degC == degC;
    channel.holds = channel.is_restored = false;
    channel.waits = true;
    channel.degC = degC;
    ++requests_;
    if (!keeps_place) {
      channel.overtaken = 0;
      channel.asked_at = requests_;
    }
    send(chamber_input::Request{number, ++channel.request, Celsius{degC}});
  }

  void acknowledge(bool succeeded) {
    if (!in_flight_) return;
    const double degC = *in_flight_;
    in_flight_.reset();
    if (succeeded) setpoint_ = degC;
    send(chamber_input::RunAcknowledged{command_, succeeded});
  }

  void leave(std::uint32_t number) {
    Channel& channel = channels_[number];
    stop_waiting(channel);
    channel.is_in = channel.holds = channel.is_restored = false;
    send(chamber_input::Leave{number, true});
  }

  static void stop_waiting(Channel& channel) {
    channel.waits = false;
    channel.told.reset();
  }

  /// Everybody comes to an end: whoever waits must be served.
  void drain() {
    for (auto& [number, channel] : channels_) {
      if (channel.is_restored) ask(number);
    }
    for (std::size_t i = 0; i < 4 * channels_.size() && !testing::Test::HasFailure(); ++i) {
      acknowledge(true);
      check();
      for (auto& [number, channel] : channels_) {
        if (channel.holds) leave(number);
      }
      check();
    }
    for (const auto& [number, channel] : channels_) EXPECT_FALSE(channel.waits) << number << " was never served";
  }

  void send(const ChamberInput& input) {
    for (const ChamberOutput& o : machine_.on(input)) {
      std::visit(overloaded{
                     [&](const chamber_output::Run& run) {
                       EXPECT_FALSE(somebody_holds()) << "it moves under somebody's cell";
                       in_flight_ = run.temperature.value();
                       command_ = run.command;
                       setpoint_.reset();
                       ++moves_;
                     },
                     [&](const chamber_output::Stop&) {
                       in_flight_.reset();
                       setpoint_.reset();
                     },
                     [&](const chamber_output::Grant& grant) { granted(grant); },
                     [&](const chamber_output::Waits& waits) {
                       ++waits_told_;
                       channels_[waits.channel].told = waits;
                     },
                     [&](const chamber_output::TripChannel& trip) {
                       EXPECT_FALSE(trip.thermal);
                       stop_waiting(channels_[trip.channel]);
                     },
                     [](const chamber_output::Ventilate&) { ADD_FAILURE() << "nothing was too hot"; },
                 },
                 o);
    }
  }

  void granted(const chamber_output::Grant& grant) {
    Channel& channel = channels_[grant.channel];
    EXPECT_TRUE(channel.waits && channel.is_in) << grant.channel;
    EXPECT_EQ(grant.request, channel.request);
    EXPECT_EQ(setpoint_, std::optional{channel.degC}) << "granted what the chamber has not confirmed";
    EXPECT_FALSE(in_flight_.has_value());
    if (!somebody_holds()) ++turn_;
    stop_waiting(channel);
    channel.holds = true;
    const bool is_again = std::exchange(channel.granted_in, turn_) == turn_;
    for (auto& [number, other] : channels_) {
      if (!other.waits) continue;
      EXPECT_FALSE(is_again && other.degC != channel.degC && other.asked_at < channel.asked_at)
          << "handed round, while " << number << " waits";
      ++other.overtaken;
      // Of the others each has at most one grant in each turn, and at most as many turns come first as there are others, the present one
      // included.
      EXPECT_LE(other.overtaken, (channels_.size() - 1) * channels_.size()) << number << " starves";
    }
  }

  bool somebody_holds() const {
    return std::any_of(channels_.begin(), channels_.end(), [](const auto& c) { return c.second.holds; });
  }

  void check() {
    std::set<double> held;
    std::vector<std::uint32_t> holders, machine_holders = machine_.holders();
    bool somebody_waits = false, is_awaited = false;
    for (const auto& [number, channel] : channels_) {
      if (channel.holds) {
        held.insert(channel.degC);
        holders.push_back(number);
      }
      somebody_waits = somebody_waits || channel.waits;
      is_awaited = is_awaited || channel.is_restored;
    }
    std::sort(machine_holders.begin(), machine_holders.end());
    EXPECT_EQ(machine_holders, holders);
    EXPECT_LE(held.size(), 1u) << "two temperatures are held";
    if (!held.empty()) {
      EXPECT_EQ(machine_.setpoint(), std::optional{Celsius{*held.begin()}});
    }
    if (held.empty() && somebody_waits && !is_awaited) {
      EXPECT_TRUE(in_flight_.has_value()) << "they wait for nobody";
    }
    for (const auto& [number, channel] : channels_) {
      if (!channel.waits || in_flight_ == channel.degC) continue;
      ASSERT_TRUE(channel.told.has_value()) << number << " waits for " << channel.degC << " and does not know why; at "
                                            << setpoint_.value_or(-99) << ", on its way to " << in_flight_.value_or(-99);
      EXPECT_EQ(channel.told->request, channel.request);
      EXPECT_FALSE(channel.told->by.empty());
      if (held.empty() || *held.begin() == channel.degC) continue;
      EXPECT_EQ(channel.told->in_the_way, Celsius{*held.begin()});
      EXPECT_EQ(channel.told->by, holders);
    }
  }

  Dice dice_;
  std::map<std::uint32_t, Channel> channels_;
  ChamberMachine machine_;
  std::optional<double> setpoint_, in_flight_;
  std::uint32_t command_ = 0;
  int moves_ = 0, turn_ = 0, waits_told_ = 0, requests_ = 0;
};

TEST(ChamberProperty, two_temperatures_are_never_held_nobody_starves_and_a_grant_is_what_the_chamber_confirmed) {
  int moves = 0, waits = 0;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    ChamberModel model{seed};
    model.run();
    moves += model.moves();
    waits += model.waits_told();
    ASSERT_FALSE(HasFailure()) << "seed " << seed;
  }
  EXPECT_GT(moves, 5 * seeds) << "this test needs chambers that move";
  EXPECT_GT(waits, 10 * seeds) << "and channels that wait";
}

}  // namespace
}  // namespace cellrig
