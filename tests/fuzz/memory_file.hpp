// A file that is in memory only, for readers that take a path.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <string>
#include <string_view>

#include "tests/fuzz/fuzz_input.hpp"

namespace cellrig::fuzz {

class MemoryFile {
 public:
  explicit MemoryFile(std::string_view text) : descriptor_{::memfd_create("input", MFD_CLOEXEC)} {
    require(descriptor_ >= 0, "the system gives a file");
    for (std::size_t at = 0; at < text.size();) {
      const ssize_t written = ::write(descriptor_, text.data() + at, text.size() - at);
      require(written > 0, "the system takes what is written");
      at += static_cast<std::size_t>(written);
    }
  }
  ~MemoryFile() { ::close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  [[nodiscard]] std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

}  // namespace cellrig::fuzz
