// Relays and contacts behind coils. That an opening wins over everything is the contract suite's business.
#include <gtest/gtest.h>

#include <memory>

#include "controller/async/virtual_time.hpp"
#include "drivers/instruments/coil_module.hpp"
#include "drivers/modbus/rtu_line.hpp"
#include "drivers/models/model_file.hpp"
#include "tests/unit/drivers/run_task.hpp"
#include "tests/unit/drivers/scripted_bus.hpp"
#include "tests/unit/drivers/scripted_line.hpp"

namespace cellrig {
namespace {

using namespace std::chrono_literals;
using testing::ScriptedBus;

struct Rig {
  explicit Rig(const std::string& model)
      : Rig(load_coil_module_model(std::string(CELLRIG_SOURCE_DIR) + "/drivers/models/" + model + ".yaml")) {}
  explicit Rig(CoilModuleModel model) {
    auto made = std::make_unique<ScriptedBus>(time);
    bus = made.get();
    module = std::make_unique<CoilModule>(time, std::move(made), std::move(model));
  }
  Result<void> finish(Task<Result<void>> task) {
    std::optional<Result<void>> result;
    const auto keep = [](VirtualTime* clock, Task<Result<void>> inner, std::optional<Result<void>>* into) -> Task<void> {
      into->emplace(co_await std::move(inner));
      clock->stop();
    };
    time.spawn(keep(&time, std::move(task), &result));
    time.run();
    return *result;
  }
  Result<void> set(int channel, bool on) { return finish(module->set(channel, on, Deadline{time.now() + 1s})); }
  Result<void> read(std::span<bool> into) { return finish(module->read(into, Deadline{time.now() + 1s})); }

  VirtualTime time;
  ScriptedBus* bus = nullptr;
  std::unique_ptr<CoilModule> module;
};

TEST(CoilModule, an_adam_6060_has_its_contacts_from_0_and_its_relays_from_16) {
  Rig adam("adam-6060");
  adam.bus->coils = {{0, true}, {1, false}, {2, true}};
  std::array<bool, 3> closed{};
  ASSERT_TRUE(adam.read(closed));
  EXPECT_EQ(closed, (std::array<bool, 3>{true, false, true}));
  ASSERT_TRUE(adam.set(5, true));
  EXPECT_EQ(adam.bus->writes, (std::vector<ScriptedBus::Write>{{.is_coil = true, .address = 21, .value = 1}}));
  EXPECT_EQ(adam.set(6, true).error().fault, Fault::refused);
}

TEST(CoilModule, a_waveshare_board_has_eight_relays_no_contacts_and_no_watchdog) {
  Rig board("waveshare-relay-8");
  ASSERT_TRUE(board.set(7, true));
  EXPECT_EQ(board.bus->writes.front().address, 7);
  EXPECT_EQ(board.set(8, true).error().fault, Fault::refused);
  EXPECT_EQ(board.set(0xFF, true).error().fault, Fault::refused) << "all of them at once";
  std::array<bool, 1> closed{};
  EXPECT_EQ(board.read(closed).error().fault, Fault::refused);
  EXPECT_FALSE(board.module->capabilities().has_watchdog);
}

// Wired the other way round a closed contact reads 0.
TEST(CoilModule, the_model_file_says_which_way_a_contact_reads) {
  CoilModuleModel model;
  model.capabilities = {.model = "other", .relay_channels = 0, .contact_inputs = 2};
  model.closed_contact_reads_one = false;
  Rig other(model);
  other.bus->coils = {{0, false}, {1, true}};
  std::array<bool, 2> closed{};
  ASSERT_TRUE(other.read(closed));
  EXPECT_EQ(closed, (std::array<bool, 2>{true, false}));
}

// "Closed" is what lets current flow: it must never be left over.
TEST(CoilModule, a_failed_read_says_nothing_and_is_not_repeated) {
  for (const Fault fault : {Fault::timeout, Fault::link_lost, Fault::malformed, Fault::refused}) {
    Rig adam("adam-6060");
    adam.bus->coils = {{0, true}};
    adam.bus->fails = [fault](int) { return std::optional{fail(fault, "broken")}; };
    std::array<bool, 1> closed{false};
    const Result<void> done = adam.read(closed);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().fault, fault);
    EXPECT_FALSE(closed[0]);
    EXPECT_EQ(adam.bus->exchange_count, 1);
  }
}

TEST(CoilModule, a_relay_that_does_not_take_its_state_is_a_device_fault) {
  Rig adam("adam-6060");
  adam.bus->after_write = [&adam] { adam.bus->coils[16] = !adam.bus->coils[16]; };
  EXPECT_EQ(adam.set(0, true).error().fault, Fault::device_fault);
  adam.bus->after_write = [&adam] { adam.bus->coils[16] = true; };
  // The last try ends with the deadline, whenever that comes: what was heard before counts.
  for (Duration within = 40ms; within < 70ms; within += 1ms) {
    const Deadline deadline{adam.time.now() + within};
    EXPECT_EQ(adam.finish(adam.module->set(0, false, deadline)).error().fault, Fault::device_fault) << within.count();
  }
}

// After lost answers the line holds the module back for its neighbours' sake. The second path to OFF is not held back.
TEST(CoilModule, a_contactor_on_a_shared_line_opens_although_its_contacts_were_not_read) {
  VirtualTime time;
  bool is_deaf = true;
  std::vector<char> held(256, '\x01');
  auto wire = std::make_unique<testing::ScriptedLine>(time, [&](testing::ScriptedLine& on, const std::string& request) {
    if (is_deaf) return;
    if (request[1] == 1) return on.reply_after(5ms, testing::with_checksum(request.substr(0, 2) + '\x01' + held[1]));
    held[1] = request[4] == 0 ? '\x00' : '\x01';
    on.reply_after(5ms, testing::rtu_reply_to(request));
  });
  const auto line = std::make_shared<RtuLine>(time, std::move(wire), RtuLineOptions{});
  const auto neighbour = RtuLine::make_unit(line, {});
  const CoilModuleModel model = load_coil_module_model(std::string(CELLRIG_SOURCE_DIR) + "/drivers/models/adam-6060.yaml");
  CoilModule module{time, RtuLine::make_unit(line, {}), model};
  Result<void> opened;
  const auto story = [&]() -> Task<void> {
    std::array<bool, 1> closed{};
    while (time.now() < TimePoint{3s}) {  // as the interlock task asks
      const Deadline short_one{time.now() + 100ms};
      (void)co_await module.read(closed, short_one);
      co_await time.sleep_for(50ms);
    }
    is_deaf = false;
    const Deadline second_path{time.now() + 500ms};
    opened = co_await module.set(0, false, second_path);
  };
  testing::run_task(time, story());
  EXPECT_TRUE(opened) << opened.error().what;
}

}  // namespace
}  // namespace cellrig
