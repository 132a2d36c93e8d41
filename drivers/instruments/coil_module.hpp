// A module of relays, and perhaps contacts, behind Modbus coils. Which coil is what is in the model file.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "controller/async/time_source.hpp"
#include "drivers/instruments/call_scope.hpp"
#include "drivers/instruments/logger.hpp"
#include "drivers/link/modbus_bus.hpp"

namespace cellrig {

struct CoilModuleModel {
  CoilModuleCapabilities capabilities;
  std::uint8_t unit = 1;
  std::uint16_t relay_coil = 0;          ///< of relay 0
  std::uint16_t contact_coil = 0;        ///< of contact 0
  bool closed_contact_reads_one = true;  ///< else a closed contact reads 0
  Duration request_gap{};
  Duration attempt_timeout{};
};

/// Beyond the contracts of Relays and Contacts:
/// * It has no identity to read. A wrong module shows when a relay does not take its state.
/// * set(relay, false) cuts a read of the contacts in flight and tries until its deadline.
class CoilModule final : public Relays, public Contacts {
 public:
  CoilModule(TimeSource& time, std::unique_ptr<ModbusBus> bus, CoilModuleModel model);

  [[nodiscard]] const CoilModuleCapabilities& capabilities() const { return model_.capabilities; }
  [[nodiscard]] int relay_count() const override { return model_.capabilities.relay_channels; }
  [[nodiscard]] Task<Result<bool>> state(int channel, Deadline deadline) override;
  [[nodiscard]] Task<Result<void>> set(int channel, bool energised, Deadline deadline) override;
  [[nodiscard]] int contact_count() const override { return model_.capabilities.contact_inputs; }
  [[nodiscard]] Task<Result<void>> read(std::span<bool> closed, Deadline deadline) override;

 private:
  static constexpr Duration retry_pause = std::chrono::milliseconds{20};

  [[nodiscard]] Error failure(Fault fault, const std::string& what) const;
  [[nodiscard]] Result<std::uint16_t> coil_of(int channel) const;
  [[nodiscard]] Task<Result<void>> set_once(std::uint16_t coil, bool energised, Deadline deadline);

  TimeSource& time_;
  std::unique_ptr<ModbusBus> bus_;
  CoilModuleModel model_;
  std::uint64_t epoch_ = 0;  ///< counts openings of a relay
  int openings_ = 0;         ///< under way: nothing is closed meanwhile
  int calls_ = 0;            ///< calls under way that an opening may cut
};

}  // namespace cellrig
