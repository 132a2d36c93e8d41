// Cell files that clients add: what is kept of them, where, and under which name.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>

#include "controller/base/resources.hpp"
#include "controller/cli/files/added_cell.hpp"
#include "controller/cli/files/catalogue.hpp"
#include "controller/cli/serve/serve_prepare.hpp"
#include "db/sha256.hpp"
#include "tests/db/record_play.hpp"

namespace cellrig::cli {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::string text_of(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

class AddedCells : public testing::Test {
 protected:
  [[nodiscard]] Library library() const { return Library{{}, {}, folder_}; }
  [[nodiscard]] BenchCatalogue catalogue() const { return BenchCatalogue{{}, library(), "cellrig", folder_}; }
  [[nodiscard]] std::vector<std::string> doubts() const {
    std::vector<std::string> texts;
    for (const api::ServerChange& change : doubtful_cells(dir_.file("record.db"), library())) {
      EXPECT_TRUE(change.is_trouble);
      texts.push_back(change.action + ": " + change.text);
    }
    return texts;
  }
  void put(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories(folder_);
    std::ofstream{folder_ + "/" + name, std::ios::binary} << text;
  }
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
  ASSERT_THAT(files(), ElementsAre(added->sha256 + ".yaml"));
  EXPECT_EQ(db::sha256_hex(text_of(folder_ + "/" + files().front())), added->sha256);
  BenchCatalogue later = catalogue();
  const auto found = later.cell("sample-7");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->title, "LG M50");
  EXPECT_EQ(library().cell_file("sample-7"), folder_ + "/" + files().front());
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

// A process that was killed between the file and the audit row, or somebody who put a file there: every later one says so, until a person
// stands up for it.
TEST_F(AddedCells, that_nobody_is_recorded_for_are_told_of_at_every_start) {
  const auto recorder = db::test::must(db::Recorder::open(db::test::simulated(dir_.file("record.db"))));
  EXPECT_THAT(doubts(), IsEmpty());
  const auto added = catalogue().add_cell({"sample-7", text_, "emma", "new lot"});
  ASSERT_TRUE(added);
  put("notes.txt", "no cell");
  const auto are_told = ElementsAre(HasSubstr("cell file found: cell file 'sample-7', sha256 " + added->sha256));
  EXPECT_THAT(doubts(), are_told);
  const std::string detail = "{\"what\":\"cell file 'sample-7', sha256 " + added->sha256 + "\"}";
  recorder->audit({.verb = "serve", .action = "cell file found", .detail = detail});
  db::test::must(recorder->flush());
  EXPECT_THAT(doubts(), are_told) << "that it was told of once says of nobody that he has looked";
  EXPECT_TRUE(catalogue().add_cell({"sample-7", text_, "emma", "I compared it"})->is_added) << "which is recorded";
  recorder->audit({.verb = "serve", .action = "cell file added", .detail = detail});
  db::test::must(recorder->flush());
  EXPECT_THAT(doubts(), IsEmpty());
}

// Its limits would be in force without anybody having been asked.
TEST_F(AddedCells, are_no_files_that_somebody_put_there) {
  const auto recorder = db::test::must(db::Recorder::open(db::test::simulated(dir_.file("record.db"))));
  const std::optional<std::string> shipped = library().cell_file("lg-m50");
  put("lg-m50.yaml", text_);
  put("mine.yaml", kept_cell_text("mine", text_));
  put(db::sha256_hex(text_) + ".yaml", text_);
  std::filesystem::create_directory(folder_ + "/below");
  const std::string kept = kept_cell_text("below", text_);
  put("below/" + db::sha256_hex(kept) + ".yaml", kept);
  const std::string linked = kept_cell_text("linked", text_);
  std::ofstream{dir_.file("elsewhere.yaml")} << linked;
  std::filesystem::create_symlink(dir_.file("elsewhere.yaml"), folder_ + "/" + db::sha256_hex(linked) + ".yaml");
  EXPECT_EQ(library().cell_file("lg-m50"), shipped);
  for (const auto& [name, file] : library().cells()) EXPECT_THAT(file, Not(HasSubstr(folder_))) << name;
  EXPECT_THAT(doubts(), testing::SizeIs(5));
  EXPECT_THAT(doubts(), Contains(AllOf(HasSubstr("cell file ignored"), HasSubstr("/lg-m50.yaml"), HasSubstr("not the SHA-256"))));
}

TEST_F(AddedCells, whose_file_was_changed_in_place_start_nothing_until_they_are_added_again) {
  const auto recorder = db::test::must(db::Recorder::open(db::test::simulated(dir_.file("record.db"))));
  const auto added = catalogue().add_cell({"sample-7", text_, "emma", "new lot"});
  ASSERT_TRUE(added);
  recorder->audit({.verb = "serve", .action = "cell file added", .detail = added->sha256});
  db::test::must(recorder->flush());
  put(added->sha256 + ".yaml", kept_cell_text("sample-7", text_ + "# 4.5 V will do\n"));
  EXPECT_FALSE(library().cell_file("sample-7"));
  EXPECT_THAT(doubts(), ElementsAre(HasSubstr(added->sha256 + ".yaml is ignored")));
  const ControlResult<PreparedStart> start =
      prepare_start({.library = library(), .is_simulated = true}, {.profile = "cycle-life", .cell = "sample-7"}, {});
  ASSERT_FALSE(start);
  EXPECT_THAT(start.error().message, HasSubstr(added->sha256 + ".yaml is ignored"));
  ASSERT_TRUE(catalogue().add_cell({"sample-7", text_, "emma", "as it was"}));
  EXPECT_TRUE(library().cell_file("sample-7"));
  EXPECT_THAT(doubts(), IsEmpty());
}

// By the hash of its own content: it is named by nobody all the same when its name is taken.
TEST_F(AddedCells, take_the_place_of_no_other_cell) {
  const auto recorder = db::test::must(db::Recorder::open(db::test::simulated(dir_.file("record.db"))));
  const std::optional<std::string> shipped = library().cell_file("lg-m50");
  const std::string text = kept_cell_text("lg-m50", text_ + "# another one\n");
  put(db::sha256_hex(text) + ".yaml", text);
  EXPECT_EQ(library().cell_file("lg-m50"), shipped);
  EXPECT_THAT(doubts(), Contains(HasSubstr("is ignored, and no run can name it: there is a cell 'lg-m50'")));
  ASSERT_TRUE(catalogue().add_cell({"sample-7", text_, "emma", "new lot"}));
  const std::string second = kept_cell_text("sample-7", text_ + "# another one\n");
  put(db::sha256_hex(second) + ".yaml", second);
  EXPECT_FALSE(library().cell_file("sample-7"));
  EXPECT_THAT(doubts(), Contains(HasSubstr("several files that were added have its name, 'sample-7'")));
}

// Whoever asks holds a bench, whose chambers may be hot: a record that cannot be read is told of, and no more.
TEST_F(AddedCells, are_in_doubt_when_the_record_cannot_be_read) {
  ASSERT_TRUE(catalogue().add_cell({"sample-7", text_, "emma", "new lot"}));
  EXPECT_THAT(doubts(), ElementsAre(HasSubstr("the record does not say who added it"))) << "none";
  std::ofstream{dir_.file("record.db")} << std::string(10'000, 'x');
  EXPECT_THAT(doubts(), ElementsAre(AllOf(HasSubstr("the record does not say who added it"), HasSubstr("record.db"))));
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
  EXPECT_NE(library().cell_file("lg-m50"), folder_ + "/" + files().front());
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
