// Without libFuzzer: every input of the folders is run, then mutations of them, the same ones every time.
//
//   fuzz_TARGET [--mutations N] FOLDER...
//
// Which input it was is told when one ends the process; its bytes are left in the working folder as TARGET.finding.
#include <algorithm>
#include <csignal>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/fuzz/fuzz_input.hpp"
#include "tests/fuzz/mutator.hpp"

/// The address sanitizer ends the process without a signal; in other builds this is null.
extern "C" __attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)());

namespace cellrig::fuzz {
namespace {

constexpr double cpu_seconds_max = 5.0;  ///< of one input; one that is larger never ends, as far as anybody who waits can tell
constexpr std::size_t seed_size_max = 64 * 1024;

struct Run {
  std::string target;
  std::string what;  ///< for messages: where the input is from
  std::string bytes;
};
Run current;

void tell() {
  std::cerr << current.target << ": " << current.what << " ended the process; its bytes are in " << current.target
            << ".finding\n";
  std::ofstream{current.target + ".finding", std::ios::binary} << current.bytes;
}

void on_signal(int signal) {
  std::signal(signal, SIG_DFL);
  tell();  // no function for a signal handler, but the process is over in any case
  std::raise(signal);
}

double cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

void run(std::string bytes, std::string what) {
  current.bytes = std::move(bytes);
  current.what = std::move(what);
  const double begin = cpu_seconds();
  // A copy of exactly its size, so that the address sanitizer sees a read beyond it.
  const std::vector<std::uint8_t> exact(current.bytes.begin(), current.bytes.end());
  require(LLVMFuzzerTestOneInput(exact.data(), exact.size()) == 0, "a target returns 0");
  require(cpu_seconds() - begin < cpu_seconds_max, "an input is dealt with within seconds");
}

std::vector<std::string> files_of(const std::vector<std::string>& folders) {
  std::vector<std::string> files;
  for (const std::string& folder : folders) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
      if (entry.is_regular_file()) files.push_back(entry.path().string());
    }
  }
  std::sort(files.begin(), files.end());  // the order of a folder is no seed
  return files;
}

int replay(const std::vector<std::string>& folders, int mutation_count) {
  std::vector<std::string> seeds;
  const std::vector<std::string> files = files_of(folders);
  for (const std::string& file : files) {
    std::ifstream stream{file, std::ios::binary};
    std::string bytes{std::istreambuf_iterator<char>{stream}, {}};
    run(bytes, file);
    if (bytes.size() <= seed_size_max) seeds.push_back(std::move(bytes));
  }
  if (seeds.empty()) {
    std::cerr << "no input to begin with\n";
    return 2;
  }
  Mutator mutator{std::move(seeds)};
  for (int i = 0; i < mutation_count; ++i) run(mutator.next(), "mutation " + std::to_string(i));
  std::cout << current.target << ": " << files.size() << " inputs and " << mutation_count << " mutations\n";
  return 0;
}

}  // namespace
}  // namespace cellrig::fuzz

int main(int argc, char** argv) {
  using namespace cellrig::fuzz;
  current.target = std::filesystem::path{argv[0]}.filename().string();
  int mutation_count = 2000;
  std::vector<std::string> folders;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--mutations") == 0 && i + 1 < argc) {
      mutation_count = std::atoi(argv[++i]);
    } else {
      folders.emplace_back(argv[i]);
    }
  }
  for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL}) std::signal(signal, on_signal);
  if (__sanitizer_set_death_callback != nullptr) __sanitizer_set_death_callback(tell);
  return replay(folders, mutation_count);
}
