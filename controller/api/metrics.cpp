// The bench and its server in the text form that Prometheus reads.
#include <fmt/format.h>

#include "controller/api/messages_words.hpp"
#include "controller/api/service.hpp"
#include "controller/api/views.hpp"

namespace cellrig::api {
namespace {

/// As a label's value.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out;
}

void head(std::string& out, std::string_view name, std::string_view type, std::string_view help) {
  out += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
}

void channel_gauge(std::string& out, const std::vector<ChannelView>& channels, std::string_view name, std::string_view help,
                   std::optional<double> ChannelView::*member) {
  head(out, name, "gauge", help);
  for (const ChannelView& channel : channels) {
    if (channel.*member) out += fmt::format("{}{{channel=\"{}\"}} {}\n", name, escaped(channel.channel), *(channel.*member));
  }
}

void write_channels(std::string& out, const Gathered& gathered) {
  std::vector<ChannelView> channels;
  for (const ChannelStatus& status : gathered.channels) channels.push_back(view_of(status));
  head(out, "cellrig_channel_state", "gauge", "1 for the state that a channel is in");
  for (const ChannelView& channel : channels) {
    for (const std::string_view state : Words<Activity>::list) {
      out += fmt::format("cellrig_channel_state{{channel=\"{}\",state=\"{}\"}} {}\n", escaped(channel.channel), state,
                         state == word(channel.state) ? 1 : 0);
    }
  }
  channel_gauge(out, channels, "cellrig_channel_voltage_volts", "Voltage of the cell", &ChannelView::voltage_V);
  channel_gauge(out, channels, "cellrig_channel_current_amperes", "Current, positive charges", &ChannelView::current_A);
  channel_gauge(out, channels, "cellrig_channel_cell_temperature_celsius", "Temperature of the cell",
                &ChannelView::cell_temperature_degC);
  channel_gauge(out, channels, "cellrig_channel_reading_age_seconds", "Age of voltage and current", &ChannelView::age_s);
  head(out, "cellrig_chamber_temperature_celsius", "gauge", "Air temperature of a chamber");
  for (const ChamberStatus& chamber : gathered.chambers) {
    if (chamber.actual_degC)
      out += fmt::format("cellrig_chamber_temperature_celsius{{chamber=\"{}\"}} {}\n", escaped(chamber.chamber),
                         *chamber.actual_degC);
  }
  head(out, "cellrig_alarms", "gauge", "Alarms that nobody has acknowledged");
  out += fmt::format("cellrig_alarms {}\n", gathered.bench.alarm_count);
  head(out, "cellrig_control_late_seconds", "histogram", "How late control cycles begin");
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < LatenessCounts::bounds_s.size(); ++i) {
    total += gathered.lateness.counts[i];
    out += fmt::format("cellrig_control_late_seconds_bucket{{le=\"{}\"}} {}\n", LatenessCounts::bounds_s[i], total);
  }
  total += gathered.lateness.counts.back();
  out += fmt::format("cellrig_control_late_seconds_bucket{{le=\"+Inf\"}} {}\n", total);
  out +=
      fmt::format("cellrig_control_late_seconds_sum {}\ncellrig_control_late_seconds_count {}\n", gathered.lateness.sum_s, total);
}

}  // namespace

std::string metrics_text(const Gathered* gathered, const Traffic& traffic, const LiveHub& hub, std::size_t remembered) {
  std::string out;
  head(out, "cellrig_control_answers", "gauge", "1 when the control thread answered this request");
  out += fmt::format("cellrig_control_answers {}\n", gathered != nullptr ? 1 : 0);
  if (gathered != nullptr) write_channels(out, *gathered);
  head(out, "cellrig_api_answers_total", "counter", "Answers by operation and HTTP status");
  for (const auto& [key, count] : traffic.answers)
    out += fmt::format("cellrig_api_answers_total{{operation=\"{}\",status=\"{}\"}} {}\n", key.first, key.second, count);
  const auto number = [&out](std::string_view name, std::string_view type, std::string_view help, auto value) {
    head(out, name, type, help);
    out += fmt::format("{} {}\n", name, value);
  };
  number("cellrig_api_unsigned_total", "counter", "Requests without a valid token or password", traffic.unsigned_requests);
  number("cellrig_api_accounts_refused", "gauge", "1 while the accounts file cannot be followed and the accounts before it hold",
         traffic.accounts_refused ? 1 : 0);
  number("cellrig_api_connections_total", "counter", "Connections accepted", traffic.connections);
  number("cellrig_api_connections_refused_total", "counter", "Connections closed because there were too many",
         traffic.connections_refused);
  number("cellrig_api_connections", "gauge", "Connections open", traffic.connections_open);
  number("cellrig_api_subscribers", "gauge", "Subscribers of the live stream", hub.subscriber_count());
  number("cellrig_api_stream_waiting_bytes", "gauge", "Bytes that wait for subscribers", hub.waiting_bytes());
  number("cellrig_api_stream_lost_total", "counter", "Samples lost before any subscriber", hub.samples_lost());
  number("cellrig_api_remembered_writes", "gauge", "Answers kept for repeated writes", remembered);
  return out;
}

}  // namespace cellrig::api
