#include "controller/cli/run/simulated_person.hpp"

#include <utility>

namespace cellrig::cli {

Task<void> do_as_asked(TimeSource& time, BenchRun& run, std::string channel, PersonTask task,
                       std::function<void(double pressure_MPa)> set_pressure) {
  co_await time.sleep_for(simulated_person_takes);
  if (task.stack_pressure_MPa) set_pressure(*task.stack_pressure_MPa);
  if (task.is_confirmed) (void)run.confirm(channel, "simulated person");
}

}  // namespace cellrig::cli
