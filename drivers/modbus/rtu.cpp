#include "drivers/modbus/rtu.hpp"

#include <algorithm>

namespace cellrig::modbus {
namespace {

constexpr std::size_t unit_at = header_length - 1;
constexpr std::size_t checksum_length = 2;
constexpr std::size_t exception_length = 3 + checksum_length;
constexpr std::size_t echo_length = 6 + checksum_length;

std::uint8_t byte_at(std::string_view bytes, std::size_t at) { return static_cast<std::uint8_t>(bytes[at]); }

/// Of a read: how many bytes of values were asked for.
std::size_t value_bytes(const Frame& request) {
  const std::size_t count = static_cast<std::size_t>(request.bytes[header_length + 3]) << 8U | request.bytes[header_length + 4];
  const bool is_of_bits = request.bytes[header_length] < 3;
  return is_of_bits ? (count + 7) / 8 : 2 * count;
}

}  // namespace

std::uint16_t rtu_checksum(std::string_view bytes) {
  unsigned checksum = 0xFFFF;
  for (const char c : bytes) {
    checksum ^= static_cast<std::uint8_t>(c);
    for (int bit = 0; bit < 8; ++bit) checksum = (checksum & 1U) != 0 ? (checksum >> 1U) ^ 0xA001U : checksum >> 1U;
  }
  return static_cast<std::uint16_t>(checksum);
}

std::string rtu_request(const Frame& request) {
  std::string bytes;
  for (std::size_t i = unit_at; i < request.length; ++i) bytes.push_back(static_cast<char>(request.bytes[i]));
  const std::uint16_t checksum = rtu_checksum(bytes);
  bytes.push_back(static_cast<char>(checksum & 0xFFU));
  bytes.push_back(static_cast<char>(checksum >> 8U));
  return bytes;
}

Result<std::size_t> rtu_reply_length(const Frame& request, std::string_view begin) {
  const std::uint8_t function = request.bytes[header_length];
  if (!begin.empty() && byte_at(begin, 0) != request.bytes[unit_at]) return malformed("comes from another unit");
  if (begin.size() < 2) return std::size_t{0};
  if (byte_at(begin, 1) == (function | exception_flag)) return exception_length;
  if (byte_at(begin, 1) != function) return malformed("answers another function");
  if (function > last_read_function) return echo_length;
  if (begin.size() < 3) return std::size_t{0};
  if (byte_at(begin, 2) != value_bytes(request)) return malformed("carries another number of values");
  return 3 + value_bytes(request) + checksum_length;
}

Result<Frame> rtu_reply(const Frame& request, std::string_view bytes) {
  const Result<std::size_t> length = rtu_reply_length(request, bytes);
  if (!length) return length.error();
  if (*length == 0 || bytes.size() < *length) return malformed("is too short");
  if (bytes.size() > *length) return malformed("is followed by bytes that nobody asked for");
  const std::string_view body = bytes.substr(0, *length - checksum_length);
  const std::uint16_t checksum = rtu_checksum(body);
  const bool is_intact = byte_at(bytes, body.size()) == (checksum & 0xFFU) && byte_at(bytes, body.size() + 1) == checksum >> 8U;
  if (!is_intact) return malformed("has a wrong checksum");
  Frame reply;
  std::copy_n(request.bytes.begin(), 4, reply.bytes.begin());  // transaction and protocol: an RTU line has none
  reply.bytes[4] = static_cast<std::uint8_t>(body.size() >> 8U);
  reply.bytes[5] = static_cast<std::uint8_t>(body.size() & 0xFFU);
  for (std::size_t i = 0; i < body.size(); ++i) reply.bytes[unit_at + i] = byte_at(body, i);
  reply.length = unit_at + body.size();
  if (const Result<void> checked = check_reply(request, reply); !checked) return checked.error();
  return reply;
}

Duration rtu_frame_gap(int baud, int bits_per_character) {
  constexpr int fixed_above_baud = 19200;
  if (baud > fixed_above_baud) return std::chrono::microseconds{1750};
  return std::chrono::nanoseconds{std::int64_t{3'500'000'000} * bits_per_character / baud};
}

}  // namespace cellrig::modbus
