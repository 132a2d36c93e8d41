// A cell file with one piece of its text replaced.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "controller/base/config_error.hpp"
#include "sim/cell_file.hpp"

namespace cellrig::sim {

/// The message of the ConfigError that reading it throws; "no error" otherwise.
inline std::string message_after(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  if (at == std::string::npos) return "the test did not find " + from;
  text.replace(at, from.size(), to);
  const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
  const std::string path = ::testing::TempDir() + test->test_suite_name() + "_" + test->name() + ".yaml";
  std::ofstream{path} << text;
  std::string message = "no error";
  try {
    static_cast<void>(load_cell_file(path));
  } catch (const ConfigError& error) {
    message = error.what();
    EXPECT_EQ(error.place().file, path);
    EXPECT_GT(error.place().line, 0);
    EXPECT_GT(error.place().column, 0);
  }
  std::filesystem::remove(path);
  return message;
}

}  // namespace cellrig::sim
