// A program whose clocks somebody sets: shifted_clocks.cpp is loaded into it.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

namespace cellrig::test {

/// For a process whose clocks `file` shifts. Address sanitizer wants to be loaded first; here our clocks are.
inline std::map<std::string, std::string> shifted_clocks(const std::string& file) {
  const char* const given = std::getenv("ASAN_OPTIONS");
  const std::string options = std::string(given != nullptr ? given : "") + ":verify_asan_link_order=0";
  return {{"LD_PRELOAD", CELLRIG_SHIFTED_CLOCKS}, {"CELLRIG_TEST_CLOCKS", file}, {"ASAN_OPTIONS", options}};
}

/// At once, for whoever reads them next.
inline void set_clocks(const std::string& file, int realtime_s, int boottime_s) {
  std::ofstream{file + ".new"} << realtime_s << ' ' << boottime_s << '\n';
  std::filesystem::rename(file + ".new", file);
}

}  // namespace cellrig::test
