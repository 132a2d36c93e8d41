"""Each numbered fault of instruments, cells and links, on the bench with everything: ordered with curl while the simulator runs, and from a file
with which it was started. (Those of the controller's host need a controller: tests/program.)"""

import json
import subprocess

import bench
from bench import Bench, BenchTest

curl = bench.require_tool("curl", "curl")

NUMBERS = [f"F{number:02}" for number in range(1, 50) if not 37 <= number <= 44]


def ask(simulator, path, *options):
    """(status, body)"""
    url = f"http://{simulator.back_door()}{path}"
    command = [curl, "--silent", "--show-error", "--max-time", "20", "--write-out", "\n%{http_code}", *options, url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    body, _, status = done.stdout.rpartition("\n")
    return int(status), body.strip()


class NumberedFaults(BenchTest):
    def test_each_is_taken_by_its_number_while_the_simulator_runs(self):
        for number in NUMBERS:
            with self.subTest(number):
                self.assertEqual(ask(self.bench, "/fault", "-d", number), (200, "ok"))
        self.assertEqual(ask(self.bench, "/faults", "-X", "DELETE"), (200, "ok"))
        self.assertEqual(json.loads(ask(self.bench, "/faults")[1])["faults"], [])
        self.assertIn("ch1", json.loads(ask(self.bench, "/truth")[1])["channels"])

    def test_each_is_in_the_list_of_kinds_with_what_it_stands_for(self):
        listed = json.loads(ask(self.bench, "/faults/kinds")[1])
        kinds = {kind["kind"] for kind in listed["kinds"]}
        for fault in listed["numbers"]:
            self.assertIn(fault["order"].split()[0], kinds)

    def test_a_seed_draws_some_of_them(self):
        self.assertEqual(ask(self.bench, "/fault", "-d", "random kinds=all seed=5 count=30 over_s=3600"), (200, "ok"))
        drawn = json.loads(ask(self.bench, "/faults")[1])["faults"]
        self.assertEqual(len(drawn), 30)
        self.assertGreater(len({fault["order"].split()[0] for fault in drawn}), 10)


class FromAFile(BenchTest):
    def setUp(self):
        self.bench = Bench(faults="".join(f"- {number} at_s=100000\n" for number in NUMBERS))
        self.addCleanup(self.bench.stop)

    def test_each_waits_for_its_instant(self):
        waiting = json.loads(ask(self.bench, "/faults")[1])["faults"]
        self.assertEqual(len(waiting), len(NUMBERS))
        self.assertEqual({fault["state"] for fault in waiting}, {"waiting"})


if __name__ == "__main__":
    bench.main()
