// Modbus RTU frames, made from and turned into the frames of adu.hpp. Pure.
//
// A frame is unit, function and data as in Modbus TCP, then a checksum; nothing in it says how long it is. So the length of a reply
// follows from what was asked (instruments' guides and "MODBUS over Serial Line" V1.02, 2.5.1).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "controller/base/result.hpp"
#include "controller/base/time.hpp"
#include "drivers/modbus/adu.hpp"

namespace cellrig::modbus {

inline constexpr std::size_t rtu_length_max = 256;

/// CRC-16 with the reflected polynomial 0xA001 and all ones to begin with; its low byte goes out first.
[[nodiscard]] std::uint16_t rtu_checksum(std::string_view bytes);

/// The request as it goes onto the line.
[[nodiscard]] std::string rtu_request(const Frame& request);

/// How many bytes the reply to this request has, as far as what came of it tells; 0: more is needed to know. malformed when what came
/// cannot be its beginning: another unit, another function, another number of values.
[[nodiscard]] Result<std::size_t> rtu_reply_length(const Frame& request, std::string_view begin);

/// Success: a whole reply with the right checksum that belongs to this request, and nothing after it, in the form of adu.hpp. Otherwise
/// malformed; or, for an exception, as check_reply().
[[nodiscard]] Result<Frame> rtu_reply(const Frame& request, std::string_view bytes);

/// The silence that parts two frames: 3.5 characters, and 1.75 ms at more than 19200 baud.
[[nodiscard]] Duration rtu_frame_gap(int baud, int bits_per_character);

}  // namespace cellrig::modbus
