// Which channels are shown, and in which order. Pure: no Qt.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "controller/api/messages.hpp"

namespace cellrig::ui {

enum class ChannelGroup { all, busy, needs_attention, free };
enum class ChannelOrder { name, attention, time_left, cell };

struct ChannelFilter {
  std::string text;  ///< part of the channel's, cell's, specimen's or profile's name; empty: any
  ChannelGroup group = ChannelGroup::all;
  ChannelOrder order = ChannelOrder::name;
};

[[nodiscard]] bool is_busy(api::Activity state);
/// Somebody should go there: it tripped, failed, is not safe, or asks a person.
[[nodiscard]] bool needs_attention(const api::ChannelView& channel);
/// "ch2" before "ch10".
[[nodiscard]] bool is_name_before(std::string_view a, std::string_view b);
/// Those that pass, as places in `channels`, in the order asked for.
[[nodiscard]] std::vector<std::size_t> filtered(const std::vector<api::ChannelView>& channels, const ChannelFilter& filter);

}  // namespace cellrig::ui
