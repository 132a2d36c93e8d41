#include "drivers/modbus/late_replies.hpp"

#include <algorithm>

namespace cellrig::modbus {
namespace {

constexpr std::size_t address_at = function_at + 1;
constexpr std::size_t count_at = function_at + 3;
constexpr std::size_t echo_end = function_at + 5;
constexpr std::uint8_t function_read_coils = 1, function_read_holding = 3;
/// How many forms beyond the wanted one are tried: a silent unit that is asked twice a second does not use them up within the horizon.
constexpr unsigned more_max = 32;

bool is_of_bits(std::uint8_t function) { return function < function_read_holding; }

std::string form_of_read(std::uint8_t function, unsigned count) {
  const unsigned size = is_of_bits(function) ? (count + 7) / 8 : 2 * count;
  return {static_cast<char>(function), static_cast<char>(static_cast<std::uint8_t>(size))};
}

std::string form_of(const Frame& request) {
  const std::uint8_t function = request.bytes[function_at];
  if (function <= last_read_function) return form_of_read(function, word_at(request, count_at));
  return {request.bytes.begin() + function_at, request.bytes.begin() + echo_end};
}

}  // namespace

void LateReplies::expect(const Frame& request, TimePoint now) {
  std::erase_if(asked_, [&](const auto& entry) { return now - entry.second >= horizon_; });
  asked_[form_of(request)] = now;
}

bool LateReplies::may_pass_for(const Frame& request, TimePoint now) const {
  const auto found = asked_.find(form_of(request));
  return found != asked_.end() && now - found->second < horizon_;
}

bool LateReplies::may_refuse(const Frame& request, TimePoint now) const {
  const auto function = static_cast<char>(request.bytes[function_at]);
  return std::any_of(asked_.begin(), asked_.end(),
                     [&](const auto& entry) { return entry.first.front() == function && now - entry.second < horizon_; });
}

std::optional<Frame> LateReplies::parting_question(const Frame& request, TimePoint now) const {
  const std::uint8_t function = request.bytes[function_at];
  const ModbusAddress from{.unit = request.bytes[header_length - 1], .address = word_at(request, address_at)};
  const auto ask = [&](unsigned count) -> std::optional<Frame> {
    const auto size = static_cast<std::uint16_t>(count);
    const Frame question = is_of_bits(function) ? request_read_coils(from, size) : request_read_holding(from, size);
    return may_pass_for(question, now) ? std::nullopt : std::optional{question};
  };
  if (function != function_read_coils && function != function_read_holding) return std::nullopt;
  const unsigned wanted = word_at(request, count_at);
  const unsigned step = is_of_bits(function) ? 8 : 1;  // fewer of them would not change the form
  for (unsigned count = wanted; count > step; count -= step) {
    if (const std::optional<Frame> question = ask(count - step)) return question;
  }
  const auto count_max = static_cast<unsigned>(is_of_bits(function) ? read_coil_count_max : read_register_count_max);
  for (unsigned more = 1; more <= more_max && wanted + more * step <= count_max; ++more) {
    if (const std::optional<Frame> question = ask(wanted + more * step)) return question;
  }
  return std::nullopt;
}

}  // namespace cellrig::modbus
