// A connection that carries bytes: TCP, a serial line, or memory.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "controller/async/task.hpp"
#include "controller/async/time_source.hpp"
#include "controller/base/result.hpp"

namespace cellrig {

/// * open() connects; anything still open is closed first. A failed operation leaves the stream closed.
/// * close() is immediate and ends whatever is in flight with Fault::interrupted.
/// * write() sends everything or fails. read_some() returns at least one byte or fails.
/// * One reader and one writer at a time. The caller keeps the buffers alive until the operation is over.
class ByteStream {
 public:
  virtual ~ByteStream() = default;
  [[nodiscard]] virtual bool is_open() const = 0;
  /// False: no open() of this object has ever reached the other end, so nothing was said to it. Where nobody can know: true.
  [[nodiscard]] virtual bool was_open() const { return true; }
  [[nodiscard]] virtual Task<Result<void>> open(Deadline deadline) = 0;
  virtual void close() noexcept = 0;
  [[nodiscard]] virtual Task<Result<void>> write(std::string_view bytes, Deadline deadline) = 0;
  [[nodiscard]] virtual Task<Result<std::size_t>> read_some(std::span<char> into, Deadline deadline) = 0;
  [[nodiscard]] virtual LinkKey key() const = 0;          ///< for TimeSource::InFlight; valid while open
  [[nodiscard]] virtual std::string address() const = 0;  ///< for messages: "127.0.0.1:5025"
};

}  // namespace cellrig
