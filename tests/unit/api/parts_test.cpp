// The parts of the server that decide and need no socket.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <fstream>
#include <sstream>

#include "controller/api/bench_watch.hpp"
#include "controller/api/exchange.hpp"
#include "controller/api/exports.hpp"
#include "controller/api/idempotency.hpp"
#include "controller/api/rate_limit.hpp"
#include "controller/api/rehearsals.hpp"
#include "controller/api/routes.hpp"

namespace cellrig::api {
namespace {

using testing::ElementsAre;
using testing::Pair;
using testing::SizeIs;

TEST(Target, is_taken_apart_and_decoded) {
  const Decoded<Target> target = parse_target("/api/v1/cells/LG%20M50?limit=5&cell=a+b%2Bc&empty=");
  ASSERT_TRUE(target);
  EXPECT_THAT(target->path, ElementsAre("api", "v1", "cells", "LG M50"));
  EXPECT_THAT(target->query, ElementsAre(Pair("cell", "a b+c"), Pair("empty", ""), Pair("limit", "5")));
}

TEST(Target, that_could_be_read_in_two_ways_is_refused) {
  for (const char* const text :
       {"",           "x",          "//",    "/a//b",    "/a/",           "/.",     "/../etc", "/a/%2e%2e/b",
        "/%2E",       "/%",         "/%4",   "/%zz",     "/a%00b",        "/a%0ab", "/%ff",    "/%c0%af",
        "/%ed%a0%80", "/a?x=1&x=2", "/a?=1", "/a?x=%0d", "http://other/a"})
    EXPECT_FALSE(parse_target(text)) << text;
  EXPECT_FALSE(parse_target("/" + std::string(target_length_max, 'x')));
  // A slash that was written otherwise is a letter of a name, and no way to another folder.
  EXPECT_THAT(parse_target("/a%2fb")->path, ElementsAre("a/b"));
}

TEST(ExportFeed, that_is_cut_ends_with_an_error_though_all_was_read_and_waits) {
  boost::asio::io_context context;
  const auto feed = std::make_shared<ExportFeed>(context);
  EXPECT_TRUE(feed->put("a"));
  feed->end(std::nullopt);
  feed->cut();
  EXPECT_FALSE(feed->put("b"));
  std::optional<ExportFeed::Piece> piece;
  boost::asio::co_spawn(context, feed->next(), [&piece](std::exception_ptr, ExportFeed::Piece next) { piece = std::move(next); });
  context.run();
  ASSERT_TRUE(piece);
  EXPECT_EQ(piece->text, "");
  EXPECT_TRUE(piece->error) << "a client must not take it for the whole";
}

TEST(IdempotencyMemory, forgets_the_oldest_answer_and_never_one_that_is_awaited) {
  IdempotencyMemory memory{3};
  std::optional<Response> answer;
  const IdempotencyMemory::Waiter nobody = [](const Response&) {};
  using Begun = IdempotencyMemory::Begun;
  EXPECT_EQ(memory.begin("jane", "pending", "f", answer, nobody), Begun::fresh);
  for (int i = 0; i < 100; ++i) {
    const std::string key = std::to_string(i);
    EXPECT_EQ(memory.begin("jane", key, "f", answer, nobody), Begun::fresh);
    memory.finish("jane", key, {.status = 200 + i});
    EXPECT_LE(memory.size(), 3U);
  }
  EXPECT_EQ(memory.begin("jane", "99", "f", answer, nobody), Begun::answered);
  EXPECT_EQ(answer->status, 299);
  EXPECT_EQ(memory.begin("jane", "99", "g", answer, nobody), Begun::other);
  EXPECT_EQ(memory.begin("emma", "99", "g", answer, nobody), Begun::fresh) << "another person's key";
  EXPECT_EQ(memory.begin("jane", "pending", "f", answer, nobody), Begun::pending);
}

TEST(IdempotencyMemory, that_is_full_of_pending_writes_takes_no_more) {
  IdempotencyMemory memory{2};
  std::optional<Response> answer;
  int told = 0;
  const IdempotencyMemory::Waiter waiter = [&told](const Response&) { ++told; };
  using Begun = IdempotencyMemory::Begun;
  EXPECT_EQ(memory.begin("j", "a", "f", answer, waiter), Begun::fresh);
  EXPECT_EQ(memory.begin("j", "b", "f", answer, waiter), Begun::fresh);
  EXPECT_EQ(memory.begin("j", "c", "f", answer, waiter), Begun::full);
  for (int i = 0; i < 16; ++i) EXPECT_EQ(memory.begin("j", "a", "f", answer, waiter), Begun::pending);
  EXPECT_EQ(memory.begin("j", "a", "f", answer, waiter), Begun::full) << "a crowd behind one key";
  memory.finish("j", "a", {});
  EXPECT_EQ(told, 16);
  EXPECT_EQ(memory.begin("j", "c", "f", answer, waiter), Begun::fresh);
}

TEST(RateLimit, fills_up_again_and_remembers_a_bounded_number_of_clients) {
  RateLimit limit{10, 3};
  const RateLimit::Time start{};
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(limit.admits("a", start));
  EXPECT_FALSE(limit.admits("a", start));
  EXPECT_TRUE(limit.admits("b", start));
  EXPECT_FALSE(limit.admits("a", start + std::chrono::milliseconds{90}));
  EXPECT_TRUE(limit.admits("a", start + std::chrono::milliseconds{110}));
  for (std::size_t i = 0; i < 10 * RateLimit::clients_max; ++i) {
    EXPECT_TRUE(limit.admits("client " + std::to_string(i), start + std::chrono::milliseconds{200}));
    ASSERT_LE(limit.size(), RateLimit::clients_max);
  }
}

// Nobody listens for days: what a channel measured meanwhile does not pile up.
TEST(BenchWatch, keeps_the_latest_samples_of_one_run_and_counts_the_others) {
  BenchWatch watch;
  LiveSample sample{.channel = "ch1", .run = 1};
  for (int i = 0; i < 1000; ++i) {
    sample.test_time_s = i;
    watch.sample(sample);
  }
  for (std::int64_t run = 0; run < 5000; ++run) watch.run_changed(run);
  class NoBench final : public BenchControl {
    using StartOrder = cellrig::StartOrder;
    using GoOnOrder = cellrig::GoOnOrder;
    using Started = cellrig::Started;

   public:
    [[nodiscard]] BenchStatus bench() const override { return {}; }
    [[nodiscard]] std::vector<ChannelStatus> channels() const override { return {}; }
    [[nodiscard]] ControlResult<ChannelStatus> channel(const std::string&) const override { return ControlError{}; }
    [[nodiscard]] std::vector<ChamberStatus> chambers() const override { return {}; }
    [[nodiscard]] ControlResult<ChamberStatus> chamber(const std::string&) const override { return ControlError{}; }
    [[nodiscard]] std::vector<AlarmStatus> alarms() const override { return {}; }
    void start(StartOrder, ControlReply<Started>) override {}
    void preflight(StartOrder, ControlReply<std::vector<CheckLine>>) override {}
    void go_on(GoOnOrder, ControlReply<Started>) override {}
    [[nodiscard]] ControlResult<void> pause(const ChannelOrder&) override { return {}; }
    [[nodiscard]] ControlResult<void> resume(const ChannelOrder&) override { return {}; }
    [[nodiscard]] ControlResult<void> skip(const ChannelOrder&) override { return {}; }
    [[nodiscard]] ControlResult<void> confirm(const ChannelOrder&) override { return {}; }
    [[nodiscard]] ControlResult<void> note(const ChannelOrder&) override { return {}; }
    [[nodiscard]] ControlResult<void> set_limits(const LimitOrder&) override { return {}; }
    [[nodiscard]] ControlResult<void> acknowledge(std::uint64_t, const Who&, const std::string&) override { return {}; }
    [[nodiscard]] ControlResult<void> stop_channel(const std::string&, const Who&, const std::string&) override { return {}; }
    [[nodiscard]] ControlResult<void> stop_chamber(const std::string&, const Who&, const std::string&) override { return {}; }
    void stop_all(const Who&, const std::string&) override {}
    void add_watcher(BenchWatcher&) override {}
    void remove_watcher(BenchWatcher&) override {}
  };
  const Gathered gathered = watch.gather(NoBench{});
  const Column& times = gathered.samples.at("ch1").columns.at("test_time_s");
  ASSERT_THAT(times, SizeIs(BenchWatch::samples_max));
  EXPECT_EQ(times.front(), 1000 - static_cast<double>(BenchWatch::samples_max));
  EXPECT_EQ(times.back(), 999);
  EXPECT_EQ(gathered.samples_lost.at("ch1"), 1000 - static_cast<std::int64_t>(BenchWatch::samples_max));
  EXPECT_EQ(gathered.runs_changed.size(), BenchWatch::runs_max);
  EXPECT_TRUE(watch.gather(NoBench{}).samples.empty());
}

TEST(Rehearsals, read_what_the_program_printed) {
  const auto result = parse_rehearsal(
      R"({"schema_version":1,"outcome":"completed","criteria_met":true,"duration_s":60.5,"charge_Wh":2,"cell_temperature_degC":[20,31],)"
      R"("warnings":["w"],"remarks":["r"],"limits":[{"limit":"voltage_max_V","unit":"V","bound":4.25,"nearest":4.2,"margin":0.05,"step":"s"}],)"
      R"("curve":{"test_time_s":[0,1],"voltage_V":[3.7,null]}})");
  ASSERT_TRUE(result);
  EXPECT_EQ(result->duration_s, 60.5);
  EXPECT_EQ(result->peak_temperature_degC, 31);
  EXPECT_THAT(result->warnings, ElementsAre("w", "r"));
  EXPECT_EQ(result->limits.at(0).margin, 0.05);
  EXPECT_THAT(result->curves.voltage_V, SizeIs(2));
  for (const char* const text : {"", "[]", "{}", "{\"outcome\":\"completed\"", "cellrig: no such file"})
    EXPECT_FALSE(parse_rehearsal(text)) << text;
}

/// "/alarms/{alarm}/acknowledge" -> "/acknowledge": as the tables of the document shorten it.
std::string last_word(std::string_view pattern) {
  while (pattern.ends_with('}')) pattern = pattern.substr(0, pattern.rfind('/'));
  return std::string{pattern.substr(pattern.rfind('/'))};
}

// A route that nobody is told of is not used: every one has its place in a table of docs/api.md.
TEST(Routes, are_all_in_the_document) {
  std::ifstream file{CELLRIG_SOURCE_DIR "/docs/api.md"};
  std::ostringstream document;
  document << file.rdbuf();
  ASSERT_FALSE(document.str().empty());
  std::istringstream lines{document.str()};
  std::string tables;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("| ")) tables += line + "\n";
  }
  for (const Route& route : routes()) {
    const std::string word = last_word(route.pattern);
    const bool is_told = tables.find(word + "`") != std::string::npos || tables.find(word + " ") != std::string::npos ||
                         tables.find(word + "?") != std::string::npos || tables.find(word + "/{") != std::string::npos;
    EXPECT_TRUE(is_told) << route.method << " " << route.pattern;
  }
}

}  // namespace
}  // namespace cellrig::api
