// A model file, read for every driver that might be meant.
#include <string>

#include "drivers/models/model_file.hpp"
#include "tests/fuzz/fuzz_input.hpp"
#include "tests/fuzz/memory_file.hpp"

namespace cellrig::fuzz {
namespace {

/// What a reader says, or that it is wrong; nothing else may leave it.
template <class Reader>
bool accepts(const Reader& read, const std::string& path) {
  try {
    (void)read(path);
    return true;
  } catch (const ConfigError& error) {
    require(error.place().file == path, "an error names the file");
    require(!error.message().empty() && error.message().size() < 10'000, "an error says why, in bounds");
    return false;
  }
}

/// As the driver of that kind reads it.
bool is_read(const std::string& kind, const std::string& path) {
  if (kind == kind_ea_psb) return accepts(load_ea_psb_model, path);
  if (kind == kind_keysight_n6900) return accepts(load_keysight_n6900_model, path);
  if (kind == kind_itech) return accepts(load_itech_model, path);
  if (kind == kind_register_chamber) return accepts(load_register_chamber_model, path);
  if (kind == kind_espec) return accepts(load_espec_model, path);
  if (kind == kind_adam_6018) return accepts(load_adam_6018_model, path);
  if (kind == kind_keysight_daq) return accepts(load_keysight_daq_model, path);
  if (kind == kind_register_sensor) return accepts(load_register_sensor_model, path);
  return accepts(load_coil_module_model, path);
}

bool has_capabilities(ModelRole role, const std::string& path) {
  switch (role) {
    case ModelRole::cycler: return accepts(load_cycler_capabilities, path);
    case ModelRole::chamber: return accepts(load_chamber_capabilities, path);
    case ModelRole::logger: return accepts(load_logger_capabilities, path);
    case ModelRole::coil_module: break;
  }
  return false;
}

}  // namespace
}  // namespace cellrig::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cellrig;
  const fuzz::MemoryFile file{fuzz::Input{data, size}.rest()};
  const std::string path = file.path();
  fuzz::accepts(load_line_model, path);
  std::string kind;
  const auto read_kind = [&kind](const std::string& of) { kind = load_model_kind(of); };
  if (!fuzz::accepts(read_kind, path)) {
    fuzz::require(!fuzz::accepts(load_ea_psb_model, path), "a model has a kind");
    return 0;
  }
  const bool is_model = fuzz::is_read(kind, path);
  const std::string other{kind == kind_ea_psb ? kind_espec : kind_ea_psb};
  fuzz::require(!fuzz::is_read(other, path), "a file is a model of one kind");
  const ModelRole role = role_of_kind(kind);
  if (is_model && role == ModelRole::cycler) fuzz::require(fuzz::accepts(load_firmware_seen, path), "so is what else it says");
  if (role != ModelRole::coil_module) fuzz::require(fuzz::has_capabilities(role, path) == is_model, "a model has capabilities");
  return 0;
}
