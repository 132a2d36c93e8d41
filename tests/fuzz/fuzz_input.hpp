// What a fuzz target is made of: bytes that are taken one after the other, and properties that end the process when they do not hold.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace cellrig::fuzz {

/// At its end it yields zeros and empty texts, so that every input is a whole one.
class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : left_{reinterpret_cast<const char*>(data), size} {}

  [[nodiscard]] bool is_empty() const { return left_.empty(); }
  std::uint8_t byte() {
    if (left_.empty()) return 0;
    const auto value = static_cast<std::uint8_t>(left_.front());
    left_.remove_prefix(1);
    return value;
  }
  std::uint16_t word() {
    const unsigned high = byte();
    return static_cast<std::uint16_t>(high << 8U | byte());
  }
  /// Up to and without the next newline.
  std::string_view line() {
    const std::size_t end = left_.find('\n');
    const std::string_view text = left_.substr(0, end);
    left_.remove_prefix(end == std::string_view::npos ? left_.size() : end + 1);
    return text;
  }
  std::string_view rest() {
    const std::string_view text = left_;
    left_ = {};
    return text;
  }

 private:
  std::string_view left_;
};

/// A property. The process ends by SIGABRT when it does not hold, which libFuzzer and the replay take for a finding.
inline void require(bool holds, const char* property) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", property);
  std::abort();
}

}  // namespace cellrig::fuzz

/// The one function of a target. Whatever the bytes are: it returns 0, and no exception leaves it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
