#include "controller/engine/chamber_machine.hpp"

#include <algorithm>

#include "controller/base/overloaded.hpp"

namespace cellrig {

std::vector<ChamberOutput> ChamberMachine::on(const ChamberInput& input) {
  std::vector<ChamberOutput> out;
  std::visit(overloaded{
                 [&](const chamber_input::Request& i) { request(i, out); },
                 [&](const chamber_input::RunAcknowledged& i) { acknowledged(i, out); },
                 [&](const chamber_input::Leave& i) { leave(i.channel, out); },
                 [&](const chamber_input::ThermalTrip& i) { thermal_trip(i.channel, out); },
                 [&](const chamber_input::Failed&) {
                   if (tripped_ || (!setpoint_ && !commanded_)) return;
                   for (const std::uint32_t channel : channels_) out.push_back(chamber_output::TripChannel{channel, false});
                 },
                 [&](const chamber_input::RanAway&) { thermal_trip(std::nullopt, out); },
             },
             input);
  return out;
}

void ChamberMachine::request(const chamber_input::Request& wish, std::vector<ChamberOutput>& out) {
  if (tripped_) return;  // never granted: the channel was tripped too
  if (setpoint_ && *setpoint_ == wish.temperature && !commanded_) {
    out.push_back(chamber_output::Grant{wish.channel, wish.request});
    return;
  }
  waiting_.push_back({wish.channel, wish.request, wish.temperature});
  if (commanded_ && *commanded_ == wish.temperature) return;
  commanded_ = wish.temperature;
  setpoint_.reset();
  out.push_back(chamber_output::Run{++command_, wish.temperature});
}

void ChamberMachine::acknowledged(const chamber_input::RunAcknowledged& answer, std::vector<ChamberOutput>& out) {
  if (answer.command != command_ || !commanded_ || tripped_) return;
  const Celsius temperature = *commanded_;
  commanded_.reset();
  if (answer.succeeded) setpoint_ = temperature;
  std::vector<Waiting> rest;
  for (const Waiting& waiting : waiting_) {
    if (waiting.temperature != temperature) {
      rest.push_back(waiting);
    } else if (answer.succeeded) {
      out.push_back(chamber_output::Grant{waiting.channel, waiting.request});
    } else {
      out.push_back(chamber_output::TripChannel{waiting.channel, false});
    }
  }
  waiting_ = std::move(rest);
  // Whatever it does now, nobody asked for that.
  if (!answer.succeeded) out.push_back(chamber_output::Stop{});
}

void ChamberMachine::leave(std::uint32_t channel, std::vector<ChamberOutput>& out) {
  std::erase(channels_, channel);
  std::erase_if(waiting_, [channel](const Waiting& w) { return w.channel == channel; });
  if (!channels_.empty() || (!setpoint_ && !commanded_)) return;
  setpoint_.reset();
  commanded_.reset();
  out.push_back(chamber_output::Stop{});
}

void ChamberMachine::thermal_trip(std::optional<std::uint32_t> by, std::vector<ChamberOutput>& out) {
  if (tripped_) return;
  tripped_ = true;
  waiting_.clear();
  setpoint_.reset();
  commanded_.reset();
  for (const std::uint32_t other : channels_) {
    if (other != by) out.push_back(chamber_output::TripChannel{other, true});
  }
  out.push_back(chamber_output::Stop{});
  out.push_back(chamber_output::Ventilate{});
}

}  // namespace cellrig
