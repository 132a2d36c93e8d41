"""mbpoll reads and drives instruments on a serial line: Modbus RTU on a pseudo-terminal, two units on one line."""

import re
import subprocess

import bench
from bench import BenchTest

MBPOLL = bench.require_tool("mbpoll", "mbpoll")
CALL_WITHIN_S = 20


class MbpollRtuTest(BenchTest):
    def call(self, unit, options, values=()):
        device = self.bench.device("f4t", "modbus")
        command = [MBPOLL, "-q", "-0", "-1", "-m", "rtu", "-b", "9600", "-P", "none", "-a", str(unit), *options, device, *map(str, values)]
        return subprocess.run(command, capture_output=True, text=True, timeout=CALL_WITHIN_S, check=False)

    def read_numbers(self, unit, kind, address, count=1):
        done = self.call(unit, ["-t", kind, "-r", str(address), "-c", str(count)])
        self.assertEqual(done.returncode, 0, done.stderr)
        return [float(text.split()[0]) for text in re.findall(r"^\[\d+\]:(.*)$", done.stdout, re.MULTILINE)]

    def write(self, unit, kind, address, *values):
        done = self.call(unit, ["-t", kind, "-r", str(address)], values)
        self.assertEqual(done.returncode, 0, done.stderr)


class OneLine(MbpollRtuTest):
    def test_both_instruments_are_on_the_same_device(self):
        self.assertEqual(self.bench.device("f4t", "modbus"), self.bench.device("adam", "modbus"))

    def test_the_chamber_answers_as_unit_1(self):
        (degC,) = self.read_numbers(1, "4:float", 2820)
        self.assertAlmostEqual(degC, 25.0, delta=0.5)

    def test_the_logger_answers_as_unit_2(self):
        self.assertEqual(self.read_numbers(2, "4", 200, 8), [1088.0] * 8)

    def test_takes_a_set_point_of_two_registers(self):
        self.write(1, "4:float", 2782, 30.5)
        self.assertEqual(self.read_numbers(1, "4:float", 2782), [30.5])

    def test_takes_coils(self):
        self.write(2, "0", 16, 1, 0, 1)
        self.assertEqual(self.read_numbers(2, "0", 16, 8), [1.0, 0.0, 1.0] + [0.0] * 5)
        self.assertTrue(self.bench.truth()["channels"]["ch1"]["contactor_closed"])

    def test_nobody_answers_for_a_unit_that_is_not_there(self):
        done = self.call(7, ["-t", "4", "-r", "200"])
        self.assertEqual(done.returncode, 1)
        self.assertIn("timed out", done.stderr)

    def test_names_the_exception_of_a_hole_in_the_map(self):
        done = self.call(1, ["-t", "4:float", "-r", "9", "-c", "1"])
        self.assertEqual(done.returncode, 1)
        self.assertIn("Illegal data address", done.stderr)


if __name__ == "__main__":
    bench.main()
