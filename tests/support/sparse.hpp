// How densely a test tries every moment.
#pragma once

namespace cellrig {

/// 1, and `sanitized` under the address sanitizer, which makes all of it several times as slow and finds no other paths between two
/// moments: every so many of them is tried there, all of them in the release build.
constexpr int sparse_when_sanitized(int sanitized) {
#ifdef __SANITIZE_ADDRESS__
  return sanitized;
#else
  (void)sanitized;
  return 1;
#endif
}

}  // namespace cellrig
