#!/usr/bin/env python3
"""Kills mutants of the safety supervisor: each row of its tables removed, loosened or turned round must fail some test.

    mutants.py [--all] UNIT_PROGRAM SCENARIO_PROGRAM     exits 1 when a mutant survives, or when a program fails without any

A row that is removed has to be missed by both; of one that is loosened or turned round, which the unit tests notice, the scenarios are asked with
--all only.
"""

import os
import subprocess
import sys
import time

LIMITS = ("over_voltage", "under_voltage", "over_current_charge", "over_current_discharge", "over_temperature", "under_temperature",
          "cold_charging", "overcharge")
MUTANTS = [f"{row} {what}" for row in LIMITS for what in ("removed", "loosened", "turned")]
MUTANTS += ["stale_reading removed", "stale_temperature removed", "stale_temperature loosened", "temperature_required removed",
            "direction_and_no_command removed", "current_noise loosened", "frozen_reading removed", "frozen_reading loosened",
            "temperature_rate removed", "temperature_rate loosened", "bad_reading removed", "open_circuit removed",
            "open_circuit loosened", "open_circuit turned", "chamber_band removed", "chamber_band loosened", "chamber_band turned",
            "chamber_hold removed", "chamber_hold loosened", "chamber_limit removed", "chamber_ramp removed", "chamber_ramp turned",
            "heat_memory removed", "heat_surroundings removed", "off_command removed", "off_command loosened", "still_voltage removed", "still_voltage loosened",
            "still_temperature removed", "still_temperature loosened", "chamber_alarm removed"]
MUTANTS += [f"{row} {what}" for row in ("no_rise", "voltage_step", "no_taper", "rest_decay", "self_heating", "unexplained_heat", "energy_balance") for what in ("removed", "loosened", "turned")]
MUTANTS += [f"{row} {what}" for row in ("stack_pressure", "gas", "voltage_difference") for what in ("removed", "loosened")]
# Where a scenario cannot tell: the rates by temperature of its cell trip as well; and two parameters of one row, without which it trips too much.
NOTICED_BY_UNITS_ONLY = ("over_current_charge removed", "heat_memory removed", "heat_surroundings removed")
LEAST_TIME_S = 10  # a run that takes that, and three times what it takes without a mutant, does not end
TIMES_AS_LONG = 3
FIRST_RUN_WITHIN_S = 600


def passes(program, mutant, within_s):
    environment = {**os.environ, "CELLRIG_MUTANT": mutant}
    try:
        done = subprocess.run([program, "--gtest_fail_fast", "--gtest_brief=1"], env=environment, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, timeout=within_s, check=False)
    except subprocess.TimeoutExpired:
        return False  # a run that never ends is noticed, too
    return done.returncode == 0


def main(unit, scenario, asks_all):
    within_s = {}
    for program in (unit, scenario):
        began = time.monotonic()
        if not passes(program, "", FIRST_RUN_WITHIN_S):
            print(f"{program} fails without any mutant")
            return 1
        within_s[program] = max(LEAST_TIME_S, TIMES_AS_LONG * (time.monotonic() - began))
    survivors = 0
    for mutant in MUTANTS:
        killers = [] if passes(unit, mutant, within_s[unit]) else ["unit"]
        is_asked = asks_all or mutant.endswith(" removed") or not killers
        if is_asked and not passes(scenario, mutant, within_s[scenario]):
            killers.append("scenario")
        # A unit test may notice a row that is missing by itself; what counts is that a whole bench does.
        survives = not killers or (mutant.endswith(" removed") and "scenario" not in killers and mutant not in NOTICED_BY_UNITS_ONLY)
        survivors += survives
        print(f"{mutant:<36} {'SURVIVED ' if survives else ''}{'killed by ' + ' and '.join(killers) if killers else ''}", flush=True)
    print(f"{len(MUTANTS) - survivors} of {len(MUTANTS)} killed")
    return 1 if survivors else 0


if __name__ == "__main__":
    programs = [word for word in sys.argv[1:] if word != "--all"]
    if len(programs) != 2:
        sys.exit(__doc__)
    sys.exit(main(*programs, "--all" in sys.argv))
