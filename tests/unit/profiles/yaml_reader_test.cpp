#include "profiles/yaml_reader.hpp"

#include "tests/unit/profiles/support.hpp"

namespace cellrig::test {
namespace {

std::string refusal(const std::string& text, const YamlBounds& bounds = {}) {
  return error_of([&] { (void)read_yaml(text, "f.yaml", bounds); });
}

TEST(YamlReader, every_value_knows_its_place) {
  const YamlNode root = read_yaml("a: 1\nb:\n  - {c: 'x', d: \"y\"}\n", "f.yaml");
  ASSERT_EQ(root.entries().size(), 2U);
  EXPECT_EQ(to_string(root.entries()[0].place), "f.yaml:1:1");
  EXPECT_EQ(to_string(root.entries()[0].value.place()), "f.yaml:1:4");
  const YamlNode& inner = root.entries()[1].value.items().at(0);
  EXPECT_EQ(to_string(inner.entries()[0].place), "f.yaml:3:6");
  EXPECT_EQ(to_string(inner.entries()[0].value.place()), "f.yaml:3:10");  // the x, not its quote
  EXPECT_EQ(to_string(inner.entries()[1].value.place()), "f.yaml:3:18");
}

// yaml-cpp itself keeps both and finds the first: the second limit a technician wrote would silently not count.
TEST(YamlReader, refuses_duplicate_keys) {
  EXPECT_EQ(refusal("a: 1\nb: 2\na: 3\n"), "f.yaml:3:1: duplicate key 'a', first given on line 1");
  EXPECT_EQ(refusal("x: {a: 1, a: 2}\n"), "f.yaml:1:11: duplicate key 'a', first given on line 1");
}

TEST(YamlReader, refuses_aliases_anchors_and_tags) {
  EXPECT_EQ(refusal("a: &x 1\n"), "f.yaml:1:4: anchors and aliases ('&', '*') are not allowed: write the value out");
  EXPECT_THAT(refusal("a: &x [*x]\n"), testing::HasSubstr("anchors and aliases"));
  EXPECT_THAT(refusal("a: *x\n"), testing::StartsWith("f.yaml:1:"));
  EXPECT_THAT(refusal("a: !!python/object 1\n"), testing::HasSubstr("tags ("));
}

TEST(YamlReader, bounds_depth_size_and_number_of_values) {
  EXPECT_THAT(refusal(std::string(400, '[') + std::string(400, ']')), testing::HasSubstr("nested deeper than 320 levels"));
  EXPECT_THAT(refusal(std::string(5000, '[')), testing::HasSubstr("nested deeper than 320 levels"));
  EXPECT_EQ(refusal("[1, 2, 3]", YamlBounds{.nodes_max = 3}), "f.yaml:1:8: more than 3 values");
  EXPECT_EQ(refusal("a: 123456789", YamlBounds{.bytes_max = 5}), "f.yaml: the file is larger than 5 bytes");
}

TEST(YamlReader, refuses_what_is_no_single_document) {
  EXPECT_EQ(refusal(""), "f.yaml: the file is empty");
  EXPECT_THAT(refusal("a: 1\n---\nb: 2\n"), testing::HasSubstr("a second document"));
  EXPECT_THAT(refusal("a: [1, 2\n"), testing::HasSubstr("not readable as YAML"));
  EXPECT_THAT(refusal("a: 1\n\tb: 2\n"), testing::StartsWith("f.yaml:"));
}

TEST(YamlReader, lines_may_end_as_on_windows) {
  const YamlNode root = read_yaml("a: 1\r\nb: {c: x}\r\n", "f.yaml");
  ASSERT_EQ(root.entries().size(), 2U);
  EXPECT_EQ(root.entries()[0].value.scalar(), "1");
  EXPECT_EQ(to_string(root.entries()[1].place), "f.yaml:2:1");
}

// yaml-cpp takes character 4 for the end of the file; half a document would have been read as a whole one.
TEST(YamlReader, refuses_control_characters) {
  EXPECT_EQ(refusal(std::string{"a: 1\nb: "} + '\x04' + "2\nc: 3\n"), "f.yaml:2:4: control character 4 in the text");
  EXPECT_EQ(refusal(std::string{"a: 1"} + '\0'), "f.yaml:1:5: control character 0 in the text");
}

TEST(YamlMap, refuses_unknown_keys_with_the_nearest) {
  const YamlNode root = read_yaml("voltage_mV: 4200\n", "f.yaml");
  EXPECT_EQ(error_of([&] {
              YamlMap(root, "cc_charge", {"voltage_V", "rate_C"});
            }),
            "f.yaml:1:1: unknown key 'voltage_mV' in cc_charge, did you mean 'voltage_V'?");
}

TEST(YamlMap, typed_getters_say_what_they_expected) {
  const YamlNode root = read_yaml("n: 4,2\ni: 1.5\nb: yes\nt: [1]\nok: 0\nflag: false\n", "f.yaml");
  const YamlMap map{root, "a bench", {"n", "i", "b", "t", "ok", "flag", "none"}};
  EXPECT_THAT(error_of([&] { (void)map.number("n"); }),
              testing::StartsWith("f.yaml:1:4: '4,2' is no number: the decimal point is '.'"));
  EXPECT_EQ(error_of([&] { (void)map.integer("i"); }), "f.yaml:2:4: 'i' must be a whole number, found '1.5'");
  EXPECT_EQ(error_of([&] { (void)map.boolean_or("b", true); }), "f.yaml:3:4: 'b' must be true or false, found 'yes'");
  EXPECT_EQ(error_of([&] { (void)map.text("t"); }), "f.yaml:4:4: 't' must be a text, found a list");
  EXPECT_EQ(error_of([&] { (void)map.required("none"); }), "f.yaml:1:1: a bench needs 'none'");
  EXPECT_EQ(map.number_or("ok", 7.0), 0.0);  // zero is a value, not "unset"
  EXPECT_EQ(map.number_or("none", 7.0), 7.0);
  EXPECT_FALSE(map.boolean_or("flag", true));
}

TEST(YamlReader, a_missing_file_is_named) {
  EXPECT_EQ(error_of([] { (void)read_text_file("no/such/file.yaml"); }), "no/such/file.yaml: cannot be opened");
  EXPECT_EQ(error_of([] { (void)read_text_file("."); }), ".: is a directory, not a file");
}

}  // namespace
}  // namespace cellrig::test
