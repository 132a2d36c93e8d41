// A serial line that is not there: a pseudo-terminal with a name of its own that outlives a hang-up.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sim/net/socket.hpp"

namespace cellrig::sim {

/// A folder that is removed with all in it.
class OwnFolder {
 public:
  /// @throws std::system_error
  OwnFolder();
  ~OwnFolder();
  OwnFolder(const OwnFolder&) = delete;
  OwnFolder& operator=(const OwnFolder&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// * path() is a symbolic link to the device, as /dev/serial/by-id has them: after a hang-up it leads to another device.
/// * Raw, no echo. Clients come and go: the far end is kept open here, so that nothing is lost or seen when they do.
class PseudoTerminal {
 public:
  /// @throws std::system_error when there is no pseudo-terminal to be had.
  explicit PseudoTerminal(std::string path);
  ~PseudoTerminal();
  PseudoTerminal(const PseudoTerminal&) = delete;
  PseudoTerminal& operator=(const PseudoTerminal&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] const Descriptor& master() const { return master_; }
  /// The minor number of the device: N of /dev/pts/N.
  [[nodiscard]] std::uint32_t number() const { return number_; }
  /// What nobody reads is lost, as on a line: old bytes when there is no room at all, the end of these when there is not enough for
  /// them (8 KiB). False: some were lost.
  [[nodiscard]] bool send(std::string_view bytes) const;
  /// Whoever has the device open is told that the line is gone. While what is returned is kept, no other device gets its number.
  [[nodiscard]] Descriptor hang_up();

 private:
  std::string path_;
  Descriptor master_, slave_;
  std::uint32_t number_ = 0;
};

/// Reads what is there, at most one buffer, and appends it.
[[nodiscard]] Received read_into(const Descriptor& master, std::string& into);

}  // namespace cellrig::sim
