// The SCPI socket of the ITECH supplies. Private to the instrument.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sim/instruments/itech.hpp"
#include "sim/instruments/scpi_port.hpp"

namespace cellrig::sim {

class Itech::ScpiSide final : public ScpiPort {
 public:
  ScpiSide(Itech& device, const ItechRatings& ratings) : device_{device}, traits_{traits_for(ratings)} {}

 private:
  using Handler = void (ScpiSide::*)(Call&);
  struct Row {
    std::string_view pattern;
    Handler handler;
    enum class Form : std::uint8_t { query, set, both } form;
    bool in_local = false;  ///< taken without SYST:REM
  };
  static const std::vector<Row>& rows();
  static const ScpiTree& built_tree();

  void traffic(TimePoint now) override { device_.traffic(now); }
  [[nodiscard]] const ScpiTree& tree() const override { return built_tree(); }
  [[nodiscard]] Duration message_time() const override {
    return device_.config_.query_latency + from_seconds(device_.faults_.extra_latency_s);
  }
  [[nodiscard]] std::string_view line_end() const override { return device_.config_.ends_with_crlf ? "\r\n" : "\n"; }
  void run(Call& call) override;

  void parameter(Call& call, ItechParameter parameter);
  [[nodiscard]] double shown_value(ItechParameter parameter) const;
  void append(std::string& out, const ItechParameterTraits& traits, double value) const;
  void append_reading(std::string& out, double value, int decimals) const;

  void identify(Call& call);
  void reset(Call& call);
  void clear_status(Call& call);
  void operation_complete(Call& call);
  void next_error(Call& call);
  void version(Call& call);
  void remote(Call& call);
  void local(Call& call);
  void priority(Call& call);
  void output(Call& call);
  void clear_protection(Call& call);
  void measure_voltage(Call& call);
  void measure_current(Call& call);
  void measure_power(Call& call);
  void measure_charge(Call& call);
  void measure_energy(Call& call);
  void measure_all(Call& call);
  void operation_condition(Call& call);
  void questionable_condition(Call& call);

  Itech& device_;
  ItechTraits traits_;
};

}  // namespace cellrig::sim
