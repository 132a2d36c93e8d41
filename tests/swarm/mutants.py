#!/usr/bin/env python3
"""Kills mutants of the safety supervisor: each row of its tables removed, loosened or turned round must fail some test.

    mutants.py [--note] UNIT_PROGRAM SCENARIO_PROGRAM     exits 1 when a mutant survives, or when a program fails without any

A unit test may notice a row by itself; what counts is that a whole bench does: a mutant that no scenario kills has survived.
mutant_killers.txt says which test noticed a mutant last: that one is asked first, by itself, and all of them when it no longer does, or no longer
exists. --note asks all of them, and writes that file anew.
"""

import os
import pathlib
import re
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
MUTANTS += [f"{row} {what}" for row in ("stack_pressure_max", "stack_pressure_min", "gas", "voltage_difference", "charge_rates", "discharge_rates") for what in ("removed", "loosened")]
MUTANTS += ["stale_reading loosened", "interlock removed", "interlock loosened", "sensor_age removed", "sensor_age loosened", "wrong_direction removed", "current_without_command removed",
            "instrument_protection removed", "lost_remote removed", "whole_chamber removed", "siren removed", "instrument_failure removed",
            "rest_share removed"]
# Where a scenario cannot tell: parameters without which a row trips too much, of cells whose core is slower than that of any that comes with
# us, or whose voltage still relaxes by 3 mV in half an hour after an hour of rest.
NOTICED_BY_UNITS_ONLY = ("heat_memory removed", "rest_share removed")
LEAST_TIME_S = 10  # a run that takes that, and three times what it takes without a mutant, does not end
TIMES_AS_LONG = 3
FIRST_RUN_WITHIN_S = 600
KILLERS_FILE = pathlib.Path(__file__).with_name("mutant_killers.txt")
FAILED = re.compile(r"^\[  FAILED  \] ([^\s,]+)", re.MULTILINE)
BEGIN = re.compile(r"^\[ RUN      \] (\S+)$", re.MULTILINE)


class Slow(Exception):
    """It did not end in time."""


def run(program, mutant, within_s, test="*", raises_when_slow=False):
    """What noticed the mutant: the test that was running when the program failed, crashed or did not end. None: all passed."""
    environment = {**os.environ, "CELLRIG_MUTANT": mutant}
    try:
        done = subprocess.run([program, "--gtest_fail_fast", f"--gtest_filter={test}"], env=environment, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, timeout=within_s, check=False)
        if done.returncode == 0:
            return None
        output = done.stdout
    except subprocess.TimeoutExpired as expired:
        if raises_when_slow:
            raise Slow from expired
        output = expired.stdout or b""  # a run that never ends is noticed, too
    text = output.decode(errors="replace")
    named = FAILED.findall(text)[:1] or BEGIN.findall(text)[-1:]
    return named[0] if named else "before the first test"


class Program:
    """A program of tests, and which of them noticed which mutant last."""

    def __init__(self, what, path):
        self.what, self.path = what, path
        self.killers = {}
        self.within_s = FIRST_RUN_WITHIN_S
        self.alone_within_s = {}  # of tests that pass by themselves; None: this one doesn't
        self.fails_without_mutant = False

    def time_limit_s(self, test="*"):
        """How long it may take with a mutant. None: it fails without one."""
        began = time.monotonic()
        failed = run(self.path, "", self.within_s, test)
        if failed:
            print(f"{self.path} fails without any mutant: {failed}")
            self.fails_without_mutant = True
        return None if failed else max(LEAST_TIME_S, TIMES_AS_LONG * (time.monotonic() - began))

    def passes_without_mutant(self):
        within_s = self.time_limit_s()
        self.within_s = within_s or FIRST_RUN_WITHIN_S
        return within_s is not None

    def notices(self, mutant):
        known = self.killers.get(mutant)
        if known:
            if known not in self.alone_within_s:
                self.alone_within_s[known] = self.time_limit_s(known)
            within_s = self.alone_within_s[known]
            try:
                if within_s and run(self.path, mutant, within_s, known, raises_when_slow=True):
                    return True
            except Slow:  # the mutant's doing where the test is as quick as ever without it; else the machine's, and all are asked
                if self.time_limit_s(known) == LEAST_TIME_S:
                    return True
        noticed = run(self.path, mutant, self.within_s)
        self.killers[mutant] = noticed
        return noticed is not None


def read_killers(programs):
    for line in KILLERS_FILE.read_text().splitlines():
        what, mutant, test = line.split("\t")
        programs[what].killers[mutant] = test


def write_killers(programs):
    lines = [f"{what}\t{mutant}\t{test}\n" for what, program in programs.items() for mutant, test in program.killers.items() if test]
    KILLERS_FILE.write_text("".join(lines))


def main(unit, scenario, notes):
    programs = {"unit": Program("unit", unit), "scenario": Program("scenario", scenario)}
    if not all(program.passes_without_mutant() for program in programs.values()):
        return 1
    if not notes:
        read_killers(programs)
    survivors = 0
    for mutant in MUTANTS:
        killers = [what for what, program in programs.items() if program.notices(mutant)]
        survives = "scenario" not in killers and not (mutant in NOTICED_BY_UNITS_ONLY and killers)
        survivors += survives
        print(f"{mutant:<36} {'SURVIVED ' if survives else ''}{'killed by ' + ' and '.join(killers) if killers else ''}", flush=True)
    print(f"{len(MUTANTS) - survivors} of {len(MUTANTS)} killed")
    if notes and not survivors:
        write_killers(programs)
    return 1 if survivors or any(program.fails_without_mutant for program in programs.values()) else 0


if __name__ == "__main__":
    paths = [word for word in sys.argv[1:] if not word.startswith("--")]
    if len(paths) != 2 or not set(sys.argv[1:]) - set(paths) <= {"--note"}:
        sys.exit(__doc__)
    sys.exit(main(*paths, "--note" in sys.argv))
