#include "sim/net/reply_damage.hpp"

#include <algorithm>

#include "sim/instruments/modbus_device.hpp"

namespace cellrig::sim {
namespace {

constexpr std::size_t tcp_unit_at = 6;  // transaction, protocol and length, two bytes each, come before it
constexpr std::size_t crc_size = 2;
constexpr std::size_t endless_size = 10'000;
constexpr unsigned read_coils = 1, read_input_registers = 4;

unsigned byte_at(std::string_view bytes, std::size_t at) { return static_cast<unsigned char>(bytes[at]); }

std::size_t unit_at(ModbusWrap wrap) { return wrap == ModbusWrap::tcp ? tcp_unit_at : 0; }

/// Makes the CRC right again.
void seal(std::string& frame, ModbusWrap wrap) {
  if (wrap != ModbusWrap::rtu) return;
  const std::uint16_t crc = modbus_crc(std::string_view{frame}.substr(0, frame.size() - crc_size));
  frame[frame.size() - 2] = low_byte(crc);
  frame[frame.size() - 1] = low_byte(static_cast<unsigned>(crc) >> 8U);
}

struct Place {
  std::size_t at = 0;
  std::size_t size = 0;
};

/// Size 0: there is none in this kind of frame.
Place place_of(ModbusWrap wrap, ModbusField field) {
  const bool is_tcp = wrap == ModbusWrap::tcp;
  switch (field) {
    case ModbusField::transaction: return is_tcp ? Place{0, 2} : Place{};
    case ModbusField::protocol: return is_tcp ? Place{2, 2} : Place{};
    case ModbusField::length: return is_tcp ? Place{4, 2} : Place{};
    case ModbusField::unit: return {unit_at(wrap), 1};
    case ModbusField::function: return {unit_at(wrap) + 1, 1};
    case ModbusField::byte_count: return {unit_at(wrap) + 2, 1};
    case ModbusField::crc: return {};
  }
  return {};
}

bool is_part_of_number(char c) { return (c >= '0' && c <= '9') || c == '.' || c == '+' || c == '-' || c == 'E' || c == 'e'; }

/// The next run of characters of a number from here on that has a digit, and a point or an exponent; empty: none.
std::string_view next_number(std::string_view line, std::size_t from) {
  while (from < line.size()) {
    if (!is_part_of_number(line[from])) {
      ++from;
      continue;
    }
    std::size_t end = from;
    while (end < line.size() && is_part_of_number(line[end])) ++end;
    const std::string_view run = line.substr(from, end - from);
    const bool is_first = from == 0 || line[from - 1] == ',' || line[from - 1] == ';' || line[from - 1] == ' ';
    const bool has_digit = std::any_of(run.begin(), run.end(), [](char c) { return c >= '0' && c <= '9'; });
    const bool is_decimal = run.find_first_of(".Ee") != std::string_view::npos && run.front() != 'E' && run.front() != 'e';
    if (is_first && has_digit && is_decimal && std::count(run.begin(), run.end(), '.') <= 1) return run;
    from = end;
  }
  return {};
}

std::string in_form(std::string_view number, NumberForm form) {
  switch (form) {
    case NumberForm::comma: {
      std::string text{number};
      if (text.find('.') == std::string::npos) return "4,20";
      std::replace(text.begin(), text.end(), '.', ',');
      return text;
    }
    case NumberForm::nan_number: return "+9.91E37";
    case NumberForm::inf_number: return "+9.9E37";
    case NumberForm::nan_word: return "NAN";
    case NumberForm::overload_word: return "OVLD";
    case NumberForm::empty: return "";
    case NumberForm::endless: return std::string(endless_size, '9');
  }
  return std::string{number};
}

}  // namespace

bool wraps_have_field(ModbusWrap wrap, ModbusField field) {
  return field == ModbusField::crc ? wrap == ModbusWrap::rtu : place_of(wrap, field).size > 0;
}

bool has_field(std::string_view frame, ModbusWrap wrap, ModbusField field) {
  const std::size_t pdu_at = unit_at(wrap) + 1;
  const std::size_t trailer = wrap == ModbusWrap::rtu ? crc_size : 0;
  if (frame.size() < pdu_at + 2 + trailer) return false;
  if (field == ModbusField::crc) return wrap == ModbusWrap::rtu;
  const unsigned function = byte_at(frame, pdu_at);
  if (field == ModbusField::byte_count) return function >= read_coils && function <= read_input_registers;
  return place_of(wrap, field).size > 0;
}

void mutate_modbus(std::string& frame, ModbusWrap wrap, ModbusField field, std::optional<std::uint32_t> value) {
  Place place = place_of(wrap, field);
  if (field == ModbusField::crc) place = {frame.size() - crc_size, crc_size};
  unsigned present = 0;
  for (std::size_t i = 0; i < place.size; ++i) present = present << 8U | byte_at(frame, place.at + i);
  // Another unit, function or count that would be possible; a length that no frame has.
  const unsigned other = field == ModbusField::length ? 0xFFFFU : present ^ 1U;
  const unsigned wanted = value.value_or(other);
  for (std::size_t i = 0; i < place.size; ++i) {
    frame[place.at + i] = low_byte(wanted >> (8U * static_cast<unsigned>(place.size - 1 - i)));
  }
  if (field != ModbusField::crc) seal(frame, wrap);
}

std::uint16_t modbus_crc(std::string_view bytes) {
  unsigned crc = 0xFFFF;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1U) != 0 ? crc >> 1U ^ 0xA001U : crc >> 1U;
  }
  return static_cast<std::uint16_t>(crc);
}

bool carries_registers(std::string_view frame, ModbusWrap wrap, std::size_t count) {
  const std::size_t data_at = unit_at(wrap) + 3;
  const std::size_t trailer = wrap == ModbusWrap::rtu ? crc_size : 0;
  if (frame.size() < data_at + trailer) return false;
  const unsigned function = byte_at(frame, function_at(wrap));
  const std::size_t size = byte_at(frame, data_at - 1);
  return (function == 3 || function == 4) && frame.size() == data_at + size + trailer && size >= 2 * count;
}

void swap_words(std::string& frame, ModbusWrap wrap) {
  const std::size_t end = frame.size() - (wrap == ModbusWrap::rtu ? crc_size : 0);
  for (std::size_t at = unit_at(wrap) + 3; at + 4 <= end; at += 4) {
    std::swap(frame[at], frame[at + 2]);
    std::swap(frame[at + 1], frame[at + 3]);
  }
  seal(frame, wrap);
}

void swap_bytes(std::string& frame, ModbusWrap wrap) {
  const std::size_t end = frame.size() - (wrap == ModbusWrap::rtu ? crc_size : 0);
  for (std::size_t at = unit_at(wrap) + 3; at + 2 <= end; at += 2) std::swap(frame[at], frame[at + 1]);
  seal(frame, wrap);
}

std::string exception_reply(std::string_view request, ModbusWrap wrap, std::uint8_t code) {
  std::string reply{request.substr(0, unit_at(wrap) + 1)};
  if (wrap == ModbusWrap::tcp) {
    reply[4] = 0;
    reply[5] = 3;  // unit, function, code
  }
  reply.push_back(low_byte(byte_at(request, function_at(wrap)) | exception_flag));
  reply.push_back(low_byte(code));
  if (wrap == ModbusWrap::rtu) reply.append(crc_size, '\0');
  seal(reply, wrap);
  return reply;
}

bool carries_number(std::string_view line) { return !next_number(line, 0).empty(); }

std::string with_numbers_as(std::string_view line, NumberForm form) {
  std::string text;
  std::size_t done = 0;
  for (std::string_view number = next_number(line, 0); !number.empty(); number = next_number(line, done)) {
    const auto at = static_cast<std::size_t>(number.data() - line.data());
    text += line.substr(done, at - done);
    text += in_form(number, form);
    done = at + number.size();
    if (form == NumberForm::endless) break;  // one is enough
  }
  return text += line.substr(done);
}

}  // namespace cellrig::sim
