// One owner per output. A lease is an exclusive lock on a file named after the instrument's address, held while the process
// lives; the kernel gives it back when the process dies, however it dies.
#pragma once

#include <string>

#include "controller/base/result.hpp"
#include "controller/runtime/fencing.hpp"

namespace cellrig {

class Lease {
 public:
  /// Fault::busy names the holder when another process has it. `output` is "host:port" of the instrument's output.
  [[nodiscard]] static Result<Lease> take(const std::string& directory, const std::string& output);
  /// CELLRIG_LEASE_DIR, else /run/lock/cellrig where that can be made, else /tmp/cellrig-leases, the same for all users.
  [[nodiscard]] static std::string default_directory();

  /// Larger than that of every take before, on this machine since it was started.
  [[nodiscard]] FencingToken token() const { return token_; }

  Lease(Lease&& other) noexcept;
  Lease& operator=(Lease&&) = delete;
  Lease(const Lease&) = delete;
  ~Lease();

 private:
  Lease(int descriptor, FencingToken token) : descriptor_{descriptor}, token_{token} {}
  int descriptor_ = -1;
  FencingToken token_;
};

}  // namespace cellrig
