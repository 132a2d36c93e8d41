#include "controller/engine/chamber_machine.hpp"

#include <algorithm>

#include "controller/base/overloaded.hpp"

namespace cellrig {
namespace {

bool lists(const std::vector<std::uint32_t>& channels, std::uint32_t channel) {
  return std::find(channels.begin(), channels.end(), channel) != channels.end();
}

}  // namespace

std::vector<ChamberOutput> ChamberMachine::on(const ChamberInput& input) {
  std::vector<ChamberOutput> out;
  std::visit(overloaded{
                 [&](const chamber_input::Request& i) { request(i, out); },
                 [&](const chamber_input::RunAcknowledged& i) { acknowledged(i, out); },
                 [&](const chamber_input::Withdraw& i) {
                   std::erase_if(waiting_, [&i](const Waiting& w) { return w.channel == i.channel; });
                   settle(out);
                 },
                 [&](const chamber_input::Leave& i) { leave(i, out); },
                 [&](const chamber_input::ThermalTrip& i) { thermal_trip(i.channel, out); },
                 [&](const chamber_input::Failed&) { fail(out); },
                 [&](const chamber_input::RanAway&) { thermal_trip(std::nullopt, out); },
                 [&](const chamber_input::Join& i) { join(i, out); },
                 [&](const chamber_input::Output& i) { output(i, out); },
                 [&](const chamber_input::Halt&) { halt(out); },
             },
             input);
  return out;
}

void ChamberMachine::request(const chamber_input::Request& wish, std::vector<ChamberOutput>& out) {
  if (!lists(channels_, wish.channel)) return;
  if (tripped_ || failed_) {
    out.push_back(chamber_output::TripChannel{wish.channel, tripped_});  // it may have come after the others were tripped
    return;
  }
  std::erase(holders_, wish.channel);
  const auto is_own = [&wish](const auto& entry) { return entry.channel == wish.channel; };
  const auto before = std::find_if(restored_.begin(), restored_.end(), is_own);
  const bool goes_on = before != restored_.end() && before->held == wish.temperature;
  std::erase_if(restored_, is_own);
  const auto waiting = std::find_if(waiting_.begin(), waiting_.end(), is_own);
  if (waiting != waiting_.end() && waiting->temperature == wish.temperature) {
    waiting->request = wish.request;  // the same wish keeps its place
  } else {
    std::erase_if(waiting_, is_own);
    queue({wish.channel, wish.request, wish.temperature, goes_on, wish.since});
  }
  settle(out);
}

void ChamberMachine::queue(const Waiting& wish) {
  const auto place = std::find_if(waiting_.begin(), waiting_.end(), [&wish](const Waiting& w) {
    return w.goes_on == wish.goes_on ? w.since > wish.since : wish.goes_on;
  });
  waiting_.insert(place, wish);
}

void ChamberMachine::acknowledged(const chamber_input::RunAcknowledged& answer, std::vector<ChamberOutput>& out) {
  if (answer.command != command_ || !commanded_ || tripped_ || failed_) return;
  const Celsius temperature = *commanded_;
  commanded_.reset();
  if (answer.succeeded) {
    setpoint_ = temperature;
    grant_waiting(out);  // before the next turn: somebody who waits longer may have come meanwhile
    return settle(out);
  }
  // A chamber that does not take a temperature takes no other either. Whatever it does now, nobody asked for that.
  for (const Waiting& waiting : waiting_) out.push_back(chamber_output::TripChannel{waiting.channel, false});
  waiting_.clear();
  out.push_back(chamber_output::Stop{});
}

void ChamberMachine::leave(const chamber_input::Leave& leave, std::vector<ChamberOutput>& out) {
  const std::uint32_t channel = leave.channel;
  if (!lists(channels_, channel)) return;
  std::erase(channels_, channel);
  std::erase_if(waiting_, [channel](const Waiting& w) { return w.channel == channel; });
  std::erase_if(restored_, [channel](const Restored& r) { return r.channel == channel; });
  std::erase(holders_, channel);
  // A cell that may still carry current, where nobody looks any more, is not taken to another temperature.
  std::erase(may_be_on_, channel);
  if (!leave.is_off) may_be_on_.push_back(channel);
  if (!channels_.empty()) return settle(out);
  failed_ = false;
  holders_.clear();
  if (!setpoint_ && !commanded_) return;
  setpoint_.reset();
  commanded_.reset();
  out.push_back(chamber_output::Stop{});
}

void ChamberMachine::fail(std::vector<ChamberOutput>& out) {
  if (tripped_ || (!setpoint_ && !commanded_)) return;
  failed_ = true;  // each of them leaves in its own time, and none of the others is served meanwhile
  waiting_.clear();
  for (const std::uint32_t channel : channels_) out.push_back(chamber_output::TripChannel{channel, false});
}

/// Its OFF may not be confirmed yet: what it left behind when it was here last is over when that is.
void ChamberMachine::join(const chamber_input::Join& join, std::vector<ChamberOutput>& out) {
  if (!lists(channels_, join.channel)) channels_.push_back(join.channel);
  if (join.held) restored_.push_back({join.channel, *join.held});
  settle(out);
}

void ChamberMachine::output(const chamber_input::Output& known, std::vector<ChamberOutput>& out) {
  const bool was_known_off = std::erase(may_be_on_, known.channel) == 0;
  if (!known.is_off) may_be_on_.push_back(known.channel);
  if (known.is_off && !was_known_off) settle(out);
}

bool ChamberMachine::is_in(std::uint32_t channel) const { return lists(channels_, channel); }

void ChamberMachine::halt(std::vector<ChamberOutput>& out) {
  if (tripped_) return;
  failed_ = !channels_.empty();
  waiting_.clear();
  holders_.clear();
  restored_.clear();
  setpoint_.reset();
  commanded_.reset();
  out.push_back(chamber_output::Stop{});
}

bool ChamberMachine::clear_trip() {
  if (!channels_.empty()) return false;
  tripped_ = false;
  return true;
}

void ChamberMachine::thermal_trip(std::optional<std::uint32_t> by, std::vector<ChamberOutput>& out) {
  if (tripped_) return;
  tripped_ = true;
  waiting_.clear();
  holders_.clear();
  restored_.clear();
  setpoint_.reset();
  commanded_.reset();
  for (const std::uint32_t other : channels_) {
    if (other != by) out.push_back(chamber_output::TripChannel{other, true});
  }
  out.push_back(chamber_output::Stop{});
  out.push_back(chamber_output::Ventilate{});
}

// ---- whose turn it is -----------------------------------------------------------------------------------------------

void ChamberMachine::settle(std::vector<ChamberOutput>& out) {
  if (tripped_ || failed_) return;
  if (holders_.empty()) begin_turn(out);
  grant_waiting(out);
  tell_waiting(out);
}

bool ChamberMachine::somebody_wants(Celsius temperature) const {
  return std::any_of(waiting_.begin(), waiting_.end(), [&](const Waiting& w) { return w.temperature == temperature; });
}

/// Everybody who has asked has come to where another temperature is needed: the barrier.
void ChamberMachine::begin_turn(std::vector<ChamberOutput>& out) {
  if (waiting_.empty() || (commanded_ && somebody_wants(*commanded_))) return;
  const Celsius wish = waiting_.front().temperature;
  if (std::any_of(restored_.begin(), restored_.end(), [wish](const Restored& r) { return r.held != wish; })) return;
  granted_.clear();
  if (setpoint_ == wish) return;  // it is there
  if (!may_be_on_.empty()) return;
  commanded_ = wish;
  setpoint_.reset();
  out.push_back(chamber_output::Run{++command_, wish});
}

void ChamberMachine::grant_waiting(std::vector<ChamberOutput>& out) {
  if (!setpoint_) return;
  bool others_wait_longer = false;
  std::vector<Waiting> rest;
  for (const Waiting& waiting : waiting_) {
    const bool fits = waiting.temperature == *setpoint_;
    if (!fits || (others_wait_longer && lists(granted_, waiting.channel))) {
      others_wait_longer = others_wait_longer || !fits;
      rest.push_back(waiting);
      continue;
    }
    holders_.push_back(waiting.channel);
    granted_.push_back(waiting.channel);
    out.push_back(chamber_output::Grant{waiting.channel, waiting.request});
  }
  waiting_ = std::move(rest);
}

void ChamberMachine::tell_waiting(std::vector<ChamberOutput>& out) {
  std::vector<chamber_output::Waits> now;
  for (const Waiting& waiting : waiting_) {
    const std::optional<chamber_output::Waits> found = obstacle(waiting);
    if (!found) continue;
    now.push_back(*found);
    if (std::find(told_.begin(), told_.end(), *found) == told_.end()) out.push_back(*found);
  }
  told_ = std::move(now);
}

/// Nothing: its own temperature is on its way.
std::optional<chamber_output::Waits> ChamberMachine::obstacle(const Waiting& waiting) const {
  if (commanded_ == waiting.temperature) return std::nullopt;
  const bool is_going = commanded_ && somebody_wants(*commanded_);
  chamber_output::Waits waits{waiting.channel, waiting.request, waiting.temperature, waiting.temperature, {}, false};
  if (!may_be_on_.empty() && holders_.empty() && setpoint_ != waiting.temperature) {
    waits.in_the_way = setpoint_.value_or(waiting.temperature);
    waits.by = may_be_on_;
  } else if (setpoint_ && *setpoint_ != waiting.temperature && !holders_.empty()) {
    waits.in_the_way = *setpoint_;
    waits.by = holders_;
  } else if (!is_going && holders_.empty() && !restored_.empty()) {
    waits.in_the_way = restored_.front().held;
    waits.is_their_turn = true;
    for (const Restored& r : restored_) {
      if (r.held == waits.in_the_way) waits.by.push_back(r.channel);
    }
  } else {
    // What is on its way; or, for one who has had this temperature already, the longest wait for another one.
    const auto first = std::find_if(waiting_.begin(), waiting_.end(), [&](const Waiting& w) {
      return is_going ? w.temperature == *commanded_ : w.temperature != waiting.temperature;
    });
    if (first == waiting_.end()) return std::nullopt;
    waits.in_the_way = first->temperature;
    waits.is_their_turn = true;
    for (const Waiting& w : waiting_) {
      if (w.temperature == first->temperature) waits.by.push_back(w.channel);
    }
  }
  std::sort(waits.by.begin(), waits.by.end());
  return waits;
}

}  // namespace cellrig
