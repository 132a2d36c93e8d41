#!/usr/bin/env python3
"""Every claim that comes with cellrig, run in its short form on simulated cells: each statement that a bench can test has a number.

    verify_all_claims.py CELLRIG

Exit code: 0 all of them, 1 some have none, 2 bad usage.
"""

import json
import math
import subprocess
import sys
import tempfile

# Somebody weighs a cell before and after: no bench does that.
WEIGHED = {("china-solid-state-standard", "mass-loss"), ("china-solid-state-standard", "mass-loss-csae")}
# What a simulated cell can be said of in a short form at least: the 30 files of profiles/claims.
CLAIMS_MIN, NUMBERS_MIN = 30, 120


def number_of(statement):
    numbers = [cell.get("value") for cell in statement["cells"]] + [statement.get("value")]
    return [n for n in numbers if isinstance(n, (int, float)) and math.isfinite(n)]


def judge(document):
    problems, numbers = [], 0
    if len(document["claims"]) < CLAIMS_MIN:
        problems.append(f"{len(document['claims'])} claims, expected {CLAIMS_MIN} at least")
    for claim in document["claims"]:
        for statement in claim["statements"]:
            name, verdict = (claim["claim"], statement["id"]), statement["verdict"]
            if verdict == "NOT TESTABLE" and statement["reason"]:
                continue
            if verdict == "NOT RUN" and name in WEIGHED:
                continue
            if not number_of(statement) or "NOT RUN" in verdict:
                why = [cell["problem"] for cell in statement["cells"] if cell["problem"]]
                problems.append(f"{'/'.join(name)}: {verdict}, no number: {why}")
                continue
            numbers += 1
            if not verdict.startswith("SIMULATED"):
                problems.append(f"{'/'.join(name)}: '{verdict}' does not say SIMULATED")
    if numbers < NUMBERS_MIN:
        problems.append(f"{numbers} statements with a number, expected {NUMBERS_MIN} at least")
    return problems, numbers


def main():
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([sys.argv[1], "verify", "--all", "--simulated", "--short", "--json"], cwd=folder, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    # 1: a statement that fails, or is inconclusive, is what a short form may well end with.
    if done.returncode not in (0, 1):
        print(f"exit code {done.returncode}: {done.stderr[-2000:]}")
        return 1
    problems, numbers = judge(json.loads(done.stdout))
    for problem in problems:
        print(problem)
    print(f"{numbers} statements with a number, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
