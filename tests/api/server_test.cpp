// What the routes do, and what keeps a repeated or late order from being carried out.
#include <gmock/gmock.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/json/parse.hpp>
#include <mutex>
#include <set>

#include "controller/api/messages_codec.hpp"
#include "controller/api/routes.hpp"
#include "tests/api/answers.hpp"
#include "tests/api/fake_bench.hpp"

namespace cellrig::api::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr const char* person = R"({"operator":"jane","reason":"coffee"})";

std::string code_of(const Answer& answer) {
  const Decoded<ErrorBody> body = from_json<ErrorBody>(answer.body);
  return body ? body->error.code : "no error body: " + answer.body;
}

TEST(Server, shows_the_bench_its_channels_chambers_and_alarms) {
  const FakeBench bench;
  const auto whole = read<BenchView>(bench.get("/bench"));
  EXPECT_EQ(whole.name, "fake");
  EXPECT_EQ(whole.version, "9.9");
  ASSERT_THAT(whole.channels, SizeIs(2));
  EXPECT_EQ(whole.channels[1].channel, "ch2");
  EXPECT_EQ(whole.channels[0].fencing_token, 7);
  EXPECT_EQ(read<std::vector<ChannelView>>(bench.get("/channels")).size(), 2U);
  EXPECT_EQ(read<ChannelView>(bench.get("/channels/ch1")).state, Activity::running);
  EXPECT_EQ(read<std::vector<ChamberView>>(bench.get("/chambers")).front().actual_degC, 25.1);
  EXPECT_EQ(read<ChamberView>(bench.get("/chambers/oven")).chamber, "oven");
  EXPECT_EQ(read<std::vector<AlarmView>>(bench.get("/alarms")).front().severity, AlarmSeverity::trip);
  EXPECT_EQ(read<SessionView>(bench.get("/session")).role, Role::engineer);
}

TEST(Server, orders_reach_the_bench_with_who_and_why) {
  FakeBench bench;
  for (const char* const verb : {"pause", "resume", "skip", "confirm"}) {
    EXPECT_EQ(bench.post(std::string{"/channels/ch1/"} + verb, person).status, 200);
  }
  EXPECT_EQ(bench.post("/channels/ch2/note", R"({"operator":"jane","text":"fan is loud"})").status, 200);
  EXPECT_EQ(bench.post("/channels/ch1/limits", R"({"limits":{"cell_temperature_max_degC":45},"operator":"jane"})").status, 200);
  EXPECT_EQ(bench.post("/alarms/3/acknowledge", R"({"name":"jane","reason":"looked"})").status, 200);
  EXPECT_EQ(read<Started>(bench.post("/channels/ch1/start",
                                     R"({"profile":"cycle-life","cell":"lg-m50","parameters":{"rate_C":1.9},"operator":"jane"})"))
                .run,
            42);
  EXPECT_EQ(read<Started>(bench.post("/channels/ch1/go_on", R"({"run":41,"operator":"jane"})")).fencing_token, 9);
  EXPECT_EQ(read<std::vector<PreflightItem>>(bench.post("/channels/ch1/preflight", R"({"profile":"p","cell":"c"})")).size(), 2U);
  EXPECT_EQ(bench.post("/channels/ch1/stop", person).status, 200);
  EXPECT_EQ(bench.post("/chambers/oven/stop", person).status, 200);
  EXPECT_EQ(bench.post("/stop", person).status, 200);
  EXPECT_THAT(
      bench.control().told(),
      ElementsAre("pause ch1 by jane: coffee", "resume ch1 by jane: coffee", "skip ch1 by jane: coffee",
                  "confirm ch1 by jane: coffee", "note ch2 by jane: fan is loud", "limit cell_temperature_max_degC 45.000000",
                  "acknowledge 3 by jane: looked", "start ch1 cycle-life lg-m50 by jane rate_C=1.9", "go_on ch1 run 41",
                  "stop ch1 by jane: coffee", "stop oven by jane: coffee", "stop all by jane: coffee"));
}

// In an emergency nobody fills in a form.
TEST(Server, a_stop_needs_no_body_no_key_and_no_token) {
  FakeBench bench;
  for (const char* const body : {"", "{", "{\"why\":1}"}) {
    EXPECT_EQ(ask(bench.port(), "POST", "/api/v1/stop", FakeBench::signed_in(), body).status, 200);
  }
  EXPECT_THAT(bench.control().told(), SizeIs(3));
}

TEST(Server, the_same_key_is_the_same_answer_and_is_done_once) {
  FakeBench bench;
  const std::string start = R"({"profile":"cycle-life","cell":"lg-m50","operator":"jane"})";
  const Answer first = bench.post("/channels/ch1/start", start, {{"Idempotency-Key", "one"}});
  const Answer again = bench.post("/channels/ch1/start", start, {{"Idempotency-Key", "one"}});
  EXPECT_EQ(first.body, again.body);
  EXPECT_THAT(bench.control().told(), SizeIs(1));
  EXPECT_EQ(code_of(bench.post("/channels/ch2/start", start, {{"Idempotency-Key", "one"}})), "key_used");
  EXPECT_EQ(bench.post("/channels/ch1/start", start, {{"Idempotency-Key", "two"}}).status, 200);
  EXPECT_THAT(bench.control().told(), SizeIs(2));
}

// The first answer got lost on its way while it is still being done.
TEST(Server, a_repeated_start_waits_for_the_one_under_way) {
  FakeBench bench;
  bench.on_control([&] { bench.control().holds_starts = true; });
  Headers headers = FakeBench::signed_in();
  headers["Idempotency-Key"] = "one";
  headers["Fencing-Token"] = "7";
  const std::string text =
      request("POST", "/api/v1/channels/ch1/start", headers, R"({"profile":"cycle-life","cell":"lg-m50","operator":"jane"})");
  Client first{bench.port()}, second{bench.port()};
  first.send(text);
  while (bench.control().told().empty()) (void)bench.get("/session");
  second.send(text);
  (void)bench.get("/bench");
  bench.on_control([&] { bench.control().held_starts.front()(cellrig::Started{77, 8}); });
  EXPECT_EQ(read<Started>(first.receive()).run, 77);
  EXPECT_EQ(read<Started>(second.receive()).run, 77);
  EXPECT_THAT(bench.control().told(), SizeIs(1));
}

TEST(Server, an_order_made_for_an_earlier_run_is_refused) {
  FakeBench bench;
  const Answer answer = bench.post("/channels/ch1/pause", person, {{"Fencing-Token", "6"}});
  EXPECT_EQ(answer.status, 409);
  EXPECT_EQ(code_of(answer), "fencing_token_old");
  for (const char* const token : {"", "-7", "7.0", "seven", "99999999999999999999"}) {
    EXPECT_EQ(bench.post("/channels/ch1/pause", person, {{"Fencing-Token", token}}).status, 400) << token;
  }
  EXPECT_EQ(bench.post("/channels/ch1/pause", person, {{"Idempotency-Key", ""}}).status, 400);
  EXPECT_EQ(bench.post("/channels/ch1/pause", person, {{"Idempotency-Key", std::string(201, 'k')}}).status, 400);
  EXPECT_THAT(bench.control().told(), IsEmpty());
}

struct Refused {
  const char *method, *target, *body;
  int status;
  const char *code, *nearest;
};
class RefusedRequest : public testing::TestWithParam<Refused> {};

TEST_P(RefusedRequest, is_told_why_and_what_was_probably_meant) {
  FakeBench bench;
  const Refused& r = GetParam();
  const Answer answer = std::string{r.method} == "POST"
                            ? bench.post(r.target, r.body)
                            : ask(bench.port(), r.method, std::string{"/api/v1"} + r.target, FakeBench::signed_in());
  EXPECT_EQ(answer.status, r.status) << answer.body;
  const Decoded<ErrorBody> body = from_json<ErrorBody>(answer.body);
  ASSERT_TRUE(body) << answer.body;
  EXPECT_EQ(body->error.code, r.code) << answer.body;
  EXPECT_EQ(body->error.nearest.value_or(""), r.nearest) << answer.body;
  EXPECT_THAT(bench.control().told(), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(
    Server, RefusedRequest,
    testing::Values(Refused{"GET", "/chanels", "", 404, "unknown_path", "/api/v1/channels"},
                    Refused{"GET", "/channels/ch11", "", 404, "not_found", "ch1"},
                    Refused{"GET", "/runs?limt=5", "", 400, "unknown_parameter", "limit"},
                    Refused{"GET", "/stop", "", 405, "wrong_method", "POST"},
                    Refused{"DELETE", "/channels/ch1", "", 405, "wrong_method", "GET"},
                    Refused{"GET", "/channels/%2e%2e/ch1", "", 400, "bad_target", ""},
                    Refused{"GET", "/channels/ch1%00", "", 400, "bad_target", ""},
                    Refused{"GET", "/runs", "", 404, "not_found", ""}, Refused{"GET", "/stream", "", 426, "upgrade_needed", ""},
                    Refused{"GET", "/profiles/cycle", "", 404, "not_found", ""},
                    Refused{"GET", "/rehearsals/1", "", 404, "not_found", ""},
                    Refused{"POST", "/channels/ch1/pause", R"({"operator":"jane","reson":"x"})", 400, "unknown_field", "reason"},
                    Refused{"POST", "/channels/ch1/pause", "no json", 400, "not_json", ""},
                    Refused{"POST", "/channels/ch1/pause", R"({"reason":"x"})", 400, "bad_input", ""},
                    Refused{"POST", "/channels/ch9/stop", "{}", 404, "not_found", "ch1"},
                    Refused{"POST", "/channels/ch1/limits", R"({"limits":{"cell_temperature_max_degC":70},"operator":"j"})", 403,
                            "forbidden", ""},
                    Refused{"POST", "/channels/ch1/limits",
                            R"({"limits":{"cell_temperature_max_degC":70},"widen":true,"operator":"j"})", 400, "bad_input", ""},
                    Refused{"POST", "/alarms/x/acknowledge", R"({"name":"j","reason":"r"})", 404, "not_found", ""},
                    Refused{"POST", "/check", R"({"profile":"../../etc/passwd","cell":"lg-m50"})", 404, "not_found", ""}));

TEST(Server, an_engineer_with_a_reason_widens_a_limit) {
  FakeBench bench;
  const std::string body =
      R"({"limits":{"cell_temperature_max_degC":65},"widen":true,"operator":"jane","reason":"agreed with the maker"})";
  EXPECT_EQ(bench.post("/channels/ch1/limits", body).status, 200);
  EXPECT_THAT(bench.control().told(), ElementsAre("limit cell_temperature_max_degC 65.000000 widened"));
}

TEST(Server, one_connection_serves_several_requests_also_when_they_come_together) {
  const FakeBench bench;
  Client client{bench.port()};
  const std::string one = request("GET", "/api/v1/channels/ch1", FakeBench::signed_in());
  client.send(one + one + one);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(client.receive().status, 200);
  EXPECT_EQ(client.ask(one).status, 200);
}

TEST(Server, what_was_ordered_shows_at_once) {
  FakeBench bench;
  for (int i = 0; i < 20; ++i) {
    const bool pauses = i % 2 == 0;
    bench.on_control(
        [&] { bench.control().channels_[0].condition = pauses ? ChannelCondition::paused : ChannelCondition::running; });
    (void)bench.post("/channels/ch1/note", R"({"operator":"jane","text":"x"})");
    EXPECT_EQ(read<ChannelView>(bench.get("/channels/ch1")).state, pauses ? Activity::paused : Activity::running);
  }
}

TEST(Server, a_rehearsal_is_a_job_with_a_result) {
  FakeBench bench;
  const auto job = read<JobAccepted>(bench.post("/rehearse", R"({"profile":"cycle-life","cell":"lg-m50"})")).job;
  RehearsalView view;
  do {
    view = read<RehearsalView>(bench.get("/rehearsals/" + std::to_string(job)));
  } while (view.state == JobState::waiting || view.state == JobState::running);
  EXPECT_EQ(view.state, JobState::done) << view.text;
  ASSERT_TRUE(view.result);
  EXPECT_EQ(view.result->duration_s, 5);
}

TEST(Server, a_rehearsal_that_fails_says_what_its_program_said) {
  FakeBench bench;
  bench.catalogue().command = {"/bin/sh", "-c", "echo 'p.yaml:3:1: no such step' >&2; exit 2"};
  const auto job = read<JobAccepted>(bench.post("/rehearse", R"({"profile":"cycle-life","cell":"lg-m50"})")).job;
  RehearsalView view;
  do {
    view = read<RehearsalView>(bench.get("/rehearsals/" + std::to_string(job)));
  } while (view.state == JobState::waiting || view.state == JobState::running);
  EXPECT_EQ(view.state, JobState::failed);
  EXPECT_THAT(view.text, HasSubstr("no such step"));
}

// An instrument takes an open link for a controller that is alive: no child may hold one open, whoever opened it without thinking of that.
TEST(Server, a_rehearsal_inherits_no_descriptor) {
  FakeBench bench;
  Client listening{bench.port()};
  EXPECT_EQ(listening.ask(request("GET", "/api/v1/session", FakeBench::signed_in())).status, 200);
  const int instrument = ::socket(AF_INET, SOCK_STREAM, 0);  // without SOCK_CLOEXEC
  bench.catalogue().command = {
      "/bin/sh", "-c",
      "n=0; for f in /proc/$$/fd/*; do case \"$f $(readlink $f)\" in *'/fd/0 '*|*'/fd/1 '*|*'/fd/2 '*) ;; "
      "*socket:*) n=$((n+1)) ;; esac; done; echo '{\"outcome\":\"completed\",\"rows\":'$n'}'"};
  const auto job = read<JobAccepted>(bench.post("/rehearse", R"({"profile":"cycle-life","cell":"lg-m50"})")).job;
  RehearsalView view;
  do {
    view = read<RehearsalView>(bench.get("/rehearsals/" + std::to_string(job)));
  } while (view.state == JobState::waiting || view.state == JobState::running);
  EXPECT_EQ(::fcntl(instrument, F_GETFD) & FD_CLOEXEC, 0) << "the mark of the child must not be ours";
  ::close(instrument);
  ASSERT_TRUE(view.result) << view.text;
  EXPECT_EQ(view.result->rows, 0) << "sockets that are no standard stream";
}

TEST(Server, metrics_are_prometheus_text) {
  FakeBench bench;
  bench.on_control([&] { bench.control().watcher()->control_cycle("ch1", std::chrono::milliseconds{3}); });
  const Answer answer = bench.get("/metrics");
  EXPECT_THAT(answer.headers.at("content-type"), HasSubstr("text/plain"));
  EXPECT_THAT(answer.body, HasSubstr("cellrig_channel_state{channel=\"ch1\",state=\"running\"} 1\n"));
  EXPECT_THAT(answer.body, HasSubstr("cellrig_channel_voltage_volts{channel=\"ch1\"} 3.7\n"));
  EXPECT_THAT(answer.body, HasSubstr("cellrig_control_late_seconds_bucket{le=\"0.002\"} 0\n"));
  EXPECT_THAT(answer.body, HasSubstr("cellrig_control_late_seconds_bucket{le=\"0.005\"} 1\n"));
  EXPECT_THAT(answer.body, HasSubstr("cellrig_alarms 1\n"));
}

// The document and the router are made of one table; what could go wrong is in between.
TEST(OpenApi, describes_every_route_and_no_other) {
  const FakeBench bench;
  const boost::json::object document = boost::json::parse(bench.get("/openapi.json").body).as_object();
  std::set<std::string> described;
  for (const auto& path : document.at("paths").as_object()) {
    for (const auto& method : path.value().as_object())
      described.insert(std::string{method.key()} + " " + std::string{path.key()} + " " +
                       std::string{method.value().at("operationId").as_string()});
  }
  std::set<std::string> routed;
  for (const Route& route : routes()) {
    routed.insert((route.method == "GET" ? "get " : "post ") + std::string{api_prefix} + std::string{route.pattern} + " " +
                  std::string{name_of(route.operation)});
  }
  EXPECT_EQ(described, routed);
}

TEST(Cells, are_added_by_an_engineer_and_told_of) {
  FakeBenchSettings settings{.limits = patient_limits()};
  std::mutex mutex;
  std::vector<ServerChange> changes;
  settings.on_change = [&](const ServerChange& change) {
    const std::lock_guard lock{mutex};
    changes.push_back(change);
  };
  const FakeBench bench{std::move(settings)};
  EXPECT_EQ(bench.post("/cells", R"({"name":"b-7","text":"x","operator":"jane","reason":"new lot"})").status, 200);
  EXPECT_EQ(bench.post("/cells", R"({"name":"had-already","text":"x","operator":"jane","reason":"new lot"})").status, 200);
  EXPECT_EQ(bench.post("/cells", R"({"name":"lay-there","text":"x","operator":"jane","reason":"I checked it"})").status, 200);
  EXPECT_EQ(bench.post("/cells", R"({"name":"lg-m50","text":"x","operator":"jane","reason":"new lot"})").status, 409);
  EXPECT_EQ(bench.post("/cells", R"({"name":"b-9","text":"x","operator":"jane"})").status, 400) << "no reason";
  EXPECT_EQ(bench.post("/cells", R"({"name":"b-9","text":"x","operator":"jane","reason":" "})").status, 400);
  EXPECT_EQ(bench.post("/cells", R"({"name":"b-9","text":"x","operator":"","reason":"new lot"})").status, 400) << "nobody";
  EXPECT_EQ(bench.post("/cells", R"({"nme":"b-8","text":"x"})").status, 400);
  const std::lock_guard lock{mutex};
  ASSERT_EQ(changes.size(), 2U);
  EXPECT_EQ(changes[1].action, "cell file added");
  EXPECT_NE(changes[1].text.find("'lay-there', sha256 2d71, which was there already"), std::string::npos) << changes[1].text;
  EXPECT_EQ(changes[0].action, "cell file added");
  EXPECT_EQ(changes[0].operator_name, "jane");
  EXPECT_EQ(changes[0].origin, "127.0.0.1");
  EXPECT_EQ(changes[0].reason, "new lot");
  EXPECT_NE(changes[0].text.find("'b-7', sha256 2d71"), std::string::npos) << changes[0].text;
}

void collect_references(const boost::json::value& value, std::set<std::string>& found) {
  if (value.is_array()) {
    for (const auto& entry : value.get_array()) collect_references(entry, found);
  }
  if (!value.is_object()) return;
  for (const auto& entry : value.get_object()) {
    if (entry.key() == "$ref") found.insert(std::string{entry.value().as_string()});
    collect_references(entry.value(), found);
  }
}

TEST(OpenApi, names_no_schema_that_it_does_not_have) {
  const FakeBench bench;
  const boost::json::value document = boost::json::parse(bench.get("/openapi.json").body);
  std::set<std::string> references;
  collect_references(document, references);
  EXPECT_GT(references.size(), 20U);
  for (const std::string& reference : references) {
    const std::string name = reference.substr(reference.rfind('/') + 1);
    EXPECT_TRUE(document.at("components").at("schemas").as_object().contains(name)) << reference;
  }
}

// What changes anything is done once however often it is sent, and what is meant for a channel is meant for its present run. Only a stop is
// carried out whatever it says.
TEST(OpenApi, asks_a_key_of_every_write_and_a_fencing_token_of_every_order_to_a_channel) {
  const FakeBench bench;
  const boost::json::object document = boost::json::parse(bench.get("/openapi.json").body).as_object();
  const std::set<std::string> changes_nothing{"check_profile", "preflight_channel"};
  const std::set<std::string> without_a_channel{"acknowledge_alarm", "add_cell", "rehearse_profile"};
  std::set<std::string> stops;
  for (const auto& path : document.at("paths").as_object()) {
    if (!path.value().as_object().contains("post")) continue;
    const auto& operation = path.value().at("post").as_object();
    const std::string name{operation.at("operationId").as_string()};
    std::set<std::string> headers;
    for (const auto& parameter : operation.at("parameters").as_array()) {
      if (parameter.at("in") == "header") headers.insert(std::string{parameter.at("name").as_string()});
    }
    std::set<std::string> expected{"Fencing-Token", "Idempotency-Key"};
    if (without_a_channel.contains(name)) expected.erase("Fencing-Token");
    if (changes_nothing.contains(name)) expected.clear();
    if (std::string_view{path.key()}.ends_with("/stop")) {
      stops.insert(name);
      expected.clear();
    }
    EXPECT_EQ(headers, expected) << name;
    const std::string description{operation.at("description").as_string()};
    EXPECT_EQ(description.find("without") != std::string::npos, headers.size() != 2) << name << " says why it has not both";
  }
  EXPECT_EQ(stops, (std::set<std::string>{"stop_all", "stop_chamber", "stop_channel"}));
}

// The document says which requests need what; the server must mean it.
TEST(OpenApi, says_of_every_write_which_headers_the_server_demands) {
  const FakeBench bench;
  const boost::json::value document = boost::json::parse(bench.get("/openapi.json").body);
  for (const Route& route : routes()) {
    if (route.method != "POST") continue;
    const auto& operation = document.at("paths").at(api_prefix + std::string{route.pattern}).at("post");
    std::set<std::string> headers;
    for (const auto& parameter : operation.at("parameters").as_array()) {
      if (parameter.at("in") == "header" && parameter.at("required").as_bool())
        headers.insert(std::string{parameter.at("name").as_string()});
    }
    std::string target = api_prefix + std::string{route.pattern};
    if (const auto open = target.find('{'); open != std::string::npos) target.replace(open, target.find('}') - open + 1, "ch1");
    Headers given = FakeBench::signed_in();
    const Answer without = ask(bench.port(), "POST", target, given, person);
    EXPECT_EQ(code_of(without) == "missing_header", !headers.empty()) << target << " " << without.body;
    for (const std::string& header : headers) given[header] = header == "Fencing-Token" ? "7" : target;
    EXPECT_NE(code_of(ask(bench.port(), "POST", target, given, person)), "missing_header") << target;
  }
}

}  // namespace
}  // namespace cellrig::api::test
