// A Modbus TCP reply checked against a request, registers turned into values, and the simulator's framing.
#include <bit>
#include <cmath>

#include "drivers/modbus/register_map.hpp"
#include "sim/instruments/modbus_slave.hpp"
#include "sim/net/framing.hpp"
#include "tests/fuzz/modbus_requests.hpp"

namespace cellrig::fuzz {
namespace {

/// With `is_fitted` the header is the one that belongs to the request, so that what follows it is looked at.
modbus::Frame reply_of(std::string_view bytes, const modbus::Frame& request, bool is_fitted) {
  modbus::Frame reply;
  reply.length = std::min(bytes.size(), modbus::frame_length_max);
  std::copy_n(bytes.begin(), reply.length, reply.bytes.begin());
  if (!is_fitted || reply.length < modbus::header_length) return reply;
  std::copy_n(request.bytes.begin(), modbus::header_length, reply.bytes.begin());
  const std::size_t counted = reply.length - (modbus::header_length - 1);
  reply.bytes[4] = static_cast<std::uint8_t>(counted >> 8U);
  reply.bytes[5] = static_cast<std::uint8_t>(counted & 0xFFU);
  return reply;
}

void a_reply(const Request& request, std::string_view bytes, bool is_fitted) {
  const modbus::Frame reply = reply_of(bytes, request.frame, is_fitted);
  const Result<void> checked = modbus::check_reply(request.frame, reply);
  require_documented(checked);
  if (!checked) return;
  const std::string values = decoded(request, reply);
  const bool is_read = request.register_count + request.coil_count > 0;
  if (!is_read) return require(reply.length == modbus::header_length + 5, "a write is echoed, and nothing follows");
  require(reply.length == modbus::header_length + 2 + values.size(), "a read brings its values, and nothing follows");
  const auto carried = reply.view().subspan(modbus::header_length + 2);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const bool is_last_of_coils = request.coil_count % 8 != 0 && i + 1 == values.size();  // whose unused bits may be anything
    const unsigned mask = is_last_of_coils ? (1U << (request.coil_count % 8)) - 1U : 0xFFU;
    require((carried[i] & mask) == static_cast<std::uint8_t>(values[i]), "values are read as they are carried");
  }
}

void the_simulators_answer(const Request& request) {
  Device device;
  sim::ModbusSlave slave{device};
  slave.connected(1);
  std::vector<sim::Reply> replies;
  const std::span<const std::uint8_t> sent = request.frame.view();
  const std::string bytes(sent.begin(), sent.end());
  require(sim::first_message_size(sim::Framing::modbus_tcp, bytes) == bytes.size(), "a request is one message on the wire");
  slave.receive(TimePoint{}, 1, bytes, replies);
  require(replies.size() == 1 && replies[0].answered, "a request gets one answer");
  const modbus::Frame reply = reply_of(replies[0].bytes, request.frame, false);
  const Result<void> checked = modbus::check_reply(request.frame, reply);
  require_answer(request, checked ? Result<modbus::Frame>{reply} : Result<modbus::Frame>{checked.error()});
}

void values_of(std::span<const std::uint16_t> words) {
  using namespace modbus;
  (void)text_one_per_register(words);
  for (const char c : text_two_per_register(words)) require(c >= ' ' && c <= '~', "a text is printable");
  for (const WordOrder order : {WordOrder::abcd, WordOrder::cdab}) {
    for (const RegisterType type :
         {RegisterType::u16, RegisterType::s16, RegisterType::u32, RegisterType::s32, RegisterType::f32}) {
      require(unpack_number(type, words, order).has_value() == (words.size() >= register_count(type)),
              "a number needs its registers");
    }
    if (words.size() < 2) continue;
    const auto pair = words.first<2>();
    const Words same{pair[0], pair[1]};
    require(pack_u32(unpack_u32(pair, order), order) == same, "a u32 that is packed is the one that was unpacked");
    require(pack_s32(unpack_s32(pair, order), order) == same, "an s32 that is packed is the one that was unpacked");
    const float number = unpack_f32(pair, order);
    if (!std::isnan(number)) require(pack_f32(number, order) == same, "a float that is packed is the one that was unpacked");
  }
  const PercentScale scale{.nominal = 60.0};
  for (const std::uint16_t raw : words) {
    for (const Rounding rounding : {Rounding::nearest, Rounding::down, Rounding::up}) {
      require(scale.to_raw(scale.to_value(raw), rounding, 65535) == raw, "a count is its own nearest");
    }
  }
}

void planned_reads(std::span<const std::uint16_t> words) {
  std::vector<modbus::RegisterRange> wanted;
  for (std::size_t i = 0; i + 1 < words.size(); i += 2) {
    const auto room = static_cast<unsigned>(65536 - words[i]);
    wanted.push_back({.address = words[i], .count = static_cast<std::uint16_t>(1 + words[i + 1] % std::min(room, 125U))});
  }
  const std::vector<modbus::RegisterRange> reads = modbus::plan_reads(wanted, 0);
  for (const modbus::RegisterRange read : reads)
    require(read.count >= 1 && read.count <= 125, "a read has a size that is allowed");
  for (const modbus::RegisterRange range : wanted) {
    const bool is_covered = std::any_of(reads.begin(), reads.end(), [range](modbus::RegisterRange read) {
      return read.address <= range.address && read.address + read.count >= range.address + range.count;
    });
    require(is_covered, "everything wanted is read");
  }
}

}  // namespace
}  // namespace cellrig::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cellrig;
  fuzz::Input input{data, size};
  const unsigned choice = input.byte();
  const fuzz::Request request = fuzz::draw_request(input);
  const std::string_view bytes = input.rest();
  fuzz::a_reply(request, bytes, choice % 2 == 1);
  fuzz::the_simulators_answer(request);
  fuzz::Device device;
  sim::ModbusSlave slave{device};
  slave.connected(1);
  fuzz::pound(slave, bytes, 1 + choice / 2);
  sim::MessageCounter counter{sim::Framing::modbus_tcp};
  counter.feed(bytes);
  std::vector<std::uint16_t> words;
  for (fuzz::Input values{data, size}; !values.is_empty() && words.size() < 64;) words.push_back(values.word());
  fuzz::values_of(words);
  fuzz::planned_reads(words);
  return 0;
}
