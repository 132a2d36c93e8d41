// What a panel and a cable can change about an ESPEC: the older protocol, an address on RS-485, how deaf it is. The driver against the
// simulated controller, neither of which knows the other's words.
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <utility>

#include "controller/async/virtual_time.hpp"
#include "drivers/instruments/espec.hpp"
#include "drivers/models/model_file.hpp"
#include "sim/bench.hpp"
#include "sim/instruments/espec.hpp"
#include "sim/net/in_process.hpp"

namespace cellrig::test {
namespace {

using namespace std::chrono_literals;

constexpr ChamberLimits limits{.setpoint_min = Celsius{-20.0}, .setpoint_max = Celsius{60.0}};

struct Variant {
  std::string name;
  int address = 0;
  bool is_old = false;
  Duration deaf_after_question = 300ms, deaf_after_setting = 500ms;
  Duration stopped_within = 1500ms;
};
void PrintTo(const Variant& variant, std::ostream* out) { *out << variant.name; }

class EspecVariant : public ::testing::TestWithParam<Variant> {
 protected:
  void SetUp() override {
    sim::ChamberAir& air = bench_.world().chamber(bench_.world().add_chamber({}));
    sim::EspecConfig config;
    config.address = GetParam().address;
    config.acknowledges_questions = GetParam().is_old;
    config.deaf_after_question = GetParam().deaf_after_question;
    config.deaf_after_setting = GetParam().deaf_after_setting;
    auto controller = std::make_unique<sim::Espec>(config, air, [this](TimePoint to) { bench_.world().advance(to); });
    controller_ = controller.get();
    bench_.add_instrument("espec", std::move(controller));
    EspecModel model = load_espec_model(std::string(CELLRIG_SOURCE_DIR) + "/drivers/models/espec-sh-641.yaml");
    model.unit = GetParam().address;
    model.session.acknowledges_questions = GetParam().is_old;
    chamber_ = std::make_unique<EspecChamber>(time_, sim::make_stream_link(time_, bench_, "espec", "ascii"), std::move(model));
  }
  template <class T>
  T call(Task<T> task) {
    std::optional<T> result;
    time_.spawn(keep(&time_, std::move(task), &result));
    time_.run();
    return *result;
  }
  [[nodiscard]] Deadline in(Duration duration) { return Deadline{time_.now() + duration}; }
  [[nodiscard]] bool runs() {
    bench_.advance(time_.now());
    return bench_.world().chamber(0).is_running();
  }

  VirtualTime time_;
  sim::SimulatedBench bench_;
  sim::Espec* controller_ = nullptr;
  std::unique_ptr<EspecChamber> chamber_;

 private:
  template <class T>
  static Task<void> keep(TimeSource* time, Task<T> task, std::optional<T>* into) {
    T result = co_await std::move(task);
    into->emplace(std::move(result));
    time->stop();
  }
};

TEST_P(EspecVariant, is_identified_armed_run_measured_and_stopped_at_its_pace) {
  const Result<InstrumentIdentity> identity = call(chamber_->identify(in(5s)));
  ASSERT_TRUE(identity) << identity.error().what;
  EXPECT_EQ(identity->model, "S2");
  const Result<void> armed = call(chamber_->arm(limits, in(5s)));
  ASSERT_TRUE(armed) << armed.error().what;
  const Result<void> ran = call(chamber_->run(Celsius{40.0}, in(5s)));
  ASSERT_TRUE(ran) << ran.error().what;
  EXPECT_TRUE(runs());
  const Result<ChamberReadings> readings = call(chamber_->measure(in(2s)));
  ASSERT_TRUE(readings) << readings.error().what;
  EXPECT_TRUE(readings->running);
  EXPECT_EQ(readings->setpoint, Celsius{40.0});
  EXPECT_EQ(controller_->lost_count(), 0) << "nothing was said too early";
  const TimePoint begun = time_.now();
  const Result<void> stopped = call(chamber_->stop(in(5s)));
  EXPECT_TRUE(stopped) << stopped.error().what;
  EXPECT_FALSE(runs());
  EXPECT_LT(time_.now() - begun, GetParam().stopped_within);
}

INSTANTIATE_TEST_SUITE_P(
    Panel, EspecVariant,
    ::testing::Values(Variant{.name = "as_delivered"}, Variant{.name = "old_protocol", .is_old = true},
                      Variant{.name = "rs485_address_3", .address = 3},
                      Variant{.name = "old_protocol_at_an_address", .address = 16, .is_old = true},
                      // It hears an OFF that came at once; then the stop is over that much sooner.
                      Variant{
                          .name = "good_ears", .deaf_after_question = 50ms, .deaf_after_setting = 50ms, .stopped_within = 800ms}),
    [](const ::testing::TestParamInfo<Variant>& tested) { return tested.param.name; });

Task<void> ask_identity(TimeSource* time, EspecChamber* chamber, Result<InstrumentIdentity>* into) {
  const Deadline deadline{time->now() + 5s};
  *into = co_await chamber->identify(deadline);
  time->stop();
}

// Panel and model file disagree about the protocol: refused at the first question, with a hint where to look.
TEST(EspecProtocol, a_panel_that_is_set_otherwise_is_named) {
  for (const bool panel_is_old : {true, false}) {
    VirtualTime time;
    sim::SimulatedBench bench;
    sim::ChamberAir& air = bench.world().chamber(bench.world().add_chamber({}));
    sim::EspecConfig config;
    config.acknowledges_questions = panel_is_old;
    bench.add_instrument("espec",
                         std::make_unique<sim::Espec>(config, air, [&bench](TimePoint to) { bench.world().advance(to); }));
    EspecModel model = load_espec_model(std::string(CELLRIG_SOURCE_DIR) + "/drivers/models/espec-sh-641.yaml");
    model.session.acknowledges_questions = !panel_is_old;
    EspecChamber chamber{time, sim::make_stream_link(time, bench, "espec", "ascii"), std::move(model)};
    Result<InstrumentIdentity> identity;
    time.spawn(ask_identity(&time, &chamber, &identity));
    time.run();
    ASSERT_FALSE(identity);
    EXPECT_EQ(identity.error().fault, Fault::malformed);
    const std::string hint = panel_is_old ? "its panel is set to the old protocol" : "is its panel set to the new protocol?";
    EXPECT_NE(identity.error().what.find(hint), std::string::npos) << identity.error().what;
  }
}

}  // namespace
}  // namespace cellrig::test
