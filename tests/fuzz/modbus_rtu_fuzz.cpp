// A Modbus RTU reply checked against a request, a line that brings anything at any time, and the simulator's framing.
#include <chrono>
#include <memory>

#include "controller/async/virtual_time.hpp"
#include "drivers/modbus/rtu.hpp"
#include "drivers/modbus/rtu_line.hpp"
#include "sim/instruments/modbus_rtu.hpp"
#include "sim/net/framing.hpp"
#include "tests/fuzz/modbus_requests.hpp"
#include "tests/unit/drivers/run_task.hpp"
#include "tests/unit/drivers/scripted_line.hpp"

namespace cellrig::fuzz {
namespace {

using namespace std::chrono_literals;
using testing::ScriptedLine;

void a_reply(const Request& request, std::string_view bytes, bool is_fitted) {
  const std::string whole = is_fitted ? testing::with_checksum(std::string(bytes)) : std::string(bytes);
  const Result<std::size_t> length = modbus::rtu_reply_length(request.frame, whole);
  require_documented(length);
  const Result<modbus::Frame> reply = modbus::rtu_reply(request.frame, whole);
  require_documented(reply);
  if (!reply) return;
  require(length && *length == whole.size(), "a reply that is believed has the length that it told");
  for (std::size_t i = 0; i < whole.size(); ++i) {
    const Result<std::size_t> of_beginning = modbus::rtu_reply_length(request.frame, std::string_view{whole}.substr(0, i));
    require(of_beginning && (*of_beginning == 0 || *of_beginning == whole.size()), "so has each beginning of it");
  }
  const std::string values = decoded(request, *reply);
  if (!values.empty()) require(whole.size() == 3 + values.size() + 2, "a read brings its values, and nothing follows");
}

void the_simulators_answer(const Request& request) {
  Device device;
  sim::RtuSlave slave{device, {}};
  slave.connected(1);
  std::vector<sim::Reply> replies;
  const std::string bytes = modbus::rtu_request(request.frame);
  require(sim::first_message_size(sim::Framing::modbus_rtu, bytes) == bytes.size(), "a request is one message on the wire");
  slave.receive(TimePoint{}, 1, bytes, replies);
  require(replies.size() == 1, "a request gets one reply");
  if (replies[0].answered) require_answer(request, modbus::rtu_reply(request.frame, replies[0].bytes));
}

/// What a unit says to one request: nothing, the right answer, or something else, in time or late.
std::string answer(Input& input, const std::string& request) {
  switch (input.byte() % 6U) {
    case 0: return testing::rtu_reply_of(request, input.byte());
    case 1: return testing::rtu_exception_to(request, static_cast<char>(input.byte()));
    case 2: return testing::with_checksum(request.substr(0, 2) + std::string(input.line()));
    case 3: return std::string(input.line());
    case 4: return testing::rtu_reply_of(request, input.byte()).substr(0, 1 + input.byte() % 8U);
    default: return {};
  }
}

struct Outcome {
  Result<void> result;
  TimePoint deadline{};
};

Task<void> use(VirtualTime& time, ModbusBus& bus, std::uint8_t unit, unsigned call, Outcome& outcome) {
  std::array<std::uint16_t, 3> values{};
  std::array<bool, 9> coils{};
  const ModbusAddress at{.unit = unit, .address = static_cast<std::uint16_t>(40 + call)};
  outcome.deadline = time.now() + 900ms;
  const Deadline deadline{outcome.deadline};
  const std::span<std::uint16_t> some = std::span{values}.first(1 + call % 3);
  switch (call % 5) {
    case 0: outcome.result = co_await bus.read_holding(at, some, deadline); break;
    case 1: outcome.result = co_await bus.read_coils(at, coils, deadline); break;
    case 2: outcome.result = co_await bus.write_coil(at, false, deadline); break;
    case 3: outcome.result = co_await bus.write_register(at, 7, deadline); break;
    default: outcome.result = co_await bus.write_registers(at, values, deadline); break;
  }
}

/// Whatever comes, every call is over by its deadline.
void a_line(Input input) {
  constexpr int call_count_max = 24;
  VirtualTime time;
  auto own = std::make_unique<ScriptedLine>(time, [&input](ScriptedLine& line, const std::string& request) {
    const Duration delay = std::chrono::milliseconds{input.byte() * 5};
    if (std::string bytes = answer(input, request); !bytes.empty()) line.reply_after(delay, std::move(bytes));
  });
  const auto line = std::make_shared<RtuLine>(time, std::move(own), RtuLineOptions{});
  const std::unique_ptr<ModbusBus> first = RtuLine::make_unit(line, {});
  const std::unique_ptr<ModbusBus> second = RtuLine::make_unit(line, {});
  for (int i = 0; i < call_count_max && !input.is_empty(); ++i) {
    const unsigned call = input.byte();
    Outcome outcome;
    testing::run_task(time, use(time, call % 2 == 0 ? *first : *second, call % 2 == 0 ? 1 : 2, call / 2, outcome));
    require(time.now() <= outcome.deadline, "a call is over by its deadline");
  }
}

}  // namespace
}  // namespace cellrig::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cellrig;
  fuzz::Input input{data, size};
  const unsigned choice = input.byte();
  if (choice % 4 == 3) {
    fuzz::a_line(input);
    return 0;
  }
  const fuzz::Request request = fuzz::draw_request(input);
  const std::string_view bytes = input.rest();
  fuzz::a_reply(request, bytes, choice % 2 == 1);
  fuzz::the_simulators_answer(request);
  fuzz::Device device;
  sim::RtuSlave slave{device, {}};
  slave.connected(1);
  fuzz::pound(slave, bytes, 1 + choice / 4);
  sim::MessageCounter counter{sim::Framing::modbus_rtu};
  counter.feed(bytes);
  return 0;
}
