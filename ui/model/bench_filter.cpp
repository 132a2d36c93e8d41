#include "ui/model/bench_filter.hpp"

#include <algorithm>
#include <cctype>
#include <limits>

namespace cellrig::ui {

namespace {

std::string lowered(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

bool mentions(const api::ChannelView& channel, const std::string& text) {
  const std::string part = lowered(text);
  for (const std::string* field : {&channel.channel, &channel.cell, &channel.cell_id, &channel.profile}) {
    if (lowered(*field).find(part) != std::string::npos) return true;
  }
  return false;
}

bool is_in(const api::ChannelView& channel, ChannelGroup group) {
  switch (group) {
    case ChannelGroup::all: return true;
    case ChannelGroup::busy: return is_busy(channel.state);
    case ChannelGroup::needs_attention: return needs_attention(channel);
    case ChannelGroup::free: return !is_busy(channel.state) && !needs_attention(channel);
  }
  return true;
}

// The graver, the smaller.
int urgency(const api::ChannelView& channel) {
  if (channel.state == api::Activity::not_safe) return 0;
  if (channel.state == api::Activity::tripped) return 1;
  if (needs_attention(channel)) return 2;
  return is_busy(channel.state) ? 3 : 4;
}

bool is_digit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }

}  // namespace

bool is_busy(api::Activity state) {
  switch (state) {
    case api::Activity::starting:
    case api::Activity::running:
    case api::Activity::resting:
    case api::Activity::waiting:
    case api::Activity::paused:
    case api::Activity::stopping: return true;
    case api::Activity::idle:
    case api::Activity::finished:
    case api::Activity::stopped:
    case api::Activity::tripped:
    case api::Activity::failed:
    case api::Activity::not_safe: return false;
  }
  return false;
}

bool needs_attention(const api::ChannelView& channel) {
  return channel.state == api::Activity::tripped || channel.state == api::Activity::failed ||
         channel.state == api::Activity::not_safe || !channel.asks_person.empty();
}

bool is_name_before(std::string_view a, std::string_view b) {
  std::size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    if (is_digit(a[i]) && is_digit(b[j])) {
      const auto number = [](std::string_view text, std::size_t& at) {
        while (at + 1 < text.size() && text[at] == '0' && is_digit(text[at + 1])) ++at;
        const std::size_t begin = at;
        while (at < text.size() && is_digit(text[at])) ++at;
        return text.substr(begin, at - begin);
      };
      const std::string_view m = number(a, i), n = number(b, j);
      if (m.size() != n.size()) return m.size() < n.size();
      if (m != n) return m < n;
      continue;
    }
    if (a[i] != b[j]) return a[i] < b[j];
    ++i;
    ++j;
  }
  return a.size() - i < b.size() - j;
}

std::vector<std::size_t> filtered(const std::vector<api::ChannelView>& channels, const ChannelFilter& filter) {
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < channels.size(); ++i) {
    if (is_in(channels[i], filter.group) && (filter.text.empty() || mentions(channels[i], filter.text))) places.push_back(i);
  }
  const auto by_name = [&](std::size_t a, std::size_t b) { return is_name_before(channels[a].channel, channels[b].channel); };
  std::sort(places.begin(), places.end(), by_name);
  const auto left = [&](std::size_t i) { return channels[i].time_left_s.value_or(std::numeric_limits<double>::infinity()); };
  switch (filter.order) {
    case ChannelOrder::name: break;
    case ChannelOrder::attention:
      std::stable_sort(places.begin(), places.end(),
                       [&](std::size_t a, std::size_t b) { return urgency(channels[a]) < urgency(channels[b]); });
      break;
    case ChannelOrder::time_left:
      std::stable_sort(places.begin(), places.end(), [&](std::size_t a, std::size_t b) { return left(a) < left(b); });
      break;
    case ChannelOrder::cell:
      std::stable_sort(places.begin(), places.end(), [&](std::size_t a, std::size_t b) {
        return std::pair(channels[a].cell, channels[a].cell_id) < std::pair(channels[b].cell, channels[b].cell_id);
      });
      break;
  }
  return places;
}

}  // namespace cellrig::ui
