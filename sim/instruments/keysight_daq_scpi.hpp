// The SCPI socket of the DAQ970A. Private to the instrument.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sim/instruments/keysight_daq.hpp"
#include "sim/instruments/scpi_port.hpp"

namespace cellrig::sim {

class KeysightDaq::ScpiSide final : public ScpiPort {
 public:
  explicit ScpiSide(KeysightDaq& device) : device_{device} {}

 private:
  using Handler = void (ScpiSide::*)(Call&);
  struct Row {
    std::string_view pattern;
    Handler handler;
    std::uint8_t argument = 0;
  };
  static const std::vector<Row>& rows();
  static const ScpiTree& built_tree();

  void traffic(TimePoint now) override { device_.advance(now); }
  [[nodiscard]] const ScpiTree& tree() const override { return built_tree(); }
  [[nodiscard]] Duration message_time() const override {
    return device_.config_.query_latency + from_seconds(device_.faults_.extra_latency_s);
  }
  void run(Call& call) override;

  /// "TC,T,(@101:103)": what stands before the list, and the channels; nothing (and an error) when a channel does not exist.
  struct Arguments {
    std::string_view before;
    std::vector<std::size_t> channels;
  };
  std::optional<Arguments> arguments_with_channels(Call& call);
  std::optional<std::vector<std::size_t>> parse_channels(std::string_view list) const;
  [[nodiscard]] Row row_of(const Call& call) const { return rows()[call.command]; }

  void identify(Call& call);
  void reset(Call& call);
  void clear_status(Call& call);
  void operation_complete(Call& call);
  void next_error(Call& call);
  void version(Call& call);
  void card_type(Call& call);
  void scan_list(Call& call);
  void configure_temperature(Call& call);
  void configure_voltage(Call& call);
  void channel_setting(Call& call);
  void append_channel_setting(std::string& out, std::uint8_t which, const Channel& channel) const;
  [[nodiscard]] static bool change(std::uint8_t which, Channel& channel, std::string_view word);
  void format(Call& call);
  void trigger_source(Call& call);
  void trigger_number(Call& call);
  void abort(Call& call);
  void initiate(Call& call);
  void fetch(Call& call);
  void read(Call& call);
  bool scan(Call& call);

  KeysightDaq& device_;
};

}  // namespace cellrig::sim
