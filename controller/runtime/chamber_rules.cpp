#include "controller/runtime/chamber_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "profiles/estimate.hpp"

namespace cellrig {
namespace {

constexpr Duration wait_max_least = std::chrono::hours{24 * 7};
constexpr Duration wait_max_most = std::chrono::hours{24 * 365 * 10};
constexpr int wait_max_factor = 2;  ///< the estimates are rough

std::string degC_list(const std::set<double>& temperatures) {
  std::string text;
  for (const double degC : temperatures) text += fmt::format("{}{:g}", text.empty() ? "" : ", ", degC);
  return text + " degC";
}

/// What a program does with its chamber.
struct ChamberUse {
  std::set<double> asked_degC;
  bool begins_without = true;    ///< its first step asks for no temperature: until it asks it holds none
  bool charges_without = false;  ///< it charges before it asks, if ever
  bool charges = false;
};

ChamberUse use_of(const Program& program) {
  ChamberUse use;
  bool is_first = true;
  for (const Instruction& instruction : program.code) {
    const Step* const step = std::get_if<Step>(&instruction);
    if (step == nullptr) continue;
    if (step->chamber_temperature) use.asked_degC.insert(step->chamber_temperature->value());
    if (std::exchange(is_first, false)) use.begins_without = !step->chamber_temperature;
    if (!step->may_charge) continue;
    use.charges = true;
    use.charges_without = use.charges_without || use.asked_degC.empty();
  }
  return use;
}

class ChamberJudge {
 public:
  ChamberJudge(const BenchConfig& bench, std::span<const ChamberGuest> guests, const std::map<std::string, Accuracy>& accuracy)
      : bench_{bench}, guests_{guests}, accuracy_{accuracy} {
    for (const ChamberGuest& guest : guests) uses_.push_back(use_of(*guest.program));
  }

  std::vector<ChamberRuling> judge() {
    for (std::size_t i = 0; i < guests_.size(); ++i) {
      if (uses_[i].asked_degC.empty() || judge_place(i)) judge_neighbours(i);
    }
    return std::move(rulings_);
  }

 private:
  const ChannelConfig& channel(std::size_t i) const { return *guests_[i].channel; }
  const std::string& name(std::size_t i) const { return channel(i).name; }

  void say(std::size_t guest, Ruling::Kind kind, const std::string& text) {
    rulings_.push_back({guest, Ruling{kind, "shared chamber", text}});
  }

  /// False: it cannot be where it is.
  bool judge_place(std::size_t i) {
    const ChamberConfig* const chamber = bench_.chamber(channel(i).chamber);
    if (chamber == nullptr) {
      say(i, Ruling::Kind::refused, name(i) + ": the profile asks for a chamber temperature, and the channel has no chamber");
      return false;
    }
    for (const double degC : uses_[i].asked_degC) {
      if (degC >= chamber->setpoint_min.value() && degC <= chamber->setpoint_max.value()) continue;
      say(i, Ruling::Kind::refused,
          fmt::format("{} asks chamber '{}' for {:g} degC, which the bench file keeps within {:g} to {:g} degC", name(i),
                      chamber->name, degC, chamber->setpoint_min.value(), chamber->setpoint_max.value()));
      return false;
    }
    return true;
  }

  void judge_neighbours(std::size_t i) {
    if (channel(i).chamber.empty()) return;
    std::set<double> others_degC, all_degC = uses_[i].asked_degC;
    std::string others;
    for (std::size_t other = 0; other < guests_.size(); ++other) {
      if (other == i || channel(other).chamber != channel(i).chamber || uses_[other].asked_degC.empty()) continue;
      judge_stay(i, other);
      others += (others.empty() ? "" : ", ") + name(other);
      others_degC.insert(uses_[other].asked_degC.begin(), uses_[other].asked_degC.end());
    }
    if (others_degC.empty()) return;
    if (uses_[i].begins_without) judge_moved(i, others, others_degC);
    if (uses_[i].asked_degC.empty()) return;
    all_degC.insert(others_degC.begin(), others_degC.end());
    if (all_degC.size() < 2) return;
    say(i, Ruling::Kind::warned,
        fmt::format("{} shares chamber '{}' with {}, and they ask for {}: they take turns. A channel waits with its output off "
                    "until no other holds another temperature; how long that takes cannot be estimated",
                    name(i), channel(i).chamber, others, degC_list(all_degC)));
  }

  double accuracy_at(std::size_t i, double degC) const {
    const auto found = accuracy_.find(channel(i).chamber);
    return found == accuracy_.end() ? 0.0 : found->second.bound_at(degC);
  }

  /// May the cell of this guest stand in what the other asks for? Its own wishes are the business of `check`.
  void judge_stay(std::size_t guest, std::size_t other) {
    const SafetyLimits limits = tighter(guests_[guest].program->limits, channel(guest).limits);
    for (const double degC : uses_[other].asked_degC) {
      const double most = degC + accuracy_at(other, degC), least = degC - accuracy_at(other, degC);
      const auto refuse = [&](const std::string& why) {
        say(other, Ruling::Kind::refused,
            fmt::format("{} asks chamber '{}' for {:g} degC, where the cell of {} stands too: {}", name(other),
                        channel(other).chamber, degC, name(guest), why));
      };
      if (!(most < limits.cell_temperature_max.value())) {
        refuse(fmt::format("its upper limit is {:g} degC", limits.cell_temperature_max.value()));
      } else if (!(least > limits.cell_temperature_min.value())) {
        refuse(fmt::format("its lower limit is {:g} degC", limits.cell_temperature_min.value()));
      } else if (!(least >= limits.charge_temperature_min.value())) {
        judge_cold_charge(guest, refuse);
      } else if (const auto& warmest = guests_[guest].program->charge_temperature_max;
                 warmest && uses_[guest].charges_without && !(most <= warmest->value())) {
        refuse(fmt::format("it is charged there without having asked for a temperature, at {:g} degC at most", warmest->value()));
      }
    }
  }

  template <typename Refuse>
  void judge_cold_charge(std::size_t guest, const Refuse& refuse) const {
    const double charge_min = tighter(guests_[guest].program->limits, channel(guest).limits).charge_temperature_min.value();
    if (uses_[guest].charges_without) {
      refuse(fmt::format("it is charged there without having asked for a temperature, and needs {:g} degC for that", charge_min));
    } else if (uses_[guest].charges && !channel(guest).cell_temperature) {
      refuse(fmt::format("it needs {:g} degC to be charged, and nothing measures whether it has them again", charge_min));
    }
  }

  /// It asks for nothing, at least at first. One temperature of its chamber is as good as the room's. Several are another measurement.
  void judge_moved(std::size_t i, const std::string& others, const std::set<double>& others_degC) {
    const std::string when = uses_[i].asked_degC.empty() ? "asks for no temperature" : "begins without asking for a temperature";
    const std::string text = fmt::format("{} {}, and {} will have chamber '{}' at {}: its cell goes along", name(i), when, others,
                                         channel(i).chamber, degC_list(others_degC));
    const std::string& reason = channel(i).accept_any_temperature;
    if (others_degC.size() < 2) return say(i, Ruling::Kind::warned, text);
    if (!reason.empty()) return say(i, Ruling::Kind::accepted, text + "; accepted: " + reason);
    say(i, Ruling::Kind::refused,
        text + ". Give its profile a temperature, or say accept_any_temperature: reason in the bench file");
  }

  const BenchConfig& bench_;
  std::span<const ChamberGuest> guests_;
  const std::map<std::string, Accuracy>& accuracy_;
  std::vector<ChamberUse> uses_;
  std::vector<ChamberRuling> rulings_;
};

}  // namespace

std::vector<ChamberRuling> judge_chambers(const BenchConfig& bench, std::span<const ChamberGuest> guests,
                                          const std::map<std::string, Accuracy>& accuracy) {
  return ChamberJudge{bench, guests, accuracy}.judge();
}

Duration chamber_wait_max(const ChamberConfig& chamber, std::span<const Program* const> programs) {
  if (chamber.wait_max) return *chamber.wait_max;
  Duration expected{};
  for (const Program* const program : programs) expected = std::min(wait_max_most, expected + estimate_duration(*program));
  return std::clamp<Duration>(wait_max_factor * expected, wait_max_least, wait_max_most);
}

}  // namespace cellrig
