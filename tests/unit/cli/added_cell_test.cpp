// Cell files that clients add: what is kept of them, where, and under which name.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "controller/base/resources.hpp"
#include "controller/cli/files/added_cell.hpp"
#include "controller/cli/files/catalogue.hpp"
#include "controller/cli/serve/serve_prepare.hpp"
#include "db/sha256.hpp"
#include "tests/db/record_play.hpp"

namespace cellrig::cli {
namespace {

using testing::HasSubstr;

std::string text_of(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

class AddedCells : public testing::Test {
 protected:
  [[nodiscard]] BenchCatalogue catalogue() const { return BenchCatalogue{{}, Library{{}, {folder_}}, "cellrig", folder_}; }
  [[nodiscard]] std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator{folder_}) names.push_back(entry.path().filename().string());
    return names;
  }

  const db::test::TempDir dir_;
  const std::string folder_ = dir_.file("record.db.cells");
  const std::string text_ = text_of(cell_directory() + "/lg-m50.yaml");
};

TEST_F(AddedCells, are_kept_under_the_hash_of_their_content_and_found_by_name_after_a_restart) {
  const auto added = catalogue().add_cell({"sample-7", text_, "emma", "new lot"});
  ASSERT_TRUE(added) << added.error().message;
  EXPECT_TRUE(added->is_new);
  EXPECT_EQ(added->view.name, "sample-7");
  ASSERT_THAT(files(), testing::ElementsAre(added->sha256 + ".yaml"));
  EXPECT_EQ(db::sha256_hex(text_of(folder_ + "/" + files().front())), added->sha256);
  BenchCatalogue later = catalogue();
  const auto found = later.cell("sample-7");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->title, "LG M50");
  EXPECT_EQ(Library({}, {folder_}).cell_file("sample-7"), folder_ + "/" + files().front());
  const auto again = later.add_cell({"sample-7", text_, "tom", "the same"});
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_FALSE(again->is_new);
  EXPECT_EQ(files().size(), 1U);
}

// All or nothing: a cell that was refused, and that nobody is recorded for, cannot be named.
TEST_F(AddedCells, leave_no_file_when_the_disk_does_not_confirm_them) {
  const std::string kept = kept_cell_text("sample-7", text_);
  for (int fails_at = 1; fails_at <= 2; ++fails_at) {  // the folder, and the one in which it is new
    std::filesystem::remove_all(folder_);
    int syncs = 0;
    const SyncFolder sync = [&](const std::string& folder) { return ++syncs == fails_at ? folder + ": broken" : std::string{}; };
    EXPECT_THAT(keep_cell_file(folder_, kept, sync), HasSubstr("broken"));
    EXPECT_TRUE(files().empty());
    EXPECT_FALSE(catalogue().cell("sample-7"));
  }
  EXPECT_EQ(keep_cell_file(folder_, kept), "");
  EXPECT_TRUE(catalogue().cell("sample-7"));
}

// A process that was killed between the file and the audit row, or somebody who put a file there: the next one says so, once.
TEST_F(AddedCells, that_nobody_is_recorded_for_are_found) {
  const std::string database = dir_.file("record.db");
  const auto recorder = db::test::must(db::Recorder::open(db::test::simulated(database)));
  EXPECT_TRUE(cells_nobody_added(database).empty());
  const auto added = catalogue().add_cell({"sample-7", text_, "emma", "new lot"});
  ASSERT_TRUE(added);
  std::ofstream{folder_ + "/notes.txt"} << "no cell";
  const std::vector<api::ServerChange> found = cells_nobody_added(database);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_TRUE(found[0].is_trouble);
  EXPECT_THAT(found[0].text, HasSubstr("'sample-7', sha256 " + added->sha256));
  recorder->audit({.verb = "serve", .action = "cell file found", .detail = "{\"what\":\"" + found[0].text + "\"}"});
  db::test::must(recorder->flush());
  EXPECT_TRUE(cells_nobody_added(database).empty());
}

TEST_F(AddedCells, have_one_meaning_for_each_name) {
  BenchCatalogue cells = catalogue();
  ASSERT_TRUE(cells.add_cell({"sample-7", text_, "emma", "new lot"}));
  for (const char* const name : {"sample-7", "fest-77"}) {
    const auto other = cells.add_cell({name, text_ + "# another one\n", "emma", "new lot"});
    ASSERT_FALSE(other) << name;
    EXPECT_EQ(other.error().code, "exists") << name;
  }
  ASSERT_TRUE(cells.add_cell({"sample-8", text_, "emma", "the same cell under another name"}));
  EXPECT_EQ(files().size(), 2U);
  EXPECT_EQ(cells.cell("sample-8")->name, "sample-8");
}

// Whoever writes such a line into a text does not choose another name with it.
TEST_F(AddedCells, have_the_name_that_was_asked_for_whatever_their_text_says) {
  BenchCatalogue cells = catalogue();
  ASSERT_TRUE(cells.add_cell({"sample-7", kept_cell_text("lg-m50", text_), "emma", "new lot"}));
  EXPECT_TRUE(cells.cell("sample-7"));
  EXPECT_EQ(cells.cell("lg-m50")->name, "lg-m50");
  EXPECT_NE(Library({}, {folder_}).cell_file("lg-m50"), folder_ + "/" + files().front());
}

TEST_F(AddedCells, that_are_none_leave_nothing) {
  BenchCatalogue cells = catalogue();
  for (const char* const name : {"", "../x", "a/b", ".x", "-x", "a b"}) {
    EXPECT_EQ(cells.add_cell({name, text_, "emma", "new lot"}).error().where, "name") << name;
  }
  EXPECT_EQ(cells.add_cell({"x", "name: x", "emma", "new lot"}).error().code, "bad_input");
  EXPECT_FALSE(std::filesystem::exists(folder_));
}

TEST_F(AddedCells, are_so_many_and_no_more) {
  std::filesystem::create_directories(folder_);
  for (int i = 0; i < 1000; ++i) std::ofstream{folder_ + "/" + std::to_string(i)};
  const auto added = catalogue().add_cell({"sample-7", text_, "emma", "new lot"});
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().code, "not_kept");
  EXPECT_THAT(added.error().message, HasSubstr("as many cell files as it may"));
}

TEST_F(AddedCells, that_the_disk_does_not_take_are_said_not_to_be_kept) {
  std::ofstream{folder_} << "no folder";
  const auto added = catalogue().add_cell({"sample-7", text_, "emma", "new lot"});
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().code, "not_kept");
}

}  // namespace
}  // namespace cellrig::cli
