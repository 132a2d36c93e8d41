// A run as a file over HTTP: what `cellrig export` writes, in pieces, however slowly somebody reads.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <sstream>

#include "controller/api/exports.hpp"
#include "controller/api/record_views.hpp"
#include "db/export/bdf.hpp"
#include "db/export/csv.hpp"
#include "tests/api/answers.hpp"
#include "tests/api/fake_bench.hpp"
#include "tests/db/record_play.hpp"

namespace cellrig::api::test {
namespace {

using db::test::must;
using testing::HasSubstr;
using testing::Not;

/// Two cycles of 30,000 samples each: some 10 MB of CSV, far more than may wait anywhere.
class ExportOverHttp : public testing::Test {
 protected:
  ExportOverHttp() {
    recorder_ = must(db::Recorder::open(db::test::simulated(dir_.file("r.db"))));
    db::test::Player player{*recorder_, db::test::a_run("ch1")};
    player.play_cycle(10'000);
    player.play_cycle(10'000);
    player.end_run();
    must(recorder_->flush());
    FakeBenchSettings settings{.limits = patient_limits()};
    settings.database = dir_.file("r.db");
    bench_ = std::make_unique<FakeBench>(std::move(settings));
  }
  [[nodiscard]] std::string text_of(const std::string& name) const {
    std::ifstream file{dir_.file(name), std::ios::binary};
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }
  [[nodiscard]] std::size_t text_size() const {
    std::size_t size = 0;
    const auto count = [&size](std::string_view text) {
      size += text.size();
      return true;
    };
    must(write_export(dir_.file("r.db"), {.run = 1}, count));
    return size;
  }
  [[nodiscard]] std::string request_for(const std::string& format) const {
    return request("GET", "/api/v1/runs/1/export?format=" + format, FakeBench::signed_in());
  }

  const db::test::TempDir dir_;
  std::unique_ptr<db::Recorder> recorder_;
  std::unique_ptr<FakeBench> bench_;
};

TEST_F(ExportOverHttp, sends_the_same_bytes_as_an_export_to_a_file) {
  const std::unique_ptr<db::Reader> reader = must(db::Reader::open(dir_.file("r.db")));
  must(db::export_csv(*reader, 1, {.path = dir_.file("samples")}));
  must(db::export_cycles_csv(*reader, 1, {.path = dir_.file("cycles")}));
  must(db::export_aux_csv(*reader, 1, {.path = dir_.file("other")}));
  must(db::export_bdf(*reader, 1, {.path = dir_.file("bdf")}));
  for (const std::string format : {"samples", "cycles", "other", "bdf"}) {
    const Answer answer = bench_->get("/runs/1/export?format=" + format);
    EXPECT_EQ(answer.status, 200) << format;
    EXPECT_EQ(answer.headers.at("content-type"), "text/csv; charset=utf-8");
    EXPECT_TRUE(answer.body == text_of(format)) << format;  // not EXPECT_EQ: nobody reads 10 MB of a difference
  }
  EXPECT_TRUE(bench_->get("/runs/1/export").body == text_of("samples"));
  EXPECT_TRUE(bench_->get("/runs/1/export?end_line=yes").body == text_of("samples") + export_end_line);
  EXPECT_EQ(bench_->get("/runs/1/export?end_line=1").status, 400);
  const Answer metadata = bench_->get("/runs/1/export?format=bdf-metadata");
  EXPECT_THAT(metadata.body, HasSubstr(".bdf.csv")) << "names the data it belongs to";
  EXPECT_THAT(metadata.headers.at("content-disposition"), HasSubstr(".bdf.metadata.json\""));
  EXPECT_THAT(bench_->get("/runs/1/export?format=bdf-metadata&name=my%20cell.csv").body, HasSubstr("my cell.csv"));
  EXPECT_EQ(bench_->get("/runs/1/export?format=bdf-metadata&name=..%2Fmy.csv").status, 400);
}

// Others are served meanwhile, so many exports and no more, and one that is broken off leaves its place to the next.
TEST_F(ExportOverHttp, waits_for_a_slow_reader_without_holding_anybody_up) {
  std::vector<std::unique_ptr<Client>> slow;
  for (int i = 0; i < 2; ++i) {
    slow.push_back(std::make_unique<Client>(bench_->port(), 4096));
    slow.back()->send(request_for("samples"));
  }
  const auto is_busy = [this] { return bench_->get("/runs/1/export?format=samples").status == 503; };
  for (int i = 0; i < 200 && !is_busy(); ++i) continue;
  EXPECT_TRUE(is_busy());
  EXPECT_EQ(bench_->get("/runs/1").status, 200);
  const Answer whole = slow[0]->receive();
  EXPECT_GT(whole.body.size(), 5'000'000U);
  slow.clear();
  const auto has_room = [this] { return bench_->get("/runs/1/export?format=cycles").status == 200; };
  bool has_come = false;
  for (int i = 0; i < 1000 && !has_come; ++i) has_come = has_room();
  EXPECT_TRUE(has_come);
}

// Who reads slowly, or not at all, keeps nobody of another role waiting, and not the others of their own.
TEST(Exports, keep_places_for_every_role_and_leave_none_of_them_to_one_account) {
  boost::asio::io_context context;
  Exports exports{context};
  const auto begins = [&exports](const char* name, Role role) {
    return exports.begin({name, role}, [](const Exports::Sink& sink, const Exports::IsCancelled&) -> Result<void> {
      while (sink("a piece that nobody fetches")) continue;
      return {};
    });
  };
  std::vector<std::shared_ptr<ExportFeed>> held;
  for (const bool is_let_in : {true, true, false}) {
    held.push_back(begins("vera", Role::viewer));
    EXPECT_EQ(held.back() != nullptr, is_let_in);
  }
  EXPECT_TRUE(begins("victor", Role::viewer)) << "the others of the role";
  EXPECT_FALSE(begins("viola", Role::viewer)) << "the role has no more";
  EXPECT_TRUE(begins("otto", Role::operates));
  EXPECT_TRUE(begins("", Role::engineer)) << "the token";
  EXPECT_TRUE(begins("emma", Role::engineer));
  held[0]->close();
  std::shared_ptr<ExportFeed> again;
  for (int i = 0; i < 10'000 && !again; ++i) {
    again = begins("vera", Role::viewer);
    poll(nullptr, 0, again ? 0 : 1);
  }
  EXPECT_TRUE(again) << "a place that was left is free";
}

// A scan that writes nothing, of a run of weeks: its place is wanted by those who are still there.
TEST(Exports, that_write_nothing_leave_their_place_when_their_client_has_left) {
  boost::asio::io_context context;
  Exports exports{context};
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  std::atomic<int> asked = 0, ended = 0;
  const auto scans = [&](Exports::IsCancelled has_left) {
    return exports.begin(
        {"vera", Role::viewer},
        [&](const Exports::Sink&, const Exports::IsCancelled& is_cancelled) -> Result<void> {
          while (!is_cancelled()) ++asked;
          ++ended;
          return fail(Fault::interrupted, "nobody wants it");
        },
        std::move(has_left));
  };
  const auto comes = [](const std::function<bool()>& is_so) {
    for (int i = 0; i < 10'000 && !is_so(); ++i) poll(nullptr, 0, 1);
    return is_so();
  };
  const std::shared_ptr<ExportFeed> first = scans(client_watch(ends[0])), second = scans({});
  ASSERT_TRUE(comes([&] { return asked > 1000; }));
  ASSERT_EQ(::write(ends[1], "more", 4), 4);
  EXPECT_EQ(ended, 0) << "who asks for more is there";
  ::close(ends[1]);
  EXPECT_TRUE(comes([&] { return ended == 1; }));
  second->close();
  EXPECT_TRUE(comes([&] { return ended == 2; })) << "whose account is gone, as well";
  ::close(ends[0]);
}

TEST_F(ExportOverHttp, is_cancelled_before_anything_is_written) {
  const auto nothing = [](std::string_view) -> bool {
    ADD_FAILURE() << "written";
    return false;
  };
  const Result<void> done =
      write_export(dir_.file("r.db"), {.run = 1, .format = ExportFormat::bdf}, nothing, [] { return true; });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().fault, Fault::interrupted);
}

TEST_F(ExportOverHttp, ends_when_its_client_closes_its_side) {
  Client client{bench_->port(), 4096};
  client.send(request_for("samples"));
  client.end();
  EXPECT_LT(client.receive().body.size(), text_size());
}

TEST_F(ExportOverHttp, the_metadata_say_what_the_profile_asked_for) {
  FakeBenchSettings settings{.limits = patient_limits()};
  settings.database = dir_.file("r.db");
  settings.protocol_of = [](const db::RunInfo& run) {
    return "{\"method\":[{\"mode\":\"rest\"}],\"notes\":[\"of run " + std::to_string(run.run) + "\"]}";
  };
  const FakeBench bench{std::move(settings)};
  const std::string with = bench.get("/runs/1/export?format=bdf-metadata").body;
  EXPECT_THAT(with, HasSubstr("\"method\":[{\"mode\":\"rest\"}]"));
  EXPECT_THAT(with, HasSubstr("\"of run 1\""));
  EXPECT_THAT(bench_->get("/runs/1/export?format=bdf-metadata").body, Not(HasSubstr("\"method\"")));
}

// What reads as a whole file must be one.
TEST_F(ExportOverHttp, is_refused_to_who_could_not_tell_its_end) {
  Client old{bench_->port()};
  std::string asked = request_for("samples");
  asked.replace(asked.find("HTTP/1.1"), 8, "HTTP/1.0");
  EXPECT_EQ(old.ask(asked).status, 505);
}

TEST_F(ExportOverHttp, ends_with_the_server_in_the_middle) {
  Client reads_nothing{bench_->port(), 4096};
  reads_nothing.send(request_for("samples"));
  EXPECT_EQ(bench_->get("/runs/1").status, 200);
  bench_.reset();  // must return
}

}  // namespace
}  // namespace cellrig::api::test
