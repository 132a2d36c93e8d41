// F39 with a file system that is really full: a tmpfs of 900 KiB, in a mount namespace of this program's own. Without the right to make
// one (some containers) the tests are skipped, in words; what RLIMIT_FSIZE can stand for is tried in any case (crash_test, serve_test).
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>

#include "tests/program/live_bench.hpp"

namespace cellrig::test {
namespace {

using testing::HasSubstr;

constexpr Seconds end_limit{60};
constexpr const char* small_disk = "size=900k";

bool write_whole(const char* path, const std::string& text) {
  const int descriptor = ::open(path, O_WRONLY | O_CLOEXEC);
  const bool is_written = descriptor >= 0 && ::write(descriptor, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  if (descriptor >= 0) ::close(descriptor);
  return is_written;
}

/// Empty: this process, and whatever it starts from now on, has its own view of what is mounted where. Else why not.
std::string own_mounts() {
  static const std::string why_not = []() -> std::string {
    const std::string user = std::to_string(::getuid()), group = std::to_string(::getgid());
    const bool is_root = ::geteuid() == 0 && ::unshare(CLONE_NEWNS) == 0;
    if (!is_root) {
      if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return std::string("unshare: ") + std::strerror(errno);
      (void)write_whole("/proc/self/setgroups", "deny");
      if (!write_whole("/proc/self/uid_map", "0 " + user + " 1") || !write_whole("/proc/self/gid_map", "0 " + group + " 1"))
        return std::string("uid_map: ") + std::strerror(errno);
    }
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return std::string("mount: ") + std::strerror(errno);
    return {};
  }();
  return why_not;
}

class FullTmpfs : public testing::Test {
 protected:
  void SetUp() override {
    const std::string why_not = own_mounts();
    // Whoever may not mount cannot fill a file system of his own; the same promise is tested with a limit on the size of a file.
    if (!why_not.empty()) GTEST_SKIP() << "no mount namespace of our own here: " << why_not;
    bench = std::make_unique<LiveBench>("single");
    disk = bench->folder + "/disk";
    std::filesystem::create_directory(disk);
    ASSERT_EQ(::mount("tmpfs", disk.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, small_disk), 0) << std::strerror(errno);
  }
  void TearDown() override {
    if (!disk.empty()) (void)::umount2(disk.c_str(), MNT_DETACH);
  }
  void expect_kept() const {
    const std::unique_ptr<db::Reader> record = bench->record("disk/first.db");
    const db::RunInfo run = only_run(*record, "ch1");
    EXPECT_NE(run.status, "completed");
    EXPECT_GT(samples_of(*record, run.run).size(), 0U) << "what was kept can be read";
    EXPECT_EQ(cellrig({"db", "verify", "--db", "disk/first.db"}, {.folder = bench->folder}).exit_code, 0);
  }

  std::unique_ptr<LiveBench> bench;
  std::string disk;
};

TEST_F(FullTmpfs, ends_a_run_with_5_and_the_output_off_and_what_was_kept_is_intact) {
  const std::unique_ptr<Process> run =
      bench->start_charging({.database = "disk/first.db", .more = {"--control-period-s", "0.02", "--disk-reserve-MiB", "0"}});
  EXPECT_EQ(run->wait(end_limit), 5) << run->out() << run->err();
  EXPECT_TRUE(bench->simulator.is_off("ch1")) << "switched off, not left to the watchdog";
  EXPECT_THAT(run->err(), HasSubstr("disk/first.db"));
  expect_kept();
}

TEST_F(FullTmpfs, ends_a_service_with_5_and_the_output_off_and_what_was_kept_is_intact) {
  Process serve(cellrig_command({"serve", "--bench", bench->simulator.bench_file(), "--simulator", bench->simulator.ready_file(),
                                 "--db", "disk/first.db", "--listen", "127.0.0.1:0", "--profiles", bench->folder, "--start",
                                 "ch1=charge", "--control-period-s", "0.02", "--disk-reserve-MiB", "0"}),
                with_leases({.folder = bench->folder}));
  ASSERT_TRUE(eventually(end_limit, [&] { return bench->charges("ch1"); })) << serve.err();
  EXPECT_EQ(serve.wait(end_limit), 5) << serve.err();
  EXPECT_TRUE(bench->simulator.is_off("ch1"));
  expect_kept();
}

}  // namespace
}  // namespace cellrig::test
