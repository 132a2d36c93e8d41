// Loaded into a program before everything else: its clocks are set by a file. A line "realtime_s boottime_s" in the file named by
// CELLRIG_TEST_CLOCKS is added to CLOCK_REALTIME and CLOCK_BOOTTIME: what `date -s` and a suspended machine do to a process.
#include <dlfcn.h>
#include <time.h>

#include <cstdio>
#include <cstdlib>

namespace {

struct Shift {
  double realtime_s = 0, boottime_s = 0;
};

Shift read_shift() {
  Shift shift;
  const char* const path = std::getenv("CELLRIG_TEST_CLOCKS");
  std::FILE* const file = path != nullptr ? std::fopen(path, "re") : nullptr;
  if (file == nullptr) return shift;
  if (std::fscanf(file, "%lf %lf", &shift.realtime_s, &shift.boottime_s) != 2) shift = Shift{};
  std::fclose(file);
  return shift;
}

}  // namespace

extern "C" int clock_gettime(clockid_t id, timespec* out) {
  using Original = int (*)(clockid_t, timespec*);
  static const Original original = reinterpret_cast<Original>(dlsym(RTLD_NEXT, "clock_gettime"));
  const int code = original(id, out);
  if (code == 0 && (id == CLOCK_REALTIME || id == CLOCK_BOOTTIME)) {
    const Shift shift = read_shift();
    out->tv_sec += static_cast<time_t>(id == CLOCK_REALTIME ? shift.realtime_s : shift.boottime_s);
  }
  return code;
}
