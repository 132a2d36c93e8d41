// JSON is the border at which a misspelt word, a missing reason or a number of the wrong kind must be stopped.
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cmath>
#include <limits>
#include <type_traits>

#include "controller/api/messages_codec.hpp"
#include "controller/api/messages_lists.hpp"
#include "controller/api/messages_shapes.hpp"
#include "controller/api/messages_words.hpp"

namespace cellrig::api {
namespace {

/// Gives every member of a message a value of its own, by its shape.
class Filler {
 public:
  void fill(bool& value) { value = (++count_ % 2) != 0; }
  void fill(std::string& value) { value = "text " + std::to_string(++count_) + " \"\\\n\t/ \xc3\xa9"; }
  void fill(std::int64_t& value) { value = json_integer_max - ++count_; }
  void fill(double& value) { value = 0.1 * static_cast<double>(++count_); }
  void fill(UtcTime& value) { value.ns_since_epoch = 1'790'000'000'123'000'000 + ++count_ * 1'000'000; }
  template <class E>
  requires std::is_enum_v<E>
  void fill(E& value) { value = static_cast<E>(static_cast<std::size_t>(++count_) % Words<E>::list.size()); }
  template <class T>
  void fill(std::optional<T>& value) {
    fill(value.emplace());
  }
  template <class T>
  void fill(std::vector<T>& list) {
    list.resize(2);
    for (T& value : list) fill(value);
  }
  template <class T>
  void fill(std::map<std::string, T>& map) {
    fill(map["one"]);
    fill(map["two"]);
  }
  template <class M>
  requires requires { Shape<M>::fields; }
  void fill(M& message) {
    std::apply([&](const auto&... field) { (fill(message.*field.member), ...); }, Shape<M>::fields);
  }

 private:
  std::int64_t count_ = 0;
};

template <class M>
class EveryMessage : public testing::Test {};

#define CELLRIG_TYPE(M) M,
#define CELLRIG_LIST_TYPE(M) std::vector<M>,
struct End {};
template <class... M>
struct WithoutEnd;
template <class... M>
struct Types {};
template <class... Done, class First, class... Rest>
auto without_end(Types<Done...>, Types<First, Rest...>) {
  if constexpr (sizeof...(Rest) == 0) {
    return testing::Types<Done...>{};
  } else {
    return without_end(Types<Done..., First>{}, Types<Rest...>{});
  }
}
using AllMessages = decltype(without_end(Types<>{}, Types<CELLRIG_API_MESSAGES(CELLRIG_TYPE) End>{}));
TYPED_TEST_SUITE(EveryMessage, AllMessages);

TYPED_TEST(EveryMessage, comes_back_as_it_went_out) {
  TypeParam filled{};
  Filler{}.fill(filled);
  for (const TypeParam& sent : {filled, TypeParam{}}) {
    const std::string text = to_json(sent);
    const Decoded<TypeParam> received = from_json<TypeParam>(text);
    ASSERT_TRUE(received) << received.error().message << "\n" << text;
    EXPECT_EQ(to_json(*received), text);
  }
  EXPECT_NE(to_json(filled), to_json(TypeParam{}));
}

// The filler must not hide a member that both directions forget: another parser sees a value of its own in each.
TYPED_TEST(EveryMessage, has_every_field_of_its_shape_once) {
  TypeParam filled{};
  Filler{}.fill(filled);
  const boost::json::object object = boost::json::parse(to_json(filled)).as_object();
  EXPECT_EQ(object.size(), std::tuple_size_v<std::remove_cvref_t<decltype(Shape<TypeParam>::fields)>>);
  for (const auto& entry : object) EXPECT_FALSE(entry.value().is_null()) << entry.key();
}

TYPED_TEST(EveryMessage, is_refused_without_a_field_that_it_must_have) {
  TypeParam filled{};
  Filler{}.fill(filled);
  const boost::json::object whole = boost::json::parse(to_json(filled)).as_object();
  const auto try_without = [&](const auto& field) {
    boost::json::object without = whole;
    without.erase(boost::json::string_view{field.name.data(), field.name.size()});
    const Decoded<TypeParam> received = from_json<TypeParam>(boost::json::serialize(without));
    EXPECT_EQ(received.has_value(), !field.is_required) << field.name;
    if (!received) {
      EXPECT_EQ(received.error().code, "missing_field");
      EXPECT_EQ(received.error().where, std::string{field.name});
    }
  };
  std::apply([&](const auto&... field) { (try_without(field), ...); }, Shape<TypeParam>::fields);
}

TYPED_TEST(EveryMessage, names_the_word_that_was_meant) {
  TypeParam filled{};
  Filler{}.fill(filled);
  const auto try_misspelt = [&](const auto& field) {
    boost::json::object object = boost::json::parse(to_json(filled)).as_object();
    const std::string misspelt = "x" + std::string{field.name};
    object[misspelt] = 1;
    const std::string text = boost::json::serialize(object);
    const Decoded<TypeParam> received = from_json<TypeParam>(text);
    ASSERT_FALSE(received);
    EXPECT_EQ(received.error().code, "unknown_field");
    EXPECT_EQ(received.error().nearest, std::string{field.name});
    EXPECT_NE(received.error().message.find("did you mean '" + std::string{field.name} + "'?"), std::string::npos);
    EXPECT_TRUE(from_json<TypeParam>(text, UnknownFields::ignored));
  };
  std::apply([&](const auto&... field) { (try_misspelt(field), ...); }, Shape<TypeParam>::fields);
}

TYPED_TEST(EveryMessage, is_refused_where_a_field_has_another_type) {
  TypeParam filled{};
  Filler{}.fill(filled);
  const auto try_other = [&](const auto& field) {
    boost::json::object object = boost::json::parse(to_json(filled)).as_object();
    boost::json::value& value = object[boost::json::string_view{field.name.data(), field.name.size()}];
    value = value.is_array() ? boost::json::value(true) : boost::json::value(boost::json::array{});
    const Decoded<TypeParam> received = from_json<TypeParam>(boost::json::serialize(object));
    ASSERT_FALSE(received) << field.name;
    EXPECT_EQ(received.error().code, "wrong_type");
    EXPECT_EQ(received.error().where, std::string{field.name});
  };
  std::apply([&](const auto&... field) { (try_other(field), ...); }, Shape<TypeParam>::fields);
}

TEST(Messages, lists_come_back_as_they_went_out) {
  std::vector<ChannelView> list(3);
  for (ChannelView& view : list) Filler{}.fill(view);
  const auto received = from_json<std::vector<ChannelView>>(to_json(list));
  ASSERT_TRUE(received);
  EXPECT_EQ(to_json(*received), to_json(list));
  EXPECT_EQ(to_json(std::vector<AlarmView>{}), "[]");
}

struct Bad {
  const char* text;
  const char* code;
  const char* where;
};

class BadOrder : public testing::TestWithParam<Bad> {};

TEST_P(BadOrder, is_refused_and_told_where) {
  const Decoded<StartOrder> received = from_json<StartOrder>(GetParam().text);
  ASSERT_FALSE(received);
  EXPECT_EQ(received.error().code, GetParam().code) << received.error().message;
  EXPECT_EQ(received.error().where.value_or(""), GetParam().where) << received.error().message;
  EXPECT_FALSE(received.error().message.empty());
}

INSTANTIATE_TEST_SUITE_P(
    Messages, BadOrder,
    testing::Values(Bad{"", "not_json", "line 1, column 1"}, Bad{"{\"profile\": \"a\",\n  cell}", "not_json", "line 2, column 3"},
                    Bad{"{\"profile\":\"p\",\"cell\":\"c\",\"cell\":\"d\"}", "not_json", "line 1, column 32"},
                    Bad{"{\"profile\":\"p\",\"cell\":\"c\",\"c\\u0065ll\":\"d\"}", "not_json", "line 1, column 37"},
                    Bad{"{} {}", "not_json", "line 1, column 4"}, Bad{"[]", "wrong_type", ""}, Bad{"null", "wrong_type", ""},
                    Bad{"{\"profile\":1,\"cell\":\"c\"}", "wrong_type", "profile"},
                    Bad{"{\"profile\":\"p\"}", "missing_field", "cell"},
                    Bad{"{\"profile\":\"p\",\"cell\":\"c\",\"parameters\":{\"rate_C\":[]}}", "wrong_type", "parameters.rate_C"},
                    Bad{"{\"profile\":\"p\",\"cell\":\"c\",\"expected_charge_pct\":50}", "wrong_type", "expected_charge_pct"},

                    Bad{"{\"profile\":\"p\",\"cell\":\"c\",\"expected_charge_pct\":NaN}", "not_json", "line 1, column 49"},
                    Bad{"{\"profile\":\"p\",\"cell\":\"c\\u0007\"}", "bad_text", "cell"},
                    Bad{"{\"profile\":\"p\xff\",\"cell\":\"c\"}", "not_json", "line 1, column 14"},
                    Bad{"[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]", "not_json", "line 1, column 17"}));

// 1.9 that is read as 1.9000000000000001 is another parameter, another program and another hash.
TEST(Messages, numbers_are_the_nearest_to_their_digits) {
  for (const double value : {1.9, 0.1, 2.3000000000000003, 1e-300, 4.9e-324, 1.7976931348623157e308, 123456789.123456789}) {
    RunView run;
    run.retention = value;
    EXPECT_EQ(from_json<RunView>(to_json(run))->retention, value);
  }
  const auto order = from_json<StartOrder>(R"({"profile":"p","cell":"c","parameters":{"rate_C":1.9}})");
  EXPECT_EQ(order->parameters.at("rate_C"), "1.9");
}

// A machine's clients give numbers, people's give what a profile may say.
TEST(Messages, parameters_are_numbers_or_expressions) {
  const auto order = from_json<StartOrder>(R"({"profile":"p","cell":"c","parameters":{"rate_C":"1/3","times":3,"share":0.1}})");
  ASSERT_TRUE(order);
  EXPECT_EQ(order->parameters, (Parameters{{"rate_C", "1/3"}, {"times", "3"}, {"share", "0.1"}}));
}

TEST(Messages, an_unknown_word_is_told_with_the_nearest) {
  const auto session = from_json<SessionView>(R"({"name":"jane","role":"enginer"})");
  ASSERT_FALSE(session);
  EXPECT_EQ(session.error().code, "unknown_word");
  EXPECT_EQ(session.error().nearest, "engineer");
  EXPECT_EQ(session.error().where, "role");
}

TEST(Messages, a_number_beyond_what_a_double_holds_is_refused) {
  const auto order = from_json<LimitsOrder>(R"({"limits":{"voltage_max_V":1e999}})");
  ASSERT_FALSE(order);
  EXPECT_EQ(order.error().code, "out_of_range");
  EXPECT_EQ(order.error().where, "limits.voltage_max_V");
}

// Whoever reads the numbers may be a program in a language whose integers are doubles.
TEST(Messages, whole_numbers_stay_exact_or_are_refused) {
  EXPECT_EQ(from_json<JobAccepted>(R"({"job":9007199254740991})")->job, json_integer_max);
  for (const char* const text : {"9007199254740992", "-9223372036854775808", "18446744073709551615", "1.5", "1e3"}) {
    EXPECT_FALSE(from_json<JobAccepted>(std::string{R"({"job":)"} + text + "}")) << text;
  }
}

TEST(Messages, a_value_that_is_not_finite_is_null) {
  SamplesView view;
  view.columns["voltage_V"] = {3.7, std::numeric_limits<double>::quiet_NaN(), -INFINITY, 25.0};
  const std::string text = to_json(view);
  EXPECT_NE(text.find(R"("voltage_V":[3.7,null,null,25])"), std::string::npos) << text;
  const auto received = from_json<SamplesView>(text);
  ASSERT_TRUE(received);
  EXPECT_TRUE(std::isnan(received->columns.at("voltage_V")[1]));
  EXPECT_EQ(received->columns.at("voltage_V")[3], 25.0);
}

// A cell's file or an instrument may hold any bytes; JSON must stay JSON.
TEST(Messages, bytes_that_are_no_text_do_not_break_the_document) {
  const std::string bytes = std::string{"a\xff\xc3"} + '\0' + "\x1b[2J \xed\xa0\x80 \xf0\x9f\x94\x8b \xe2\x82";
  const auto received = from_json<Done>(to_json(Done{bytes}), UnknownFields::ignored);
  ASSERT_TRUE(received) << received.error().message;
  EXPECT_EQ(received->done, std::string{"a??"} + '\0' + "\x1b[2J ??? \xf0\x9f\x94\x8b ??");
}

TEST(Messages, optional_members_of_views_are_null_and_those_of_errors_are_left_out) {
  EXPECT_NE(to_json(ChannelView{}).find("\"voltage_V\":null"), std::string::npos);
  EXPECT_EQ(to_json(ErrorBody{{.code = "a", .message = "b"}}), R"({"error":{"code":"a","message":"b"}})");
  EXPECT_EQ(to_json(StreamMessage{.type = StreamType::dropped, .dropped = 7}), R"({"type":"dropped","dropped":7})");
}

TEST(Utc, has_milliseconds_and_comes_back) {
  EXPECT_EQ(utc_text(UtcTime{0}), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(utc_text(UtcTime{1'796'077'030'123'999'999}), "2026-11-30T22:17:10.123Z");
  EXPECT_EQ(parse_utc("2026-11-30T22:17:10.123Z")->ns_since_epoch, 1'796'077'030'123'000'000);
  EXPECT_EQ(parse_utc("2026-11-30T22:17:10Z")->ns_since_epoch, 1'796'077'030'000'000'000);
  EXPECT_EQ(utc_text(UtcTime{-1'000'000}), "1969-12-31T23:59:59.999Z");
}

TEST(Utc, that_does_not_exist_is_none) {
  for (const char* const text : {"", "Z", "2026-11-30", "2026-11-30T22:17:10", "2026-02-30T00:00:00Z", "2026-13-01T00:00:00Z",
                                 "2026-11-30T24:00:00Z", "2026-11-30T22:60:00Z", "2026-11-30 22:17:10Z", "2026-11-30T22:17:10.1Z",
                                 "2026-11-30T22:17:10.123+01:00", "9999-01-01T00:00:00Z", "+026-11-30T22:17:10Z"}) {
    EXPECT_FALSE(parse_utc(text)) << text;
  }
}

}  // namespace
}  // namespace cellrig::api
